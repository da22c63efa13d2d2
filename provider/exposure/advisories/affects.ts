// SPDX-License-Identifier: Apache-2.0
import { typeOfKey, type Package } from "../packages/identity";
import { compareSemver, compareVersions } from "../packages/versions";
import type { AdvisoryRange, AffectedPackage, RangeEvent } from "./osv";

/** What an advisory means for one version of a package. */
export type Effect =
  | { is: "affected"; fixedIn?: string }
  | { is: "fixed"; in: string }
  | { is: "not in range" }
  | { is: "unknown"; why: string };

type Order = (a: string, b: string) => number | undefined;

/**
 * Whether a package is affected: by what the advisory lists, and by its ranges. What cannot be
 * compared is unknown, and so is what is listed nowhere while a range cannot be compared.
 * @see https://ossf.github.io/osv-schema/#evaluation
 */
export function effectOn(found: Package, affected: AffectedPackage): Effect {
  const release = releaseOf(found);
  if (affected.release !== undefined && release !== undefined && !isSame(release, affected.release))
    return { is: "not in range" };
  const effect = withinRelease(found, affected);
  return affected.release !== undefined && release === undefined && effect.is === "affected"
    ? {
        is: "unknown",
        why: `the SBOM does not say of which release it is, and ${affected.release} is affected`,
      }
    : effect;
}

function withinRelease({ version, key }: Package, { ranges, versions }: AffectedPackage): Effect {
  if (version === undefined) return { is: "unknown", why: "the SBOM gives no version" };
  if (versions.has(version)) return affectedBy(ranges);
  const comparable = ranges.filter(({ type }) => type !== "GIT");
  if (comparable.length === 0)
    return versions.size > 0
      ? { is: "not in range" }
      : { is: "unknown", why: "the advisory names commits, and no versions" };
  const effects = comparable.map((range) =>
    inRange(version, range, (a, b) =>
      range.type === "SEMVER" ? compareSemver(a, b) : compareVersions(typeOfKey(key), a, b),
    ),
  );
  return (
    effects.find(({ is }) => is === "affected") ??
    effects.find(({ is }) => is === "unknown") ??
    effects.find(({ is }) => is === "fixed") ?? { is: "not in range" }
  );
}

function affectedBy(ranges: readonly AdvisoryRange[]): Effect {
  const fixed = ranges.flatMap(({ type, events }) =>
    type === "GIT" ? [] : events.flatMap((event) => ("fixed" in event ? [event.fixed] : [])),
  );
  return {
    is: "affected",
    ...(fixed.length === 1 && fixed[0] !== undefined ? { fixedIn: fixed[0] } : {}),
  };
}

interface Step {
  at: string;
  /** Before it, at it or after it the package is, or is not, affected. */
  event: "introduced" | "fixed" | "last_affected";
}

function inRange(version: string, range: AdvisoryRange, order: Order): Effect {
  const steps = range.events.flatMap(stepOf);
  let incomparable: string | undefined;
  const compare = (a: string, b: string): number => {
    const result = a === b ? 0 : a === "0" ? -1 : b === "0" ? 1 : order(a, b);
    if (result === undefined) incomparable ??= `${a} and ${b} cannot be compared`;
    return result ?? 0;
  };
  // Of what happens at one version, an introduction counts last: that errs to affected.
  steps.sort(
    (a, b) =>
      compare(a.at, b.at) || Number(a.event === "introduced") - Number(b.event === "introduced"),
  );
  let inside = false;
  let fixed: string | undefined;
  let next: string | undefined;
  for (const { at, event } of steps) {
    const after = compare(version, at);
    if (event === "introduced" && after >= 0) [inside, fixed] = [true, undefined];
    else if (event === "fixed" && after >= 0) [fixed, inside] = [inside ? at : fixed, false];
    else if (event === "last_affected" && after > 0) inside = false;
    else if (event === "fixed") next ??= at;
  }
  if (incomparable !== undefined) return { is: "unknown", why: incomparable };
  if (inside) return { is: "affected", ...(next === undefined ? {} : { fixedIn: next }) };
  return fixed === undefined ? { is: "not in range" } : { is: "fixed", in: fixed };
}

function stepOf(event: RangeEvent): Step[] {
  if ("introduced" in event) return [{ at: event.introduced, event: "introduced" }];
  if ("fixed" in event) return [{ at: event.fixed, event: "fixed" }];
  // Limits say where to stop looking among commits.
  return "last_affected" in event ? [{ at: event.last_affected, event: "last_affected" }] : [];
}

/** `11` of `debian-11`. */
function releaseOf({ distro }: Package): string | undefined {
  return distro === undefined ? undefined : /(\d+(?:\.\d+)*)$/.exec(distro)?.[1];
}

/** `v3.16` is the release of 3.16.2, and `22.04:LTS` of 22.04. */
function isSame(release: string, named: string): boolean {
  const [, wanted] = /^v?(\d+(?:\.\d+)*)/.exec(named) ?? [];
  // A name that has no number cannot be told from another.
  return wanted === undefined || release === wanted || release.startsWith(`${wanted}.`);
}
