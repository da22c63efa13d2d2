// SPDX-License-Identifier: Apache-2.0
// The cache outside the checkout: a Node that is new enough, and the real programs that examples
// and tests run against.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** `$CONSIGN_CACHE`, else `$XDG_CACHE_HOME/consign`, else `~/.cache/consign`. */
export function cacheDir(...below) {
  const root =
    process.env.CONSIGN_CACHE ||
    join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "consign");
  return join(root, ...below);
}

const tidy = (ms) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

/**
 * Says what begins, runs it, and says how long it took. All on stderr, so that a program's own
 * output stays clean.
 */
export async function step(title, run) {
  const started = Date.now();
  process.stderr.write(`consign: ${title} …\n`);
  const result = await run();
  process.stderr.write(`consign: ${title}: ${tidy(Date.now() - started)}\n`);
  return result;
}

export function say(text) {
  process.stderr.write(`consign: ${text}\n`);
}

/**
 * True while the process that wrote the lock lives; a lock whose owner died, or never wrote its id,
 * is stale.
 */
function ownerLives(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, "pid"), "utf8")), 0);
    return true;
  } catch (error) {
    if (error.code === "EPERM") return true;
    if (error.code === "ENOENT")
      return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 5_000;
    return false;
  }
}

/**
 * Runs `work` while no other process on this machine runs work of the same name; waits up to an
 * hour for that.
 */
export async function withLock(name, work) {
  const lock = cacheDir("locks", name);
  mkdirSync(cacheDir("locks"), { recursive: true });
  for (let waited = 0; ; waited += 500) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!ownerLives(lock)) rmSync(lock, { recursive: true, force: true });
    else if (waited > 3_600_000)
      throw new Error(`another process has held ${lock} for an hour; end it or remove that folder`);
    else {
      if (waited === 0) say(`waiting for another process to finish ${name}`);
      await sleep(500);
    }
  }
  writeFileSync(join(lock, "pid"), String(process.pid));
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}
