// SPDX-License-Identifier: Apache-2.0
import { observeClaim } from "../claims/index";
import { pushArtifact } from "../content/pack";
import type { Store } from "../content/storage";
import { ConsignError } from "../errors";
import { happened, signatureDeed } from "../keeping/happened";
import type { Digest } from "../oci/digest";
import type { OwnSignature } from "../signing/own-signatures";
import { NOT_DUE } from "../signing/renewal";
import {
  ensureSigned,
  keptSignatures,
  recordedSignatures,
  type SignatureRecord,
} from "../signing/signing";
import { locationOf, readState, referenceOf } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import { PartialFailure, type Properties } from "../world/reconciler";
import { plannedSchema, schema, type Planned } from "./arguments";
import { claimBefore, madeBefore } from "./before";
import { packContent, subjectDescriptor } from "./content";
import { signed, statusOf } from "./observe";
import { refuseOvertaking, superseded } from "./overtaking";
import { planClaim } from "./plan";
import { marks, removeReplaced, replacedBy, type LeavingClaim } from "./removal";
import { isDeliberate } from "./standing";

/** A status as long as not everything is done. */
const INCOMPLETE = "incomplete";

export async function ensureClaim(
  inputs: Properties,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Properties> {
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
  const { planned } = await planClaim(args, new Set(), undefined, context);
  if (planned["digest"] === undefined)
    throw new ConsignError(
      "MANIFEST_UNKNOWN",
      `the claim's subject ${referenceOf(args.subject)} does not exist`,
      { path: "subject" },
    );
  return readState(plannedSchema, { ...inputs, ...planned });
}

function still(replaced: LeavingClaim[]): Properties {
  return { replaces: replaced.length === 0 ? undefined : replaced };
}
