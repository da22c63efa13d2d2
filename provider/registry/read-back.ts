// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "../content/storage";
import { ConsignError } from "../errors";
import type { Manifest } from "../oci/manifest";
import { wait } from "./transport/gate";
import type { Manifests } from "./manifests";
import { backoff } from "./transport/retry";

/** How often a manifest that the registry accepted and does not have is pushed again. */
const MAX_REPAIRS = 3;

/**
 * Believes a push only when a HEAD finds it: registries under load have answered 201 and stored
 * nothing.
 * @throws ConsignError `READ_BACK_FAILED`
 */
export async function confirmManifest(
  manifests: Manifests,
  manifest: Manifest,
  again: () => Promise<unknown>,
  options: CallOptions = {},
): Promise<void> {
  const { limits, counters } = manifests.connection;
  const { digest } = manifest.descriptor;
  for (let repairs = 0; ; repairs += 1) {
    for (let tried = 0; tried < limits.readBackTries; tried += 1) {
      if ((await manifests.head(digest, options)) !== undefined) return;
      await wait(
        backoff(tried, { backoffMs: limits.readBackMs, backoffCapMs: limits.backoffCapMs }),
        options.signal,
      );
    }
    if (repairs >= MAX_REPAIRS) break;
    counters.repairs += 1;
    await again();
  }
  const reference = manifests.reference(digest);
  throw new ConsignError(
    "READ_BACK_FAILED",
    `${reference} was accepted ${MAX_REPAIRS + 1} times and is not there; the registry loses manifests`,
    { reference },
  );
}
