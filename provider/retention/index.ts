// SPDX-License-Identifier: Apache-2.0
export { decodeEvidence, encodeEvidence, evidenceIn, factsSchema, readFacts, short } from "./facts";
export type { Evidence, Facts, Reading } from "./facts";
export { countDecisions, planLines, planTable, rowOf } from "./line";
export type { Row } from "./line";
export { acts, entrySchema, factsIn } from "./entry";
export type { Entries, Entry } from "./entry";
export { graceIsOver } from "./case";
export type { RetentionInput } from "./case";
export { planRetention } from "./plan";
export { checkRules, describeRetention } from "./rules";
export type { OnExpiry, Period, Rules, Since } from "./rules";
export { endOf, formatInstant, isRunning, mergeWindows, timeSchema } from "./windows";
export type { Window } from "./windows";
