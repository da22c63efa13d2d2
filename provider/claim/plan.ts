// SPDX-License-Identifier: Apache-2.0
import type { ClaimInputs } from "./arguments";
import { resolveType } from "../claims/index";
import { plainDescriptor } from "../oci/descriptor";
import { formatLocation, pinned } from "../oci/reference";
import { signingShape, type SigningArguments } from "../signing/arguments";
import { dueSigner } from "../signing/due";
import { NOT_DUE } from "../signing/renewal";
import { plannedRenewal, plannedSigning } from "../signing/signing";
import { locationOf, pick, referenceOf } from "../world/arguments";
import { at, type ResourceContext } from "../world/context";
import type { Plan } from "../world/reconciler";
import type { Properties } from "../world/reconciler";
import {
  checkContentArguments,
  contentShape,
  packContent,
  subjectDescriptor,
  type ContentArguments,
} from "./content";
import { defaultOnDelete } from "./removal";
import { checkRevocationTarget } from "./revocation-target";
import { STANDING } from "./standing";

export async function planClaim(
  known: Partial<ClaimInputs>,
  unknown: ReadonlySet<string>,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Plan> {
  checkContentArguments(known, unknown);
  const { signedBy } = await plannedSigning(known, previous, context);
  const planned: Properties = {
    ...pick(known, "audience", "supersedes", "onDelete"),
    status: "valid",
  };
  if (signedBy !== undefined) Object.assign(planned, { signedBy, issuer: signedBy.subject });
  if (!unknown.has("renewBefore") && known.renewBefore === undefined) planned["renewal"] = NOT_DUE;
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
}
