// SPDX-License-Identifier: Apache-2.0
import { acts } from "../retention/index";
import type { Reconciler } from "../world/reconciler";
import { ensureArchive } from "./apply";
import { archiveSchema } from "./arguments";
import { observeArchive } from "./observe";
import { planArchive } from "./plan";
import { decisionSchema } from "./recorded";

/**
 * Brings what left production to an archive, keeps it there for as long as the rules say, and takes
 * it away after.
 */
export const archivePolicy: Reconciler<typeof archiveSchema.shape> = {
  kind: "ArchivePolicy",
  schema: archiveSchema,
  replaceOn: ["archive"],
  // What the rules come to shows in the entries; time alone changes nothing.
  ignore: [
    "signer",
    "trust",
    "asOf",
    "timestamp",
    "signatureForm",
    "upcoming",
    "self",
    "deployments",
    "archiveAfter",
    "retain",
    "observe",
  ],
  ensured: ["notices", "left", "leases"],

  plan: planArchive,

  id: (inputs) => String(inputs["archive"]),

  unsettled: (inputs) => {
    const entries: unknown = inputs["entries"];
    return (
      typeof entries === "object" &&
      entries !== null &&
      Object.values(entries).some((entry) => {
        const { data } = decisionSchema.safeParse(entry);
        return data !== undefined && acts(data);
      })
    );
  },

  ensure: ensureArchive,

  observe: observeArchive,

  async remove() {
    // An archive outlives the policy that filled it.
  },
};
