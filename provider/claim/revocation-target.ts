// SPDX-License-Identifier: Apache-2.0
import { revocationSchema, typeKey } from "../claims/index";
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { pinned, type Location } from "../oci/reference";
import type { ResourceContext } from "../world/context";

/** Claims about claims are followed so far. */
const MAX_DEPTH = 8;

/**
 * A revocation counts where it is about what it revokes, or about the artifact that the revoked
 * claim is about. One that names something else would be accepted everywhere and do nothing
 * anywhere. Where the target is not there, as it may have been removed here and live on in mirrors,
 * nobody can tell, and a warning says so.
 * @throws ConsignError `INPUT_INVALID` at `predicate.target`
 */
export async function checkRevocationTarget(
  claim: { type: string; predicate?: unknown },
  subject: Digest,
  location: Location,
  context: ResourceContext,
): Promise<void> {
  if (typeKey(claim.type) !== "revocation") return;
  const target = revocationSchema.safeParse(claim.predicate).data?.target;
  if (target === undefined || target === subject) return;
  const about = await rootOf(await context.stores.open(location), target, subject);
  if (about === subject) return;
  if (about === undefined)
    return context.warn(
      `the revocation of ${target} has no effect at ${pinned(location, subject)} as far as can be seen: it is neither that artifact nor a claim about it that is there`,
    );
  throw new ConsignError(
    "INPUT_INVALID",
    `${target} is neither the subject, ${subject}, nor a claim about it, so revoking it here does nothing: name the subject's digest, or give what ${target} is about as subject`,
    { path: "predicate.target" },
  );
}

/** What a claim is about in the end, up to `wanted`; `undefined` if it is not there. */
async function rootOf(
  store: ReadStore,
  digest: Digest,
  wanted: Digest,
): Promise<Digest | undefined> {
  let found = digest;
  for (let depth = 0; depth < MAX_DEPTH && found !== wanted; depth++) {
    try {
      const next = (await store.manifest(found)).value.subject?.digest;
      if (next === undefined) return found;
      found = next;
    } catch (error) {
      if (!isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")) throw error;
      return undefined;
    }
  }
  return found;
}
