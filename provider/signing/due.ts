// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import type { ReadStore } from "../content/storage";
import { isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { signingShape, type SigningArguments } from "./arguments";
import { signerOfDue } from "./planned-signer";
import { NOT_DUE } from "./renewal";
import { signedBySchema, type SignedBy } from "./signer";
import { currentSignatures, satisfying } from "./signing";

/** What is planned, and what was: whether something has to be signed shows between them. */
export interface Between {
  known: Partial<SigningArguments>;
  unknown: ReadonlySet<string>;
  planned: Properties;
  previous: Properties | undefined;
  /** The property that says how what was signed is, and which of its values ask for nothing. */
  standing: { property: string; isSettled: (value: unknown) => boolean };
  /** Where it is, or will be. */
  store: () => Promise<ReadStore>;
}

/** Arguments for which a signature is made anew, and what it is of and by. */
const DECISIVE = ["digest", "signedBy", "validFor", "userMetadata", "timestamp", "signatureForm"];

/**
 * The planned signer, looked at anew where a signature is due: a preview says there whether the key
 * is at hand.
 */
export async function dueSigner(
  between: Between,
  context: ResourceContext,
): Promise<SignedBy | undefined> {
  const { known, planned } = between;
  const signedBy = signedBySchema.safeParse(planned["signedBy"]).data;
  if (known.signer === undefined || signedBy === undefined || isStanding(between)) return signedBy;
  return signerOfDue(known.signer, signedBy, context, () => isSigned(between, signedBy, context));
}

function isStanding({ known, unknown, planned, previous, standing }: Between): boolean {
  if (previous === undefined) return false;
  if (Object.keys(signingShape).some((name) => unknown.has(name))) return true;
  const wanted: Properties = { ...known, ...planned };
  return (
    // What is not known yet may be what is there.
    (planned["digest"] === undefined ||
      (DECISIVE.every((name) => isDeepStrictEqual(wanted[name], previous[name])) &&
        standing.isSettled(previous[standing.property]))) &&
    (planned["renewal"] ?? NOT_DUE) === NOT_DUE
  );
}

/** By an earlier run, or somewhere else with the same certificate. */
async function isSigned(
  { known, planned, store }: Between,
  signedBy: SignedBy,
  context: ResourceContext,
): Promise<boolean> {
  const args = known as SigningArguments;
  const descriptor = planned["descriptor"] as Descriptor | undefined;
  if (descriptor === undefined || (planned["renewal"] ?? NOT_DUE) !== NOT_DUE) return false;
  try {
    const own = await currentSignatures(await store(), descriptor, args, signedBy, [], context);
    return satisfying(own, args).length > 0;
  } catch (error) {
    if (!isConsignError(error)) throw error;
    return false;
  }
}
