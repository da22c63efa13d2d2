// SPDX-License-Identifier: Apache-2.0
import { together, type ForeignClaim } from "../claims";
import type { ClaimReport } from "./observation";
import { printable } from "../printable";
import { shortDigest, words, type Dress, type Mood } from "./words";

export const CLAIM_MOODS: Readonly<Record<ClaimReport["status"], Mood>> = {
  effective: "good",
  unchecked: "plain",
  superseded: "quiet",
  inconclusive: "unsure",
  revoked: "bad",
  expired: "bad",
  untrusted: "bad",
  unsigned: "bad",
  malformed: "bad",
  "subject-mismatch": "bad",
  tampered: "bad",
};

/** A claim in one line: what it is, for whom, whether it counts, and who issued it. */
export function claimLine(
  { name, audience, digest, status, issuer, issuers, by, expiresAt }: ClaimReport,
  style: Dress,
): string {
  const mood = CLAIM_MOODS[status];
  const issued =
    issuer === undefined
      ? undefined
      : `by ${together((issuers?.map((each) => each.issuer) ?? [issuer]).map((each) => printable(each)))}`;
  const instead = by === undefined ? undefined : `by ${shortDigest(by)}`;
  const until = expiresAt === undefined ? undefined : `until ${expiresAt}`;
  return words(
    style.mark(mood),
    printable(name),
    audience,
    shortDigest(digest),
    style.colored(mood, words(status, instead)),
    issued,
    until,
  );
}

const SELF_EXPLAINING: readonly ClaimReport["status"][] = ["effective", "unchecked", "unsigned"];

/** Why it does not count, as zero or one line. */
export function claimReason({ status, reason }: ClaimReport): string[] {
  return SELF_EXPLAINING.includes(status) ? [] : [printable(reason)];
}

/** A claim that another tool left. */
export function foreignLine(
  { type, origin, digest, status, reason }: ForeignClaim,
  style: Dress,
): string {
  return words(
    style.mark(status === "broken" ? "bad" : "quiet"),
    printable(type ?? "unknown"),
    `left by ${origin}`,
    shortDigest(digest),
    `${status}: ${printable(reason)}`,
  );
}
