// SPDX-License-Identifier: Apache-2.0
import { printable } from "../../printable";
import { dress, formatSize, shortDigest, words, type Dress } from "../../report/words";
import type { Difference, OnlyAt, TagDifference } from "./difference";

/** Lines of one kind that are printed; JSON has all. */
const MAX_LINES = 100;

const ANSWERS: Readonly<Record<Difference["answer"], string>> = {
  same: "the same",
  different: "different",
  unknown: "could not tell",
};

/** A difference for people. */
export function differenceLines(difference: Difference, color: boolean): string[] {
  const style = dress(color);
  const { a, b, answer, same, tags, graph, claims, blobs, absentBlobs = [], untold } = difference;
  const mood = answer === "same" ? "good" : answer === "different" ? "bad" : "unsure";
  return [
    words("A", printable(a)),
    words("B", printable(b)),
    words(style.mark(mood), style.colored(mood, ANSWERS[answer])),
    ...section("tags", tags.map(tagLine)),
    ...section("graphs", graph.map(onlyLine)),
    ...section("claims", claims.map(onlyLine)),
    ...section(
      "blobs that manifests name",
      blobs.map(({ only, digest, size }) =>
        words(`only ${only.toUpperCase()}`, shortDigest(digest), formatSize(size)),
      ),
    ),
    ...section(
      "blobs that are not there",
      absentBlobs.map(({ at, digest }) => words(`not at ${at.toUpperCase()}`, digest)),
    ),
    ...section(
      "could not be told",
      untold.map((each) => untoldLine(each, style)),
    ),
    `in both: ${same.tags} tags, ${same.manifests} manifests, ${same.claims} of them claims, ${same.blobs} blobs named`,
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length - MAX_LINES;
  return [
    title,
    ...lines.slice(0, MAX_LINES).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more; --json has all`] : []),
  ];
}

function tagLine({ tag, a, b }: TagDifference): string {
  const where = a === undefined ? "only B" : b === undefined ? "only A" : "moved ";
  const [left, right] = [a, b].map((digest) => (digest === undefined ? "" : shortDigest(digest)));
  return words(where, tag, left, a !== undefined && b !== undefined ? "→" : "", right);
}

function onlyLine({ only, digest, kind, type, from }: OnlyAt): string {
  const [first] = from;
  return words(
    `only ${only.toUpperCase()}`,
    kind,
    type === undefined ? undefined : printable(type, 80),
    shortDigest(digest),
    first === undefined ? undefined : `of ${shortDigest(first)}`,
  );
}

function untoldLine(
  { at, what, code, reason }: Difference["untold"][number],
  style: Dress,
): string {
  return words(
    style.mark("unsure"),
    `at ${at.toUpperCase()}`,
    printable(what),
    `${printable(reason)} [${code}]`,
  );
}
