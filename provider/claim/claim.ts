// SPDX-License-Identifier: Apache-2.0
import { observeClaim, resolveType } from "../claims/index";
import { pushArtifact } from "../content/pack";
import type { Store } from "../content/storage";
import { ConsignError } from "../errors";
import { plainDescriptor } from "../oci/descriptor";
import { formatLocation, parseReference, pinned } from "../oci/reference";
import { artifactSchema, locationOf, pick, readState, referenceOf } from "../world/arguments";
import { plannedSchema, schema, type Planned } from "./arguments";
import {
  checkContentArguments,
  contentShape,
  packContent,
  subjectDescriptor,
  type ContentArguments,
} from "./content";
import { refuseOvertaking, superseded } from "./overtaking";
import {
  defaultOnDelete,
  explainUndeletable,
  marks,
  removeClaim,
  removeReplaced,
  replacedBy,
  type ClaimBefore,
  type LeavingClaim,
} from "./remove";
import { claimStatus, isDeliberate, STANDING } from "./standing";
import { at, type ResourceContext } from "../world/context";
import { happened, signatureDeed } from "../keeping/happened";
import { Made } from "../keeping/made";
import type { Digest } from "../oci/digest";
import type { OwnSignature } from "../signing/own-signatures";
import { PartialFailure, type Properties, type Reconciler } from "../world/reconciler";
import { dueSigner } from "../signing/due";
import { NOT_DUE } from "../signing/renewal";
import { checkRevocationTarget } from "./revocation-target";
import {
  currentSignatures,
  ensureSigned,
  keptSignatures,
  plannedRenewal,
  plannedSigning,
  recordedSignatures,
  satisfying,
  signatureRecord,
  type SignatureRecord,
} from "../signing/signing";
import { signingShape, type SigningArguments } from "../signing/arguments";

/** A status as long as not everything is done. */
const INCOMPLETE = "incomplete";

/**
 * A signed statement about an artifact, attached to it in its repository. Its digest follows from
 * what it says and about what, so it is known before anything is pushed; when it was made and until
 * when it holds is in its signature.
 */
