// SPDX-License-Identifier: Apache-2.0
import { lastName, type Package } from "../packages/identity";
import type { PackageList } from "../packages/package-list";
import { effectOn, type Effect } from "./affects";
import { ELSEWHERE, type Advisory, type AffectedPackage } from "./osv";

/** A package of an SBOM that an advisory is about. */
export interface Match {
  advisory: Advisory;
  package: Package;
  effect: Effect;
}

/** Above so many packages it is cheaper to look at each one of an SBOM than at each that is sought. */
const MANY = 200;

/** Advisories by the packages that they are about. */
export class AdvisoryIndex {
  readonly #byKey = new Map<string, { advisory: Advisory; affected: AffectedPackage }[]>();

  constructor(advisories: readonly Advisory[]) {
    for (const advisory of advisories) {
      for (const affected of advisory.affected) {
        const same = this.#byKey.get(affected.key) ?? [];
        same.push({ advisory, affected });
        this.#byKey.set(affected.key, same);
      }
    }
  }

  /** What the advisories say of the packages in a list; the worst of each advisory and package. */
  match(packages: PackageList): Match[] {
    const found = new Map<string, Match>();
    for (const key of this.#candidates(packages)) {
      const { sure, namesakes } = key.startsWith(ELSEWHERE)
        ? { sure: [], namesakes: packages.named(lastName(key)) }
        : packages.find(key);
      for (const { advisory, affected } of this.#byKey.get(key) ?? []) {
        for (const each of sure)
          keep(found, { advisory, package: each, effect: effectOn(each, affected) });
        for (const each of namesakes)
          keep(found, {
            advisory,
            package: each,
            effect: {
              is: "unknown",
              why: `whether it is the ${key} of the advisory cannot be told`,
            },
          });
      }
    }
    return [...found.values()];
  }

  *#candidates(packages: PackageList): Iterable<string> {
    if (this.#byKey.size <= MANY) {
      yield* this.#byKey.keys();
      return;
    }
    const there = packages.keys();
    for (const key of there) if (this.#byKey.has(key)) yield key;
    const bare = new Set([...there].filter((key) => key.startsWith("?/")).map(lastName));
    const names = new Set([...there].map(lastName));
    for (const key of this.#byKey.keys())
      if (!there.has(key) && (key.startsWith(ELSEWHERE) ? names : bare).has(lastName(key)))
        yield key;
  }
}

const WORST = ["affected", "unknown", "fixed", "not in range"];

function keep(found: Map<string, Match>, match: Match): void {
  const key = JSON.stringify([match.advisory.id, match.package.label, match.package.version ?? ""]);
  const known = found.get(key);
  if (known === undefined || WORST.indexOf(match.effect.is) < WORST.indexOf(known.effect.is))
    found.set(key, match);
}
