// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../content/storage";
import { ConsignError } from "../errors";
import { parseReference } from "../oci/reference";
import type { OwnSignature } from "../signing/own-signatures";
import {
  currentSignatures,
  recordedSignatures,
  satisfying,
  signatureRecord,
  type SignatureRecord,
} from "../signing/signing";
import { locationOf, readState } from "../world/arguments";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { plannedSchema, type Planned } from "./arguments";
import { claimStatus } from "./standing";

export async function observeClaimResource(
  state: Properties,
  context: ResourceContext,
): Promise<Properties | undefined> {
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
}

export function signed(signatures: SignatureRecord[]): Properties {
  return { signatures, issuedAt: signatures[0]?.signedAt, expiresAt: signatures[0]?.expiresAt };
}

export async function statusOf(
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
