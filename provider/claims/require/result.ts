// SPDX-License-Identifier: Apache-2.0
import type { Digest } from "../../oci/digest";

export interface RequirementResult {
  /**
   * Where it is written: `require[0]`, `deny[1]`, `require[0].anyOf[2]`; or `lifecycle.revocation`,
   * `.endOfLife`, `.redirect`.
   */
  path: string;
  /** What was asked, for people. */
  requirement: string;
  met: boolean;
  /** Met, but not for ever, or worth knowing. */
  warning?: string;
  reason: string;
  /** The claims that the answer rests on. */
  claims: Digest[];
}
