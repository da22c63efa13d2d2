// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import { isConsignError } from "../errors";
import { planRetention, type Entries, type RetentionInput } from "../retention/index";
import type { ResourceContext } from "../world/context";
import type { ArchiveInputs } from "./arguments";
import { descriptorOf } from "./places";
import { unverifiedIn } from "./proof";
import { decidedAs } from "./task";

const AT_ONCE = 8;

/**
 * What becomes of each artifact. A source is rid of one only if it verifies in the archive, which
 * only a look there can tell.
 */
export async function decide(
  inputs: Pick<ArchiveInputs, "archive" | "trust" | "releaseUnverified">,
  input: RetentionInput,
  context: ResourceContext,
): Promise<Entries> {
  const entries = planRetention(input);
  const leaving = decidedAs(entries, "release");
  if (inputs.releaseUnverified === true || leaving.length === 0) return entries;
  const archive = await context.stores.open(inputs.archive);
  await forEachBounded(leaving, AT_ONCE, async ([digest, entry]) => {
    const unverified = await unverifiedIn(
      archive,
      descriptorOf(digest, entry),
      inputs,
      context,
    ).catch((error: unknown) => {
      if (!isConsignError(error)) throw error;
      return `its signature cannot be verified in the archive [${error.code}]`;
    });
    if (unverified === undefined) return;
    entries[digest] = {
      ...entry,
      decision: "keep",
      reason: `it stays at ${entry.at.join(", ")}: ${unverified}`,
    };
  });
  return entries;
}
