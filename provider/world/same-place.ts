// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { isConsignError } from "../errors";
import { formatLocation, parseLocation, type Location } from "../oci/reference";

/**
 * One spelling for each place, as far as the text tells: paths of layouts without detours, hosts in
 * lower case.
 */
export function normalLocation(location: Location): Location {
  if (location.kind === "registry")
    return { ...location, registry: location.registry.toLowerCase() };
  return { ...location, path: path.normalize(location.path).replace(/(?<=.)[\\/]+$/, "") };
}

/** Whether two recorded or planned locations are only two spellings of one place. */
export function samePlace(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "string" || typeof b !== "string") return false;
  try {
    const [one, other] = [a, b].map((text) => formatLocation(normalLocation(parseLocation(text))));
    return one === other;
  } catch (error) {
    if (!isConsignError(error)) throw error;
    return false;
  }
}
