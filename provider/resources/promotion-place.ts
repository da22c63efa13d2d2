// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { parseLocation } from "../oci/reference";
import type { ResourceContext } from "./context";
import type { Slot } from "./promotion-record";

/** A location in one spelling, so that two spellings of one place compare equal: `oci:a` and `oci:./a`, a host in capitals. */
function placeOf(location: string, { baseDir }: Pick<ResourceContext, "baseDir">): string {
  try {
    const parsed = parseLocation(location);
    return parsed.kind === "layout" ? `oci:${path.resolve(baseDir, parsed.path)}` : `${parsed.registry.toLowerCase()}/${parsed.repository}`;
  } catch (error) {
    // A claim may name anything; what is no location is no place of ours.
    if (isConsignError(error, "REFERENCE_INVALID")) return location;
    throw error;
  }
}

export function isSamePlace(a: string, b: string, context: Pick<ResourceContext, "baseDir">): boolean {
  return a === b || placeOf(a, context) === placeOf(b, context);
}

/** Whether two slots are one tag at one place, whatever the environments are called. */
export function isSameTag(a: Pick<Slot, "resource">, b: Pick<Slot, "resource">, context: Pick<ResourceContext, "baseDir">): boolean {
  const [atA, atB] = [a.resource.lastIndexOf(":"), b.resource.lastIndexOf(":")];
  return a.resource.slice(atA) === b.resource.slice(atB) && isSamePlace(a.resource.slice(0, atA), b.resource.slice(0, atB), context);
}

/** Who wants a tag in this run, and where. */
export interface Wanted {
  slot: Slot;
  digest: Digest;
}

const wantedIn = new WeakMap<ResourceContext, Wanted[]>();

/**
 * Remembers for this process that a promotion of the program wants its tag. The engine makes a resource that replaces another first, and then
 * deletes the old one: what the new one has just taken over is not the old one's to take away.
 */
export function rememberWanted(wanted: Wanted, context: ResourceContext): void {
  const others = (wantedIn.get(context) ?? []).filter(({ slot }) => !isSameTag(slot, wanted.slot, context));
  wantedIn.set(context, [...others, wanted]);
}

/** What this process knows of who wants the tag of a slot. */
export function wantedAt(slot: Slot, context: ResourceContext): Wanted | undefined {
  return wantedIn.get(context)?.find((wanted) => isSameTag(wanted.slot, slot, context));
}
