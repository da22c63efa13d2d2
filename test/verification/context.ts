// SPDX-License-Identifier: Apache-2.0
import { revocationChecker } from "../../provider/notation/index";
import type { RegistryClient } from "../../provider/registry/index";
import { Stores, type ResourceContext } from "../../provider/world/context";
import { Run } from "../../provider/world/run";
import { httpFetch } from "../harness/pki";

/** The world as a reconciler sees it, at a time that the test sets. */
export function contextAt(
  client: RegistryClient,
  now: () => Date,
  baseDir = "/nonexistent",
  warnings: string[] = [],
): ResourceContext {
  return {
    baseDir,
    stores: new Stores(client, baseDir),
    fetch: httpFetch,
    revocation: revocationChecker({ fetch: httpFetch }),
    run: new Run(),
    now,
    warn: (line) => void warnings.push(line),
    progress: () => undefined,
  };
}
