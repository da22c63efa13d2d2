// SPDX-License-Identifier: Apache-2.0
// Consign needs Node 22.19. Where the machine's is older, npm's packages of Node's own binaries
// bring one, into the cache.
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir, step, withLock } from "./cache.mjs";
import { run } from "./process.mjs";

const MINIMUM = [22, 19];
const BROUGHT = "24";

function newEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
}

function packageName() {
  const platform = { linux: "linux", darwin: "darwin", win32: "win" }[process.platform];
  if (platform === undefined || !["x64", "arm64"].includes(process.arch)) {
    throw new Error(
      `Node ${process.versions.node} is too old, and npm has no newer one for ${process.platform}-${process.arch}: install Node ${MINIMUM.join(".")} or newer`,
    );
  }
  return `node-${platform}-${process.arch}`;
}

/** The path of a Node that is new enough: this one, or one installed into the cache. */
export async function ensureNode() {
  if (newEnough(process.versions.node)) return process.execPath;
  const name = packageName();
  const home = cacheDir("node");
  const node = join(
    home,
    "node_modules",
    name,
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  if (!existsSync(node)) {
    await withLock("node", async () => {
      if (existsSync(node)) return;
      mkdirSync(home, { recursive: true });
      await step(
        `Node ${process.versions.node} is older than ${MINIMUM.join(".")}; fetching ${name}@${BROUGHT} into the cache`,
        async () => {
          const log = join(home, "install.log");
          const args = [
            "install",
            "--prefix",
            home,
            "--no-audit",
            "--no-fund",
            `${name}@${BROUGHT}`,
          ];
          const { code } = await run("npm", args, { log, env: withoutNpm(process.env) });
          if (code !== 0 || !existsSync(node))
            throw new Error(
              `npm could not install ${name}; see ${log}, or install Node ${MINIMUM.join(".")} or newer yourself`,
            );
        },
      );
    });
  }
  return node;
}

/**
 * Under `npm test`, npm tells the project's own settings to every child by variables; another npm
 * must not take them for its own.
 */
export function withoutNpm(env) {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([key]) =>
        !/^npm_(?:config_local_prefix|config_prefix|package|lifecycle|command)/i.test(key) &&
        key !== "INIT_CWD",
    ),
  );
}
