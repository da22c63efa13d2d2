// SPDX-License-Identifier: Apache-2.0
import * as pep440 from "@renovatebot/pep440";
import * as ruby from "@renovatebot/ruby-semver";
import semver from "semver";
import { compareDebian } from "./debian";

/** Less than zero where `a` is before `b`; undefined where nothing here can tell. */
type Compare = (a: string, b: string) => number | undefined;

const MAX_LENGTH = 256;

/** By the type of a package URL. What is not here has no order that a kept library knows. */
const ORDERS: Readonly<Record<string, Compare>> = {
  npm: compareSemver,
  cargo: compareSemver,
  hex: compareSemver,
  pub: compareSemver,
  golang: compareSemver,
  github: compareSemver,
  swift: compareSemver,
  nuget: compareSemver,
  composer: compareReleases,
  pypi: comparePython,
  gem: compareRuby,
  deb: compareDebian,
};

/**
 * The order of two versions of packages of one type.
 * @returns undefined where it cannot be told: never to be taken for "not in the range"
 */
export function compareVersions(type: string, a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (a.length > MAX_LENGTH || b.length > MAX_LENGTH) return undefined;
  return ORDERS[type]?.(a, b);
}

/** The order of OSV's ranges of type `SEMVER`, whatever the package. */
export function compareSemver(a: string, b: string): number | undefined {
  const [first, second] = [asSemver(a), asSemver(b)];
  return first === null || second === null ? undefined : semver.compare(first, second);
}

/** `2.1` and `v2.1.0` are 2.1.0. */
function asSemver(text: string): semver.SemVer | null {
  const [, short, rest = ""] = /^v?(\d+(?:\.\d+)?)([-+].*)?$/.exec(text) ?? [];
  if (short === undefined) return semver.parse(text.replace(/^v/, ""));
  return semver.parse(`${short}${short.includes(".") ? ".0" : ".0.0"}${rest}`);
}

/** Composer's suffixes are in an order of their own. */
function compareReleases(a: string, b: string): number | undefined {
  return /[-+A-Za-uw-z]/.test(a + b) ? undefined : compareSemver(a, b);
}

function comparePython(a: string, b: string): number | undefined {
  return pep440.valid(a) === null || pep440.valid(b) === null ? undefined : pep440.compare(a, b);
}

function compareRuby(a: string, b: string): number | undefined {
  if (!ruby.valid(a) || !ruby.valid(b)) return undefined;
  return ruby.eq(a, b) ? 0 : ruby.lt(a, b) ? -1 : 1;
}
