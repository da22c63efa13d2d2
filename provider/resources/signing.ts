// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { pushArtifact } from "../content/pack";
import type { Store } from "../content/storage";
import { ConsignError } from "../errors";
import { isEnvelopeSigner, packSignature, signEnvelope, signerIdentity, type SignatureVerdict } from "../notation";
import type { Descriptor } from "../oci/descriptor";
import type { ResourceContext } from "./context";
import { ownSignatures } from "./own-signatures";
import type { Properties } from "./reconciler";
import { openSigner, type SignedBy, type SignerArgument } from "./signer";

export const signatureRecordSchema = z.object({
  digest: z.string(),
  subject: z.string(),
  thumbprint: z.string(),
  signedAt: z.string().optional(),
  expiresAt: z.string().optional(),
});
/** A signature as it was read back and verified. */
export type SignatureRecord = z.infer<typeof signatureRecordSchema>;

export interface SigningRequest {
  store: Store;
  target: Descriptor;
  signer: SignerArgument;
  signedBy: SignedBy;
  /** Manifests of signatures that this resource made before. */
  recorded: readonly string[];
  validForMs?: number | undefined;
}

/**
 * Leaves the artifact with a valid signature of the planned signer, writing one only if there is none, and returns what was read back.
 * @throws ConsignError `READ_BACK_FAILED` if the signature just pushed does not verify when read; `PLAN_STALE` if the signer has changed
 */
export async function ensureSigned(request: SigningRequest, context: ResourceContext): Promise<SignatureRecord[]> {
  const { store, target, signedBy, recorded } = request;
  const valid = verified(await ownSignatures(store, target, signedBy, recorded, context));
  if (valid.length > 0) return valid.map(signatureRecord);
  const signature = packSignature({ subject: target, envelope: await makeEnvelope(request, context) });
  await pushArtifact(store, signature);
  const readBack = verified(await ownSignatures(store, target, signedBy, [...recorded, signature.manifest.descriptor.digest], context));
  if (readBack.length === 0) {
    throw new ConsignError("READ_BACK_FAILED", `the signature of ${target.digest} was pushed, but what can be read back does not verify`, { reference: `${store.name}@${target.digest}` });
  }
  return readBack.map(signatureRecord);
}

async function makeEnvelope({ store, target, signer, signedBy, validForMs }: SigningRequest, context: ResourceContext): Promise<Uint8Array> {
  const open = await openSigner(signer, context);
  const signingTime = context.now();
  const expiry = validForMs === undefined ? {} : { expiry: new Date(signingTime.getTime() + validForMs) };
  if (isEnvelopeSigner(open)) return (await open.signEnvelope({ target, signingTime, ...expiry })).envelope;
  const { thumbprint } = signerIdentity(open.certificateChain);
  if (thumbprint !== signedBy.thumbprint) {
    throw new ConsignError("PLAN_STALE", `the signer's certificate is now ${thumbprint.slice(0, 16)}…, the plan says ${signedBy.thumbprint.slice(0, 16)}…: run again`, { path: "signer" });
  }
  return signEnvelope({ target, signer: open, signingTime, subject: `${store.name}@${target.digest}`, ...expiry });
}

function verified(verdicts: readonly SignatureVerdict[]): SignatureVerdict[] {
  return verdicts.filter(({ outcome }) => outcome === "verified");
}

/** What drift shows: `valid`, `missing`, or in one line what is wrong. */
export function signatureStatus(verdicts: readonly SignatureVerdict[]): string {
  if (verified(verdicts).length > 0) return "valid";
  const worst = verdicts[0];
  return worst === undefined ? "missing" : `${worst.outcome}: ${worst.reason ?? "no reason given"} [${worst.code ?? "SIGNATURE_INVALID"}]`;
}

export function signatureRecords(verdicts: readonly SignatureVerdict[]): SignatureRecord[] {
  return verified(verdicts).map(signatureRecord);
}

function signatureRecord({ signature, signer, signedAt, expiresAt }: SignatureVerdict): SignatureRecord {
  return {
    digest: signature ?? "",
    subject: signer?.subject ?? "",
    thumbprint: signer?.thumbprint ?? "",
    ...(signedAt === undefined ? {} : { signedAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** Digests of the signatures in a resource's recorded properties. */
export function recordedSignatures(state: Properties | undefined): string[] {
  const parsed = z.array(signatureRecordSchema).safeParse(state?.["signatures"]);
  return parsed.success ? parsed.data.map(({ digest }) => digest) : [];
}
