// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  compileCondition,
  conditionSchema,
  dateSchema,
  issuersSchema,
  lifecycleIssuersSchema,
  resolveType,
} from "../claims/index";
import { ConsignError } from "../errors";
import { trustSchema } from "../judging/trust";
import type { Advisories } from "./advisories/folder";
import { AdvisoryIndex } from "./advisories/advisory-index";
import type { Advisory } from "./advisories/osv";
import { parsePackageRange } from "./packages/range";
import type { Scope, Subject } from "./subject";

/** What `exposure` is asked, in programs and in resources alike. */
export const exposureSchema = z.strictObject({
  /** CVE, GHSA or any other name that advisories, scans and VEX use. */
  vulnerability: z.string().min(1).max(256).optional(),
  /** A package URL and a range of its versions: `pkg:npm/log4js@<2.1`. */
  package: z.string().min(1).max(1024).optional(),
  /** Artifacts with such a claim. */
  claim: z.strictObject({ type: z.string(), condition: conditionSchema.optional() }).optional(),
  places: z.array(z.string().min(1)).min(1).max(100),
  trust: trustSchema,
  environments: z.array(z.string().min(1)).min(1).max(100).optional(),
  from: dateSchema.optional(),
  until: dateSchema.optional(),
  /** A folder of advisories in the OSV format. */
  osv: z.string().min(1).optional(),
  precedence: issuersSchema.optional(),
  lifecycleIssuers: lifecycleIssuersSchema.optional(),
});
export type ExposureArguments = z.infer<typeof exposureSchema>;

/**
 * What is looked for. @throws ConsignError `INPUT_INVALID` unless it is exactly one thing,
 * `CONDITION_INVALID`
 */
export function subjectOf(
  { vulnerability, package: named, claim, osv }: ExposureArguments,
  advisories: Advisories,
): Subject {
  const asked = [vulnerability, named, claim].filter((each) => each !== undefined);
  if (asked.length > 1 || (asked.length === 0 && osv === undefined))
    throw new ConsignError(
      "INPUT_INVALID",
      "ask for one thing: a vulnerability, a package, a claim, or all that a folder of advisories knows",
    );
  if (osv !== undefined && (named !== undefined || claim !== undefined))
    throw new ConsignError("INPUT_INVALID", "advisories are about vulnerabilities: leave osv out", {
      path: "osv",
    });
  if (named !== undefined) return { is: "package", range: parsePackageRange(named) };
  if (claim !== undefined)
    return {
      is: "claim",
      type: resolveType(claim.type),
      ...(claim.condition === undefined ? {} : { condition: compileCondition(claim.condition) }),
    };
  return aboutVulnerability(vulnerability, advisories);
}

function aboutVulnerability(id: string | undefined, { all }: Advisories): Subject {
  const advisories =
    id === undefined ? all : all.filter((each) => namesOf(each).has(id.toUpperCase()));
  const names = new Set(advisories.flatMap((each) => [...namesOf(each)]));
  if (id !== undefined) names.add(id.toUpperCase());
  return {
    is: "vulnerability",
    ...(id === undefined ? {} : { id }),
    names,
    index: new AdvisoryIndex(advisories),
    advisories,
  };
}

export function namesOf({ id, aliases }: Advisory): Set<string> {
  return new Set([id, ...aliases].map((name) => name.toUpperCase()));
}

/** @throws ConsignError `INPUT_INVALID` where it ends before it begins */
export function scopeOf({ environments, from, until }: ExposureArguments): Scope {
  const scope: Scope = {
    environments,
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(until === undefined ? {} : { until: endOfDay(until) }),
  };
  if (scope.from !== undefined && scope.until !== undefined && scope.until < scope.from)
    throw new ConsignError("INPUT_INVALID", "until must not be before from", { path: "until" });
  return scope;
}

/** A day is asked for with all its hours. */
function endOfDay(date: string): number {
  return Date.parse(date) + (/^\d{4}-\d{2}-\d{2}$/.test(date) ? 86_400_000 - 1 : 0);
}
