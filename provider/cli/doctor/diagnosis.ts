// SPDX-License-Identifier: Apache-2.0
import { CHECKS, type Check, type Finding } from "../../registry/examination";

export interface Diagnosis {
  registry: string;
  repository?: string;
  /** Where it was written to, with `--write`. */
  wroteTo?: string;
  findings: Finding[];
  /** What was written and could not be taken away. */
  left: string[];
}

/** What only a write shows. */
const BY_WRITING: readonly Check[] = [
  "conditionalRequests",
  "tagImmutability",
  "deletes",
  "tagDeletes",
  "sparseIndexes",
  "sha512",
];

/** What writing shows comes before what reading shows; whatever was not asked is told as that. */
export function together(
  read: readonly Finding[],
  written: readonly Finding[],
  failed: boolean,
): Finding[] {
  return CHECKS.map((check) => {
    const found =
      written.find((each) => each.check === check && each.answer !== "unknown") ??
      read.find((each) => each.check === check) ??
      written.find((each) => each.check === check);
    if (found !== undefined) return found;
    const evidence = failed
      ? "the registry does not answer"
      : BY_WRITING.includes(check)
        ? "only --write shows it"
        : "say HOST/REPOSITORY, with something in it";
    return { check, answer: failed ? "unknown" : "unasked", evidence };
  });
}
