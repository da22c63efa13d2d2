// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { ResourceContext } from "../world/context";
import type { PlannedMirror } from "./arguments";

type Places = Pick<ResourceContext, "stores">;

/**
 * Refuses a destination that is the source, or another destination, by another name: a mirror of a
 * place to itself would empty it when it is removed.
 * @throws ConsignError `INPUT_INVALID` at the destination
 */
export async function checkPlaces(
  source: string | undefined,
  destinations: readonly string[],
  { stores }: Places,
): Promise<void> {
  const seen = new Map<string, string>();
  const origin = source === undefined ? undefined : await stores.placeOf(source);
  for (const [index, destination] of destinations.entries()) {
    const path = `destinations[${index}]`;
    const place = await stores.placeOf(destination);
    const other = seen.get(place);
    if (other !== undefined)
      throw new ConsignError(
        "INPUT_INVALID",
        other === destination
          ? `${destination} is named twice`
          : `${destination} and ${other} are one place`,
        { path },
      );
    if (place === origin)
      throw new ConsignError(
        "INPUT_INVALID",
        `${destination} is the source${destination === source ? "" : `, ${source}, by another name`}: a mirror needs somewhere else to go`,
        { path },
      );
    seen.set(place, destination);
  }
}

/**
 * Those of `places` that are none of `others`, however they are written. What is recorded may be
 * older than {@link checkPlaces}, and links may have changed since.
 */
export async function without(
  places: readonly string[],
  others: readonly string[],
  { stores }: Places,
): Promise<string[]> {
  const excluded = new Set(await Promise.all(others.map((other) => stores.placeOf(other))));
  const left: string[] = [];
  for (const place of places) if (!excluded.has(await stores.placeOf(place))) left.push(place);
  return left;
}

/**
 * What was recorded, with the names that its destinations have now: the same place may be written
 * in another way.
 */
export async function respelled(
  before: PlannedMirror | undefined,
  destinations: readonly string[],
  { stores }: Places,
): Promise<PlannedMirror | undefined> {
  if (before === undefined || before.destinations.every((name) => destinations.includes(name)))
    return before;
  const names = new Map(
    await Promise.all(
      destinations.map(async (name): Promise<[string, string]> => [
        await stores.placeOf(name),
        name,
      ]),
    ),
  );
  const nameNow = new Map(
    await Promise.all(
      before.destinations.map(async (name): Promise<[string, string]> => [
        name,
        destinations.includes(name) ? name : (names.get(await stores.placeOf(name)) ?? name),
      ]),
    ),
  );
  const renamed = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(record).map(([name, value]) => [nameNow.get(name) ?? name, value]),
    );
  return {
    ...before,
    destinations: before.destinations.map((name) => nameNow.get(name) ?? name),
    status: renamed(before.status),
    parity: renamed(before.parity),
    ...(before.kept === undefined ? {} : { kept: renamed(before.kept) }),
    ...(before.marks === undefined ? {} : { marks: renamed(before.marks) }),
    ...(before.behind === undefined ? {} : { behind: renamed(before.behind) }),
  };
}
