// SPDX-License-Identifier: Apache-2.0
import type { Case } from "./case";
import { evidenceIsWithin, readFacts } from "./facts";

/**
 * Claims that were there at the last run and are not now, so that the artifact seems to have been
 * in use for less long than it was. One run keeps for that reason and says so; after it, what is
 * there counts.
 */
export function vanished(of: Case): string[] {
  if (
    of.recorded === undefined ||
    of.recorded.marked !== undefined ||
    of.recorded.state === "purged"
  )
    return [];
  if (evidenceIsWithin(of.recorded.evidence, of.facts.evidence)) return [];
  const before = readFacts(of.recorded, of.input.rules.environments, of.input.asOf);
  const lost = before.windows.filter(
    (window) =>
      !of.reading.windows.some(
        ({ environment, resource, from }) =>
          environment === window.environment &&
          resource === window.resource &&
          from === window.from,
      ),
  );
  const later = lost.filter(
    ({ until }) =>
      of.reading.leftAt === undefined ||
      until === undefined ||
      Date.parse(until) > of.reading.leftAt,
  );
  if (!of.archived && of.reading.windows.length === 0) return [];
  return later.map(
    ({ environment, from }) =>
      `the claims about ${environment} since ${from.slice(0, 10)} are gone`,
  );
}
