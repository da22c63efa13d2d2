// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { pushArtifact } from "../content/pack";
import type { ReadStore, Store } from "../content/storage";
import { ConsignError } from "../errors";
import {
  isEnvelopeSigner,
  packSignature,
  requestTimestamp,
  signEnvelope,
  signerIdentity,
  verifyTimestamp,
} from "../notation/index";
import type { Annotations, Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { MEDIA_TYPES } from "../oci/media-types";
import { at, type ResourceContext } from "../world/context";
import { judgeOwn, ownSignatures, type OwnSignature, type OwnSigner } from "./own-signatures";
import type { Properties } from "../world/reconciler";
import { lasting, NOT_DUE, renewalOf } from "./renewal";
import { plannedSigner } from "./planned-signer";
import { openSigner, type SignedBy } from "./signer";
import {
  checkSigningArguments,
  shortcomings,
  timestampRoots,
  wantedSignature,
  type SigningArguments,
  type Wanted,
} from "./arguments";

export const signatureRecordSchema = z.object({
  digest: z.string(),
  subject: z.string(),
  thumbprint: z.string(),
  signedAt: z.string().optional(),
  expiresAt: z.string().optional(),
});
/** A signature as it was read back and verified. */
export type SignatureRecord = z.infer<typeof signatureRecordSchema>;

/** Checks the arguments about signing, and says by whom it will be. `previous`: as recorded. */
export async function plannedSigning(
  known: Partial<SigningArguments>,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<{ signedBy?: SignedBy }> {
  checkSigningArguments(known);
  await timestampRoots(known.timestamp, context);
  if (known.signer === undefined) return {};
  const signedBy = await plannedSigner(known.signer, previous, context);
  if (signedBy.thumbprint === "" && known.renewBefore !== undefined) {
    throw new ConsignError(
      "INPUT_INVALID",
      "this plugin does not tell its certificate before it signs, so its signatures are not recognised: give signer.certificateChainFile too",
      { path: "renewBefore" },
    );
  }
  return { signedBy };
}

/**
 * What is due at the signatures of something that may be there already. Asks the store only where
 * `renewBefore` is given.
 */
export async function plannedRenewal(
  store: () => Promise<ReadStore>,
  target: Descriptor,
  args: SigningArguments,
  signedBy: SignedBy,
  context: ResourceContext,
): Promise<string> {
  if (args.renewBefore === undefined) return NOT_DUE;
  const opened = await store();
  const own = await currentSignatures(opened, target, args, signedBy, [], context);
  return renewalOf(satisfying(own, args), args, `${opened.name}@${target.digest}`, context);
}

export interface SigningRequest {
  store: Store;
  target: Descriptor;
  args: SigningArguments;
  signedBy: SignedBy;
  /** The plan says that the signatures there are end too soon. */
  renew: boolean;
  /** Called before a signature of a new time is made, with those that are there: may refuse it. */
  beforeSigning?: (own: readonly OwnSignature[]) => Promise<void>;
  /** Told of a signature that was made. */
  onMade?: ((signature: Digest) => void) | undefined;
  /** The resource's recorded properties, with the signatures that it made or adopted before. */
  previous: Properties | undefined;
}

/**
 * Leaves the artifact with a valid signature of the planned signer, writing one only if there is
 * none that will do, and returns what was read back. A signature that would not verify is not
 * written.
 * @throws ConsignError `READ_BACK_FAILED` if the signature just pushed does not verify when read;
 * `PLAN_STALE` if the signer has changed; `SIGNATURE_REVOKED`, `SIGNATURE_EXPIRED` and the like if
 * nobody could accept the signer's signature; `TIMESTAMP_FAILED`
 */
export async function ensureSigned(
  request: SigningRequest,
  context: ResourceContext,
): Promise<SignatureRecord[]> {
  const { store, target, args, signedBy, previous } = request;
  const recorded = recordedSignatures(previous);
  const signer: OwnSigner = {
    signedBy,
    recorded,
    tsa: await timestampRoots(args.timestamp, context),
  };
  const wanted = wantedSignature(args, previous);
  const lasts = (signature: OwnSignature) =>
    !request.renew || lasting([signature], args, context.now()).length > 0;
  const good = (signature: OwnSignature) => isGood(signature, wanted) && lasts(signature);
  const own = await ownSignatures(store, target, signer, context, good);
  if (own.some(good)) return own.filter(good).map(signatureRecord);
  refuseInconclusive(own);
  const otherForm = own.find(
    (signature) =>
      signature.outcome === "verified" &&
      lasts(signature) &&
      shortcomings(signature, wanted).join() === "signatureForm",
  )?.envelope;
  if (otherForm === undefined) await request.beforeSigning?.(own);
  const envelope: MadeEnvelope = otherForm ?? (await makeEnvelope(request, signer, context));
  await requireAcceptable(envelope, target, signer, store.name, context);
  const signature = packSignature({
    subject: target,
    envelope: envelope.bytes,
    mediaType: envelope.mediaType,
    form: args.signatureForm,
    annotations: envelope.annotations,
  });
  const { digest } = signature.manifest.descriptor;
  if ((await pushArtifact(store, signature)).made) request.onMade?.(digest);
  const isNew = (found: OwnSignature) => found.signature === digest && isGood(found, wanted);
  const readBack = await ownSignatures(
    store,
    target,
    { ...signer, recorded: [...recorded, digest] },
    context,
    isNew,
  );
  if (readBack.some(isNew)) return readBack.filter(isNew).map(signatureRecord);
  throw new ConsignError(
    "READ_BACK_FAILED",
    `the signature of ${target.digest} was pushed, but what can be read back does not verify`,
    { reference: `${store.name}@${target.digest}` },
  );
}

interface MadeEnvelope {
  bytes: Uint8Array;
  mediaType: string;
  /** For the signature's manifest. */
  annotations?: Annotations;
}

async function makeEnvelope(
  { store, target, args }: SigningRequest,
  { signedBy, tsa }: OwnSigner,
  context: ResourceContext,
): Promise<MadeEnvelope> {
  const open = await openSigner(args.signer, context);
  const signingTime = context.now();
  const { lifetimeMs } = wantedSignature(args);
  const options = {
    target,
    signingTime,
    userMetadata: args.userMetadata,
    expiry: lifetimeMs === undefined ? undefined : new Date(signingTime.getTime() + lifetimeMs),
  };
  if (isEnvelopeSigner(open)) {
    if (args.timestamp !== undefined)
      throw new ConsignError(
        "INPUT_INVALID",
        "the plugin makes whole envelopes, so only it can timestamp them: leave timestamp out",
        { path: "timestamp" },
      );
    const { envelope, annotations } = await at("signer", () => open.signEnvelope(options));
    return { bytes: envelope, mediaType: MEDIA_TYPES.cose, annotations };
  }
  const { thumbprint } = signerIdentity(open.certificateChain);
  if (thumbprint !== signedBy.thumbprint) {
    throw new ConsignError(
      "PLAN_STALE",
      `the signer's certificate is now ${thumbprint.slice(0, 16)}…, the plan says ${signedBy.thumbprint.slice(0, 16)}…: run again`,
      { path: "signer" },
    );
  }
  const { timestamp } = args;
  const stamp = async (signature: Uint8Array, digest: "sha256" | "sha384" | "sha512") => {
    const token = await at("timestamp", () =>
      requestTimestamp(timestamp?.url ?? "", signature, digest, { fetch: context.fetch }),
    );
    if (tsa.length > 0)
      await at("timestamp.roots", () =>
        verifyTimestamp(
          token,
          signature,
          tsa.map(({ raw }) => raw),
          { now: context.now(), revocation: context.revocation },
        ),
      );
    return token;
  };
  const bytes = await at("signer", () =>
    signEnvelope({
      ...options,
      signer: open,
      subject: `${store.name}@${target.digest}`,
      timestamp: timestamp === undefined ? undefined : stamp,
    }),
  );
  return { bytes, mediaType: MEDIA_TYPES.cose };
}

/** A signature that we would not accept ourselves is not written: it would mend nothing. */
async function requireAcceptable(
  envelope: { bytes: Uint8Array; mediaType: string },
  target: Descriptor,
  signer: OwnSigner,
  scope: string,
  context: ResourceContext,
): Promise<void> {
  const own = await judgeOwn(envelope, target, signer, scope, context);
  if (own?.outcome === "verified") return;
  const why = own === undefined ? "it is by another certificate than planned" : own.reason;
  throw new ConsignError(
    own?.code ?? "PLAN_STALE",
    `${scope}@${target.digest} is not signed, as the signature would not be accepted: ${why}`,
    { path: "signer", reference: `${scope}@${target.digest}` },
  );
}

/** What cannot be told is no ground to sign again, nor to say that something is wrong. */
function refuseInconclusive(own: readonly OwnSignature[]): void {
  const unsure = own.find(({ outcome }) => outcome === "inconclusive");
  if (unsure === undefined || own.some(({ outcome }) => outcome === "verified")) return;
  throw new ConsignError(
    "SIGNATURE_INCONCLUSIVE",
    unsure.reason ?? "a signature cannot be checked now",
  );
}

/** Valid, and as the arguments want them. */
export function satisfying(own: readonly OwnSignature[], args: SigningArguments): OwnSignature[] {
  return own.filter((signature) => isGood(signature, wantedSignature(args)));
}

/** The newest of our signatures that is {@link satisfying}, after the newer ones that are not. */
export async function currentSignatures(
  store: ReadStore,
  target: Descriptor,
  args: SigningArguments,
  signedBy: SignedBy,
  recorded: readonly string[],
  context: ResourceContext,
): Promise<OwnSignature[]> {
  const wanted = wantedSignature(args);
  return ownSignatures(
    store,
    target,
    { signedBy, recorded, tsa: await timestampRoots(args.timestamp, context) },
    context,
    (signature) => isGood(signature, wanted),
  );
}

function isGood(signature: OwnSignature, wanted: Wanted): boolean {
  return signature.outcome === "verified" && shortcomings(signature, wanted).length === 0;
}

/**
 * What drift shows: `valid`, `missing`, or in one line what is wrong. Holds no time of its own, so
 * the same fault reads the same tomorrow.
 * @throws ConsignError `SIGNATURE_INCONCLUSIVE`
 */
export function signatureStatus(own: readonly OwnSignature[], args: SigningArguments): string {
  if (satisfying(own, args).length > 0) return "valid";
  refuseInconclusive(own);
  const valid = own.find(({ outcome }) => outcome === "verified");
  if (valid !== undefined)
    return `missing: the valid signature is not as ${shortcomings(valid, wantedSignature(args)).join(", ")} says`;
  const [newest] = own;
  if (newest === undefined) return "missing";
  const {
    code = "SIGNATURE_INVALID",
    outcome,
    reason = "no reason given",
    expiresAt,
    certificateExpiresAt,
  } = newest;
  if (code === "SIGNATURE_REVOKED") return `revoked: ${reason} [${code}]`;
  if (code !== "SIGNATURE_EXPIRED") return `${outcome}: ${reason} [${code}]`;
  const byItself = newest.checks.some(
    ({ check, result }) => check === "expiry" && result === "failed",
  );
  return `expired: ${byItself ? `since ${expiresAt}` : `its certificate, since ${certificateExpiresAt}`} [${code}]`;
}

export function signatureRecord({
  signature,
  signer,
  signedAt,
  expiresAt,
}: OwnSignature): SignatureRecord {
  return {
    digest: signature ?? "",
    subject: signer?.subject ?? "",
    thumbprint: signer?.thumbprint ?? "",
    ...(signedAt === undefined ? {} : { signedAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** The signatures in a resource's recorded properties, as a partial failure has to keep them. */
export function keptSignatures(state: Properties | undefined): SignatureRecord[] {
  const parsed = z.array(signatureRecordSchema).safeParse(state?.["signatures"]);
  return parsed.success ? parsed.data : [];
}

/** Digests of these. */
export function recordedSignatures(state: Properties | undefined): string[] {
  return keptSignatures(state).map(({ digest }) => digest);
}