export const claim: Reconciler<typeof schema.shape> = {
  kind: "Claim",
  schema,
  replaceOn: ["repository"],
  places: ["repository"],
  ignore: [
    "signer",
    "subject",
    "predicate",
    "document",
    "supersedes",
    "type",
    "audience",
    "annotations",
  ],
  ensured: [
    "signatures",
    "formerSignatures",
    "made",
    "onDestroy",
    "replaces",
    "issuedAt",
    "expiresAt",
  ],

  async plan(known, unknown, previous, context) {
    checkContentArguments(known, unknown);
    const { signedBy } = await plannedSigning(known, previous, context);
    const planned: Properties = {
      ...pick(known, "audience", "supersedes", "onDelete"),
      status: "valid",
    };
    if (signedBy !== undefined) Object.assign(planned, { signedBy, issuer: signedBy.subject });
    if (!unknown.has("renewBefore") && known.renewBefore === undefined)
      planned["renewal"] = NOT_DUE;
    const { type, subject } = known;
    if (type !== undefined) {
      planned["predicateType"] = await at("type", () => resolveType(type));
      if (!unknown.has("onDelete")) planned["onDelete"] = known.onDelete ?? defaultOnDelete(type);
    }
    if (subject === undefined) return { planned };
    const location = locationOf(subject);
    planned["repository"] = formatLocation(location);
    if (Object.keys(contentShape).some((name) => unknown.has(name))) return { planned };
    const target = await at("subject", () => subjectDescriptor(subject, context));
    if (target === undefined) {
      context.warn(
        `${referenceOf(subject)} does not exist yet, so the digest of the ${type} claim about it is not known yet`,
      );
      return { planned };
    }
    const packed = await packContent(known as ContentArguments, target, context);
    await checkRevocationTarget(known as ContentArguments, target.digest, location, context);
    const descriptor = plainDescriptor(packed.manifest.descriptor);
    Object.assign(planned, {
      about: pinned(location, target.digest),
      digest: descriptor.digest,
      descriptor,
      reference: pinned(location, descriptor.digest),
    });
    const undetermined = Object.keys(signingShape).some((name) => unknown.has(name));
    if (signedBy !== undefined && !undetermined) {
      planned["renewal"] = await plannedRenewal(
        () => context.stores.open(location),
        descriptor,
        known as SigningArguments,
        signedBy,
        context,
      );
    }
    const due = await dueSigner(
      {
        known,
        unknown,
        planned,
        previous,
        standing: STANDING,
        store: () => context.stores.open(location),
      },
      context,
    );
    if (due !== undefined) Object.assign(planned, { signedBy: due, issuer: due.subject });
    return { planned };
  },

  id: (inputs) =>
    String(
      inputs["reference"] ??
        referenceOf(readState(artifactSchema, inputs["subject"] as Properties)),
    ),

  acknowledged: (name, recorded) => name === "status" && isDeliberate(recorded),

  holds(properties) {
    const held = plannedSchema.pick({ subject: true, digest: true }).safeParse(properties);
    return held.success
      ? {
          location: locationOf(held.data.subject),
          digests: [held.data.digest, ...recordedSignatures(properties)],
          tags: [],
        }
      : undefined;
  },

  async ensure(inputs, previous, context) {
    const plan = await settled(inputs, context);
    const before = previous?.["digest"] === plan.digest ? previous : undefined;
    const replaced = replacedBy(plan, claimBefore(previous));
    const made = madeBefore(plan, previous);
    const done: Properties = {
      ...plan,
      signatures: keptSignatures(before),
      ...still(replaced),
      status: INCOMPLETE,
    };
    try {
      const store = await context.stores.open(locationOf(plan.subject));
      const subject = await subjectDescriptor(plan.subject, context);
      if (subject === undefined)
        throw new ConsignError(
          "MANIFEST_UNKNOWN",
          `the claim's subject ${plan.about} does not exist`,
          { path: "subject", reference: plan.about },
        );
      const packed = await packContent(plan, subject, context);
      if (packed.manifest.descriptor.digest !== plan.digest) {
        throw new ConsignError(
          "PLAN_STALE",
          `the claim is now ${packed.manifest.descriptor.digest}, the plan says ${plan.digest}: run again`,
          { reference: plan.reference },
        );
      }
      const overtaking = {
        store,
        descriptor: plan.descriptor,
        reference: plan.reference,
        subject: subject.digest,
        signer: plan.signer,
        signedBy: plan.signedBy,
        recorded: keptSignatures(before),
      };
      const signedNow = new Set<string>();
      const beforeSigning = (own: readonly OwnSignature[]) =>
        refuseOvertaking(overtaking, own, context);
      const request = {
        store,
        target: plan.descriptor,
        args: plan,
        signedBy: plan.signedBy,
        renew: plan.renewal !== NOT_DUE,
        beforeSigning,
        onMade: (signature: Digest) => {
          made.add(signature);
          signedNow.add(signature);
        },
        previous,
      };
      const sign = async (): Promise<SignatureRecord[]> => {
        const signatures = await ensureSigned(request, context);
        Object.assign(done, signed(signatures));
        return signatures;
      };
      let signatures: SignatureRecord[] | undefined;
      // Whoever finds the claim is to find its signature: that refers to it by digest, and may be
      // there first.
      const report = await pushArtifact(store, packed, {
        deep: previous !== undefined,
        beforeVisible: async () => void (signatures = await sign()),
      });
      if (report.made) made.add(plan.digest);
      await requireReadable(store, plan);
      signatures ??= await sign();
      Object.assign(
        done,
        still(await removeReplaced(store, locationOf(plan.subject), replaced, context)),
      );
      const status = await settledStatus(store, plan, signatures, context);
      const brought = { made: report.made, mended: report.blobsPushed > 0 };
      const known = before !== undefined && before["status"] !== INCOMPLETE;
      const signature = signatureDeed(signatures, {
        before: recordedSignatures(before),
        made: signedNow,
      });
      context.progress(
        `${plan.type} claim ${plan.digest} about ${plan.about} is ${happened({ ...brought, known })}; its signature is ${signature}`,
      );
      return { ...inputs, ...done, ...marks(plan, made), status, renewal: NOT_DUE };
    } catch (error) {
      throw new PartialFailure(error as Error, { ...inputs, ...done, ...marks(plan, made) });
    }
  },

  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.observe(locationOf(recorded.subject));
    const found = await statusOf(store, recorded, recordedSignatures(state), context);
    if (found === undefined) return undefined;
    // What was signed stays recorded, so that whatever is wrong is one changed line: `status`.
    const adopted =
      recorded.signatures === undefined
        ? signed(satisfying(found.own, recorded).map(signatureRecord))
        : {};
    return { ...state, status: found.status, ...adopted };
  },

  async remove(state, context) {
    const recorded = readState(plannedSchema, state);
    if (recorded.onDelete === "retain") return;
    const location = locationOf(recorded.subject);
    const store = await context.stores.open(location);
    try {
      for (const each of [...recorded.replaces, leaving(recorded, state)])
        await removeClaim(store, location, each, context);
    } catch (error) {
      throw explainUndeletable(error);
    }
  },
};

