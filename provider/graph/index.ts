// SPDX-License-Identifier: Apache-2.0
export { survey } from "./survey";
export type { KnownPlace, Survey, SurveyOptions, SurveyedReferrer } from "./survey";
export { walk } from "./walk";
export type { Graph, GraphNode, WalkOptions } from "./walk";
export { referrersIn, select } from "./select";
export type { Candidate, Dropped, Selection } from "./select";
export { mergeDigests, mergeTags } from "./merge";
export type { DigestDecision, DigestMerge, Sides, TagDecision, TagMerge } from "./merge";
