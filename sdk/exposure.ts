// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import type { VulnerabilitiesPredicate } from "../provider/exposure/answer/vulnerabilities";
import type { ExposureQuestion } from "./functions";
import { ConsignResource, type Deep } from "./stub";

/** Every argument: update. */
export type ExposureArgs = {
  [Name in keyof ExposureQuestion]: Deep<NonNullable<ExposureQuestion[Name]>>;
};

/**
 * The function `exposure` as a resource: it asks in every preview, `up` and refresh, and a scheduled
 * `pulumi preview --refresh` is the alarm, as each new finding is one line under `findings`. Nothing
 * is created, and nothing fails because something is found; what cannot be told is a finding.
 *
 * Errors: `INPUT_INVALID`, `CONDITION_INVALID`, `REFERENCE_INVALID`, `TRUST_*`, `FILE_*`,
 * `GRAPH_TOO_LARGE`.
 *
 * @example
 * ```ts
 * const log4shell = new Exposure("log4shell", {
 *   vulnerability: "CVE-2021-44228",
 *   osv: "advisories",
 *   places: ["registry.acme-rockets.io/net-monitor", "registry.acme-rockets.io/archive"],
 *   trust,
 *   environments: ["production"],
 * });
 * export const findings = log4shell.findings;
 * ```
 */
export class Exposure extends ConsignResource {
  /** `some`, `none` (all was read, and nothing is affected) or `unknown`. */
  declare readonly status: pulumi.Output<"some" | "none" | "unknown">;
  /**
   * By digest, what is affected or cannot be told, a line each: under `artifact` its name and when
   * it was where, then by image, vulnerability and package. What could not be read at all is under
   * the name of the place or file.
   */
  declare readonly findings: pulumi.Output<Record<string, Record<string, string>>>;
  /**
   * By digest of what is affected, the predicate for a `Claim` of type `vulnerabilities`, with the
   * time at which this was found first.
   */
  declare readonly vulnerabilities: pulumi.Output<Record<string, VulnerabilitiesPredicate>>;

  constructor(name: string, args: ExposureArgs, options?: pulumi.CustomResourceOptions) {
    super("Exposure", name, { ...args }, ["status", "findings", "vulnerabilities"], options);
  }
}
