// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../errors";
import type { ResourceContext } from "../world/context";
import type { Slot } from "./record";

/**
 * Whether two locations are only two spellings of one place. A claim may name anything; what is no
 * location is no place of ours.
 */
export async function isSamePlace(
  a: string,
  b: string,
  { stores }: Pick<ResourceContext, "stores">,
): Promise<boolean> {
  if (a === b) return true;
  try {
    return (await stores.placeOf(a)) === (await stores.placeOf(b));
  } catch (error) {
    if (isConsignError(error)) return false;
    throw error;
  }
}

/** `location:tag` by the place that it names; what names none is left as it is. */
export async function placeOfTag(
  resource: string,
  { stores }: Pick<ResourceContext, "stores">,
): Promise<string> {
  const at = resource.lastIndexOf(":");
  try {
    return `${await stores.placeOf(resource.slice(0, Math.max(at, 0)))}${resource.slice(at)}`;
  } catch (error) {
    if (isConsignError(error)) return resource;
    throw error;
  }
}

/** Whether two slots are one tag at one place, whatever the environments are called. */
export async function isSameTag(
  a: Pick<Slot, "resource">,
  b: Pick<Slot, "resource">,
  context: Pick<ResourceContext, "stores">,
): Promise<boolean> {
  const [atA, atB] = [a.resource.lastIndexOf(":"), b.resource.lastIndexOf(":")];
  return (
    a.resource.slice(atA) === b.resource.slice(atB) &&
    isSamePlace(a.resource.slice(0, atA), b.resource.slice(0, atB), context)
  );
}
