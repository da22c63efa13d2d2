// SPDX-License-Identifier: Apache-2.0
import { canonicalSubject, observeClaim } from "../claims/index";
import type { ReadStore } from "../content/storage";
import { ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { isDeliberate, standing } from "./standing";
import type { ResourceContext } from "../world/context";
import type { OwnSignature } from "../signing/own-signatures";
import { signerCertificates } from "../signing/planned-signer";
import type { SignedBy, SignerArgument } from "../signing/signer";
import type { SignatureRecord } from "../signing/signing";

export interface Overtaking {
  store: ReadStore;
  descriptor: Descriptor;
  reference: string;
  subject: Digest;
  signer: SignerArgument;
  signedBy: SignedBy;
  /** Signatures on it that the state remembers. */
  recorded: readonly SignatureRecord[];
}

/**
 * Refuses to sign a claim anew that a later one has superseded: of one issuer the latest signature
 * counts, so repairing or renewing an old claim would bring it back over what its issuer has said
 * since.
 * @throws ConsignError `CLAIM_SUPERSEDED`
 */
export async function refuseOvertaking(
  asked: Overtaking,
  own: readonly OwnSignature[],
  context: ResourceContext,
): Promise<void> {
  const { store, descriptor, subject, signedBy } = asked;
  const since = firstSigned(asked, own);
  if (since === undefined || !(await store.has(descriptor))) return;
  const read = await observeClaim(store, descriptor, { subject });
  const root =
    own.find((signature) => isSound(signature))?.root ??
    (await signerCertificates(asked.signer, context)).at(-1);
  if ("broken" in read || root === undefined) return;
  const status = await standing(
    store,
    read,
    { outcome: "verified", signer: { subject: signedBy.subject }, signedAt: since, root },
    await store.referrers(subject),
    context,
  );
  if (status !== "valid" && !isDeliberate(status) && status.startsWith("superseded"))
    throw superseded(asked.reference, status);
}

export function superseded(reference: string, status: string): ConsignError {
  return new ConsignError(
    "CLAIM_SUPERSEDED",
    `${reference} does not count: ${status}. To put it in that one's place, name that one in supersedes; else take this claim out of the program`,
    { reference },
  );
}

function firstSigned(
  { signedBy, recorded }: Overtaking,
  own: readonly OwnSignature[],
): string | undefined {
  const issuer = canonicalSubject(signedBy.subject);
  const times = [
    ...recorded.filter(({ subject }) => canonicalSubject(subject) === issuer),
    ...own.filter(
      (signature) =>
        isSound(signature) && canonicalSubject(signature.signer?.subject ?? "") === issuer,
    ),
  ].flatMap(({ signedAt }) =>
    signedAt === undefined || Number.isNaN(Date.parse(signedAt)) ? [] : [signedAt],
  );
  return times.sort((a, b) => Date.parse(a) - Date.parse(b))[0];
}

/** Its time is its signer's word, be it past its end. */
function isSound({ outcome, code }: OwnSignature): boolean {
  return outcome === "verified" || code === "SIGNATURE_EXPIRED";
}
