// SPDX-License-Identifier: Apache-2.0
import { parseLocation, pinned } from "../oci/reference";
import { pick } from "../world/arguments";
import { openOrigin, originKnown } from "./origin";
import { COMPLETE } from "./content-status";
import type { ResourceContext } from "../world/context";
import type { Plan, Properties } from "../world/reconciler";
import { dueSigner } from "../signing/due";
import { NOT_DUE } from "../signing/renewal";
import { plannedRenewal, plannedSigning } from "../signing/signing";
import { signingShape, type SigningArguments } from "../signing/arguments";
import type { SignedArtifactInputs } from "./arguments";

/** What the program does not say yet stays open. Writes nothing. */
export async function planArtifact(
  known: Partial<SignedArtifactInputs>,
  unknown: ReadonlySet<string>,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Plan> {
  const settled = originKnown(known, unknown);
  const { signedBy } = await plannedSigning(known, previous, context);
  const planned: Properties = {
    ...pick(known, "tags", "onDelete"),
    content: COMPLETE,
    signature: "valid",
    ...(signedBy === undefined ? {} : { signedBy }),
  };
  if (!unknown.has("renewBefore") && known.renewBefore === undefined) planned["renewal"] = NOT_DUE;
  if (!settled) return { planned };
  const { root: descriptor } = await openOrigin(known, context);
  Object.assign(planned, { digest: descriptor.digest, descriptor });
  if (known.tags !== undefined)
    planned["tagged"] = Object.fromEntries(known.tags.map((tag) => [tag, descriptor.digest]));
  const { repository } = known;
  if (repository === undefined) return { planned };
  planned["reference"] = pinned(parseLocation(repository), descriptor.digest);
  const undetermined = Object.keys(signingShape).some((name) => unknown.has(name));
  if (signedBy !== undefined && !undetermined) {
    planned["renewal"] = await plannedRenewal(
      () => context.stores.open(repository),
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
      standing: { property: "signature", isSettled: (value) => value === "valid" },
      store: () => context.stores.open(repository),
    },
    context,
  );
  return { planned: due === undefined ? planned : { ...planned, signedBy: due } };
}
