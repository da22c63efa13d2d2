// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../../errors";
import type { Digest } from "../../oci/digest";
import { kindOf, typeKey } from "../types";
import { signersByClaim, type AdmittedClaim, type ClaimBySigner } from "./claim-by-signer";
import { identify, ranksAbove, sameIssuer, type Issuer } from "./issuer";
import type { ClaimVerdict } from "./claim-verdict";
import { forbids } from "./lapsed";
import { signerKey, signingsOf, timeOf } from "./signers";
import type { EffectiveInput, JudgedClaim, ObservedClaim } from "./terms";
import type { Unreadable } from "./unreadable";

/** A claim of which nobody can tell what it says, or who says it. */
interface Uncertain {
  digest: Digest;
  /** {@link typeKey}; undefined where that is not known either. */
  type: string | undefined;
  /** Undefined where only what was not read says it. */
  scope: string | undefined;
  /** Undefined where that is not known. */
  supersedes: readonly Digest[] | undefined;
  /** Whose it is, or may be. */
  words: { issuer: Issuer | undefined; signedAt: number }[];
  why: string;
}

/**
 * What a store has lost or altered. What is malformed was never anything else, and replaces nothing.
 */
const DAMAGED: ReadonlySet<ErrorCode> = new Set([
  "MANIFEST_UNKNOWN",
  "MANIFEST_TOO_LARGE",
  "BLOB_UNKNOWN",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
]);

/**
 * Step 5 of `effective.ts`: a claim that another may have replaced, were that one whole, does not
 * count as the last word of its issuer. Of claims that can only be held against the artifact the
 * other one forbids by itself.
 */
export function holdOvertaken(
  judged: readonly JudgedClaim[],
  unreadable: ReadonlyMap<Digest, Unreadable>,
  standing: readonly AdmittedClaim[],
  input: EffectiveInput,
): JudgedClaim[] {
  const revoked = new Set(
    judged.filter(({ status }) => status === "revoked").map(({ digest }) => digest),
  );
  const uncertain = [
    ...[...unreadable].flatMap(([digest, claim]) => damaged(digest, claim, input)),
    ...input.claims.flatMap((observed) => unattributed(observed, input)),
  ]
    .filter(({ digest }) => !revoked.has(digest))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  if (uncertain.length === 0) return [...judged];
  const words = signersByClaim<AdmittedClaim>(standing);
  return judged.map((claim) => {
    if (claim.status !== "effective" || forbids(claim.type)) return claim;
    const by = uncertain.find((other) =>
      (words.get(claim.digest) ?? []).some((word) => mayReplace(other, word)),
    );
    if (by === undefined) return claim;
    const { predicate: _predicate, datedAhead: _datedAhead, ...others } = claim;
    return {
      ...others,
      status: "inconclusive",
      reason: `whether ${by.digest} replaces it cannot be told: ${by.why}`,
    };
  });
}

function damaged(
  digest: Digest,
  { type, supersedes, broken, claimsBySigner, doubts, signings }: Unreadable,
  input: EffectiveInput,
): Uncertain[] {
  if (!DAMAGED.has(broken.code)) return [];
  const timeBy = ({ signer, root }: Issuer) =>
    timeOf(
      signings.find((signing) => signing.signer === signer && signing.root === root)?.verdict
        .signedAt,
      Infinity,
    );
  return [
    {
      digest,
      type: type === undefined ? undefined : typeKey(type),
      scope: undefined,
      supersedes,
      words: [
        ...claimsBySigner.map((issuer: ClaimBySigner) => ({
          issuer,
          signedAt: timeBy(issuer),
        })),
        ...doubts.map(({ signer: subject, root }) => ({
          issuer: subject === undefined ? undefined : identify({ subject, root }, input),
          signedAt: Infinity,
        })),
      ],
      why: `it cannot be read: ${broken.reason} (${broken.code})`,
    },
  ];
}

function unattributed({ claim, verdict }: ObservedClaim, input: EffectiveInput): Uncertain[] {
  if ("broken" in claim || claim.subject.digest !== input.subject) return [];
  const sure = new Set(
    signingsOf(verdict, input.now).map(({ signer, root }) => signerKey({ subject: signer, root })),
  );
  const { signatures = [verdict], unseen = 0 } = verdict;
  const unsure = signatures.filter(
    ({ outcome, signer }) =>
      outcome === "inconclusive" && (signer === undefined || !sure.has(signerKey(signer))),
  );
  const words = [
    ...unsure.map((each) => wordOf(each, input)),
    ...(unseen === 0 ? [] : [{ issuer: undefined, signedAt: Infinity }]),
  ];
  if (words.length === 0) return [];
  return [
    {
      digest: claim.digest,
      type: typeKey(claim.type),
      scope:
        claim.predicate === undefined
          ? undefined
          : (kindOf(claim.type)?.scopeOf(claim.predicate) ?? ""),
      supersedes: claim.supersedes,
      words,
      why: `who has signed it cannot be told: ${unsure[0]?.reason ?? "it has too many signatures"}`,
    },
  ];
}

function wordOf({ signer, signedAt }: ClaimVerdict, input: EffectiveInput): Uncertain["words"][0] {
  return {
    issuer: signer === undefined ? undefined : identify(signer, input),
    signedAt: timeOf(signedAt, Infinity),
  };
}

/** As `supersession.ts` would have it, of what may be anything. */
function mayReplace(uncertain: Uncertain, claim: AdmittedClaim): boolean {
  const { digest, type, scope, supersedes, words } = uncertain;
  if (digest === claim.digest) return false;
  const isOfType = type === undefined || type === claim.type;
  const isNamed = supersedes?.includes(claim.digest) ?? isOfType;
  const isAlike =
    isOfType && (scope === undefined || scope === claim.scope) && claim.type !== "vex";
  return words.some(({ issuer, signedAt }) => {
    if (issuer === undefined) return isAlike || isNamed;
    const isAbove = ranksAbove(issuer, claim) !== "no";
    const isHis = sameIssuer(issuer, claim) !== "no";
    if (isNamed && (isAbove || isHis)) return true;
    return (
      isAlike &&
      ((isAbove && claim.bestRank !== Infinity) || (isHis && !(signedAt < claim.signedAt)))
    );
  });
}
