// SPDX-License-Identifier: Apache-2.0
import type { Condition } from "../claims/index";
import type { AdvisoryIndex } from "./advisories/advisory-index";
import type { Advisory } from "./advisories/osv";
import type { PackageRange } from "./packages/range";

/** What is looked for. */
export type Subject =
  | {
      is: "vulnerability";
      /** As it was asked; absent: everything that the advisories know. */
      id?: string;
      /** In upper case: what was asked, and its other names as the advisories have them. */
      names: ReadonlySet<string>;
      index: AdvisoryIndex;
      advisories: readonly Advisory[];
    }
  | { is: "package"; range: PackageRange }
  | { is: "claim"; type: string; condition?: Condition };

/** When, and where; what was never there then is not part of the answer. */
export interface Scope {
  environments?: readonly string[] | undefined;
  from?: number | undefined;
  until?: number | undefined;
}