function signed(signatures: SignatureRecord[]): Properties {
  return { signatures, issuedAt: signatures[0]?.signedAt, expiresAt: signatures[0]?.expiresAt };
}

async function statusOf(
  store: Store,
  plan: Planned,
  recorded: readonly string[],
  context: ResourceContext,
): Promise<{ status: string; own: OwnSignature[] } | undefined> {
  const own = () =>
    currentSignatures(store, plan.descriptor, plan, plan.signedBy, recorded, context);
  const subject = parseReference(plan.about).digest;
  if (subject === undefined)
    throw new ConsignError(
      "STATE_INVALID",
      `recorded property "about" has no digest: ${plan.about}`,
      { path: "about" },
    );
  return claimStatus(store, { descriptor: plan.descriptor, subject, args: plan }, own, context);
}

/** What cannot be read back is not signed. */
async function requireReadable(store: Store, { descriptor, reference }: Planned): Promise<void> {
  const read = await observeClaim(store, descriptor);
  if (!("broken" in read)) return;
  const { code, reason } = read.broken;
  throw new ConsignError(
    "READ_BACK_FAILED",
    `${reference} cannot be read back: ${reason} [${code}]. If its content is damaged, delete it there and run again`,
    { reference },
  );
}

/** The status once everything is done: what cannot be put right is refused, with the reason. */
async function settledStatus(
  store: Store,
  plan: Planned,
  signatures: readonly SignatureRecord[],
  context: ResourceContext,
): Promise<string> {
  const found = await statusOf(
    store,
    plan,
    signatures.map(({ digest }) => digest),
    context,
  );
  const status = found?.status ?? "missing";
  if (status === "valid" || isDeliberate(status)) return status;
  if (status.startsWith("superseded")) {
    throw superseded(plan.reference, status);
  }
  throw new ConsignError(
    "READ_BACK_FAILED",
    `what can be read back of ${plan.reference} and its signature is not valid (${status}): run again`,
    { reference: plan.reference },
  );
}

/**
 * Where a plan had to leave the digest open, because the subject was not there, it can be filled in
 * now.
 */
async function settled(inputs: Properties, context: ResourceContext): Promise<Planned> {
  if (inputs["digest"] !== undefined) return readState(plannedSchema, inputs);
  const args = readState(schema, inputs);
  const { planned } = await claim.plan(args, new Set(), undefined, context);
  if (planned["digest"] === undefined)
    throw new ConsignError(
      "MANIFEST_UNKNOWN",
      `the claim's subject ${referenceOf(args.subject)} does not exist`,
      { path: "subject" },
    );
  return readState(plannedSchema, { ...inputs, ...planned });
}

/** What went is made again where a correction is taken back before it was done. */
function madeBefore({ digest }: Planned, previous: Properties | undefined): Made {
  const before = claimBefore(previous);
  if (before === undefined) return Made.of(undefined);
  const earlier = [before.claim, ...before.replaces].find(
    ({ descriptor }) => descriptor.digest === digest,
  );
  return Made.of(earlier === undefined ? undefined : { made: earlier.made ?? earlier.recorded });
}

function claimBefore(previous: Properties | undefined): ClaimBefore | undefined {
  const before = plannedSchema.safeParse(previous);
  if (!before.success) return undefined;
  return {
    claim: leaving(before.data, previous),
    replaces: before.data.replaces,
  };
}

function leaving({ descriptor, about }: Planned, state: Properties | undefined): LeavingClaim {
  const made = Made.of(state);
  return {
    descriptor,
    about,
    recorded: made.isMarked ? [] : made.record(),
    thumbprint: "",
    ...(made.isMarked ? { made: made.record() } : {}),
  };
}

function still(replaced: LeavingClaim[]): Properties {
  return { replaces: replaced.length === 0 ? undefined : replaced };
}
