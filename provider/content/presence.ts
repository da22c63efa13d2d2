// SPDX-License-Identifier: Apache-2.0
import { asConsignError, isConsignError, type ConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Manifest } from "../oci/manifest";
import type { ReadStore, TagOrDigest } from "./storage";

/**
 * Whether something is at a place. `gone` is said only where it was not found twice, each time
 * asked fresh of a registry that answers as one. Everything else that is not `there` is `unknown`.
 */
export type Presence = { is: "there" } | { is: "gone" } | { is: "unknown"; why: ConsignError };

/** How often something has to be missing before it is gone. */
const LOOKS = 2;

/** @param target a descriptor (of a manifest or blob), or a tag or digest of a manifest */
export async function presenceOf(
  store: ReadStore,
  target: Descriptor | TagOrDigest,
): Promise<Presence> {
  try {
    for (let look = 0; look < LOOKS; look += 1)
      if (await isThere(store, target)) return { is: "there" };
    return { is: "gone" };
  } catch (error) {
    return { is: "unknown", why: asConsignError(error) };
  }
}

/**
 * Reads a manifest that may be gone.
 * @returns undefined only if it is gone, see {@link Presence}
 * @throws ConsignError where that cannot be told, or where its bytes are not what they should be
 */
export async function manifestIfThere(
  store: ReadStore,
  target: Descriptor | TagOrDigest,
): Promise<Manifest | undefined> {
  for (let look = 0; look < LOOKS; look += 1) {
    try {
      return await store.manifest(target, { fresh: true });
    } catch (error) {
      if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    }
  }
  return undefined;
}

async function isThere(store: ReadStore, target: Descriptor | TagOrDigest): Promise<boolean> {
  if (typeof target !== "string") return store.has(target, { fresh: true });
  try {
    await store.resolve(target, { fresh: true });
    return true;
  } catch (error) {
    if (isConsignError(error, "MANIFEST_UNKNOWN")) return false;
    throw error;
  }
}
