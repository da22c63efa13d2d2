// SPDX-License-Identifier: Apache-2.0
import { MEDIA_TYPES } from "../oci/media-types";
import { printable } from "../printable";
import { CLAIM_MOODS } from "../report/claim-text";
import { SIGNATURE_MOODS } from "../report/tree";
import { dress, shortDigest, words, type Dress, type Mood } from "../report/words";
import type { ClaimCount, ForeignCount, ListedArtifact, Listing, SignerCount } from "./listing";

/** A listing for people: an artifact with its tags, and below it what is said about it. */
export function listingLines(listing: Listing, color: boolean): string[] {
  const style = dress(color);
  const { repository, artifacts, unknown, beside } = listing;
  return [
    printable(repository),
    ...artifacts.flatMap((artifact) => artifactLines(artifact, style)),
    ...unknown.map(({ tags, code }) =>
      words(style.mark("unsure"), tags.join(", "), `cannot be told [${code}]`),
    ),
    ...(beside.length === 0
      ? []
      : [words(style.mark("quiet"), `tags that other tools keep: ${beside.length}`)]),
    ...(artifacts.length + unknown.length === 0 ? ["no tags"] : []),
  ];
}

const VERIFIED: Readonly<Record<NonNullable<ListedArtifact["verified"]>, [Mood, string]>> = {
  yes: ["good", "verified"],
  no: ["bad", "not verified"],
  unknown: ["unsure", "could not tell"],
};

function artifactLines(artifact: ListedArtifact, style: Dress): string[] {
  const { tags, digest, artifactType, mediaType, verified, unsigned } = artifact;
  const [mood, answer]: [Mood, string?] = verified === undefined ? ["plain"] : VERIFIED[verified];
  const kind =
    artifactType === undefined || artifactType === MEDIA_TYPES.empty ? mediaType : artifactType;
  const head = words(
    style.mark(mood),
    tags.join(", "),
    shortDigest(digest),
    printable(kind, 80),
    answer === undefined ? undefined : style.colored(mood, answer),
  );
  const below = [
    ...(unsigned ? [words(style.mark("bad"), "not signed")] : []),
    ...artifact.signatures.map((signature) => signerLine(signature, style)),
    ...artifact.claims.map((claim) => claimCountLine(claim, style)),
    ...artifact.foreign.map((claim) => foreignCountLine(claim, style)),
    ...artifact.faults.map((fault) => words(style.mark("bad"), printable(fault))),
  ];
  return [head, ...below.map((line) => `  ${line}`)];
}

function signerLine({ status, by, count }: SignerCount, style: Dress): string {
  const mood = SIGNATURE_MOODS[status];
  return words(
    style.mark(mood),
    "signature",
    times(count),
    style.colored(mood, status === "valid" ? "valid, signer not checked against a policy" : status),
    by === undefined ? undefined : `by ${printable(by)}`,
  );
}

function claimCountLine({ type, by, status, count }: ClaimCount, style: Dress): string {
  const mood = CLAIM_MOODS[status];
  return words(
    style.mark(mood),
    printable(type),
    times(count),
    style.colored(mood, status),
    by === undefined ? undefined : `by ${by.map((each) => printable(each)).join(" and by ")}`,
  );
}

function foreignCountLine({ origin, type, status, count }: ForeignCount, style: Dress): string {
  return words(
    style.mark(status === "broken" ? "bad" : "quiet"),
    printable(type ?? "unknown"),
    times(count),
    `left by ${origin}, ${status}`,
  );
}

function times(count: number): string | undefined {
  return count === 1 ? undefined : `×${count}`;
}
