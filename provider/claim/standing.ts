// SPDX-License-Identifier: Apache-2.0
import {
  claimTypeOf,
  effectiveClaims,
  isClaim,
  observeClaim,
  sameType,
  type ClaimVerdict,
  type ObservedClaim,
  type ReadClaim,
} from "../claims/index";
import type { ReadStore } from "../content/storage";
import { verifyArtifact, type Certificate } from "../notation/index";
import { ANNOTATIONS } from "../oci/annotations";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "../world/context";
import { runPart } from "../world/run";
import { policyFor, type OwnSignature } from "../signing/own-signatures";
import { signatureStatus } from "../signing/signing";
import type { SigningArguments } from "../signing/arguments";

/**
 * What drift shows of a claim, in one line: `valid`; `superseded by …` or `revoked by …`, which its
 * issuer did by name and which stays so; or what is wrong: gone from the list of its subject's
 * referrers, tampered with, its signature's fault, or superseded by a later claim. `undefined` if
 * it is definitely gone.
 * @throws ConsignError what leaves it unknown
 */
export async function claimStatus(
  store: ReadStore,
  claim: { descriptor: Descriptor; subject: Digest; args: SigningArguments },
  own: () => Promise<OwnSignature[]>,
  context: ResourceContext,
): Promise<{ status: string; own: OwnSignature[] } | undefined> {
  const read = await observeClaim(store, claim.descriptor, { subject: claim.subject });
  if ("broken" in read) {
    if (read.broken.code === "MANIFEST_UNKNOWN") return undefined;
    return { status: `tampered: ${read.broken.reason} [${read.broken.code}]`, own: [] };
  }
  const signatures = await own();
  const signature = signatureStatus(signatures, claim.args);
  const listed = await store.referrers(claim.subject);
  if (!listed.some(({ digest }) => digest === read.digest))
    return {
      status:
        "unlisted: it is there, but not among the referrers of its subject [READ_BACK_FAILED]",
      own: signatures,
    };
  if (signature !== "valid")
    return { status: signature === "missing" ? "unsigned" : signature, own: signatures };
  const verdict = signatures.find(({ outcome }) => outcome === "verified");
  return {
    status:
      verdict?.root === undefined
        ? "valid"
        : await standing(store, read, { ...verdict, root: verdict.root }, listed, context),
    own: signatures,
  };
}

/**
 * The claim's issuer has replaced or revoked it by name: that was on purpose, so there is nothing
 * to repair.
 */
export function isDeliberate(status: unknown): boolean {
  return typeof status === "string" && /^(?:superseded|revoked) by /.test(status);
}

/** Where a claim's standing is recorded, and which asks for nothing to be done. */
export const STANDING = {
  property: "status",
  isSettled: (status: unknown): boolean => status === "valid" || isDeliberate(status),
};

/**
 * How a claim with this verdict on it stands among the others about its subject; of these, who is
 * under the same root counts.
 */
export async function standing(
  store: ReadStore,
  mine: ReadClaim,
  verdict: ClaimVerdict & { root: Certificate },
  listed: readonly Descriptor[],
  context: ResourceContext,
): Promise<string> {
  const rivals = [
    ...listed.filter((descriptor) => mayReplace(descriptor, mine)),
    ...(await store.referrers(mine.digest)).filter(isClaim),
  ];
  if (rivals.length === 0) return "valid";
  const { root, signer } = verdict;
  const observed = await Promise.all(
    rivals.map((rival) => observeRival(store, rival, root, context)),
  );
  const { claims } = effectiveClaims({
    subject: mine.subject.digest,
    now: context.now(),
    claims: [
      {
        claim: mine,
        verdict: {
          ...verdict,
          ...(signer === undefined ? {} : { signer: { ...signer, root: root.thumbprint } }),
        },
      },
      ...observed,
    ],
  });
  const judged = claims.find(({ digest }) => digest === mine.digest);
  if (judged === undefined || judged.status === "effective") return "valid";
  if (judged.status === "revoked") return `revoked by ${judged.by}`;
  if (judged.status !== "superseded") return `${judged.status}: ${judged.reason}`;
  const byName = observed.some(
    ({ claim }) =>
      claim.digest === judged.by && !("broken" in claim) && claim.supersedes.includes(mine.digest),
  );
  return byName
    ? `superseded by ${judged.by}`
    : `superseded: ${judged.by} is a later claim of the same issuer, type and scope [CLAIM_SUPERSEDED]`;
}

/** The list of referrers is a hint: whoever answers it could withhold the claim altogether. */
function mayReplace(descriptor: Descriptor, mine: ReadClaim): boolean {
  if (descriptor.digest === mine.digest || !isClaim(descriptor)) return false;
  const type = claimTypeOf(descriptor);
  return (
    type === undefined ||
    sameType(type, mine.type) ||
    sameType(type, "revocation") ||
    (descriptor.annotations?.[ANNOTATIONS.claimSupersedes]?.includes(mine.digest) ?? false)
  );
}

const RIVALS = runPart("rivals of claims", () => new Map<string, Promise<ObservedClaim>>());

/** Read once per run: two hundred claims of one type are each other's rivals. */
function observeRival(
  store: ReadStore,
  descriptor: Descriptor,
  root: Certificate,
  context: ResourceContext,
): Promise<ObservedClaim> {
  const seen = context.run.part(RIVALS);
  const key = `${store.name}@${descriptor.digest} ${root.thumbprint}`;
  const observing = seen.get(key) ?? readRival(store, descriptor, root, context);
  seen.set(key, observing);
  observing.catch(() => seen.delete(key));
  return observing;
}

async function readRival(
  store: ReadStore,
  descriptor: Descriptor,
  root: Certificate,
  context: ResourceContext,
): Promise<ObservedClaim> {
  const claim = await observeClaim(store, descriptor);
  const verdict = await verifyArtifact(store, claim.descriptor, policyFor([root], []), {
    now: context.now(),
    baseDir: context.baseDir,
    scope: store.name,
    revocation: context.revocation,
    signers: "every",
  });
  return { claim, verdict };
}
