// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lock } from "proper-lockfile";
import { ConsignError } from "../errors";
import { unwritable } from "./layout-files";
import type { CallOptions } from "./storage";

/**
 * A lock that nobody has touched for this long belongs to a process that is gone; holders touch
 * theirs every quarter of it.
 */
const STALE_MS = 10_000;
/**
 * Longer than {@link STALE_MS}, so that a dead holder's lock is taken over rather than reported.
 */
export const DEFAULT_LOCK_WAIT_MS = 30_000;

/**
 * Runs `work` while no other process that uses this lock does. A lock may still be lost (the
 * machine slept), so `work` has to look once more before it commits.
 * @param waitMs how long to wait for another holder
 * @throws ConsignError `LAYOUT_LOCKED`, `LAYOUT_UNWRITABLE` where there can be no lock
 */
export async function withLayoutLock<T>(
  root: string,
  waitMs: number,
  options: CallOptions,
  work: () => Promise<T>,
): Promise<T> {
  const release = await acquire(root, waitMs, options.signal);
  try {
    return await work();
  } finally {
    // A lock that was lost meanwhile cannot be released; nothing depends on it.
    await release().catch(() => undefined);
  }
}

async function acquire(
  root: string,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<() => Promise<void>> {
  const lockfilePath = join(root, ".consign.lock");
  const started = performance.now();
  for (let delay = 5; ; delay = Math.min(delay * 1.5, 250)) {
    signal?.throwIfAborted();
    try {
      return await lock(root, {
        lockfilePath,
        realpath: false,
        stale: STALE_MS,
        update: STALE_MS / 4,
        onCompromised: () => undefined,
      });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ELOCKED")
        throw unwritable(lockfilePath, cause);
      if (performance.now() - started + delay > waitMs) {
        throw new ConsignError(
          "LAYOUT_LOCKED",
          `OCI image layout ${root} is still locked after ${waitMs} ms; another process writes to it (its lock is ${lockfilePath})`,
          { cause },
        );
      }
    }
    await sleep(delay * (0.5 + Math.random()));
  }
}
