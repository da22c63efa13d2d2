// SPDX-License-Identifier: Apache-2.0
export { walk } from "./walk";
export type { Graph, GraphNode, WalkOptions } from "./walk";
export { referrersIn, select } from "./select";
export type { Candidate, Dropped, Selection } from "./select";
export { mergeDigests, mergeTags } from "./merge";
export type { DigestDecision, DigestMerge, Sides, TagDecision, TagMerge } from "./merge";
