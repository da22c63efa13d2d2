// SPDX-License-Identifier: Apache-2.0
// dist/ from provider/ and sdk/, rebuilt when a source is newer; and the link by which the checkout
// is its own installed package.
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { say, step, withLock } from "./cache.mjs";
import { run } from "./process.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "dist", ".built");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

/**
 * Pulumi's provider host resolves `require("pulumi-consign/dynamic")` from the program's folder
 * upwards, so examples and tests need this package in node_modules, as every user of it has.
 */
export function linkPackage() {
  const link = join(root, "node_modules", "pulumi-consign");
  if (!existsSync(dirname(link)))
    throw new Error("there is no node_modules folder; run npm ci first");
  const present = lstatSync(link, { throwIfNoEntry: false });
  if (present?.isSymbolicLink() && readlinkSync(link).replace(/[\\/]$/, "") === "..") return;
  if (present !== undefined) rmSync(link, { recursive: true });
  symlinkSync("..", link, "junction");
}

function newest(folder) {
  if (!existsSync(folder)) return 0;
  let latest = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory() || entry.name.endsWith(".ts"))
      latest = Math.max(latest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return latest;
}

function stale() {
  const built = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const settings = ["tsconfig.json", "tsconfig.build.json", "package.json"].map(
    (name) => statSync(join(root, name)).mtimeMs,
  );
  return Math.max(newest(join(root, "provider")), newest(join(root, "sdk")), ...settings) > built;
}

/**
 * Builds dist/ if a source is newer. Type errors fail a `strict` build only, as the code is emitted
 * all the same.
 */
export async function build({ strict = false, clean = false } = {}) {
  linkPackage();
  const name = `dist-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  await withLock(name, async () => {
    if (clean) rmSync(join(root, "dist"), { recursive: true, force: true });
    if (!stale()) return;
    const began = new Date(); // a source changed while this runs is newer, so it is built again
    const { code, stdout } = await step("building dist", () =>
      run(process.execPath, [tsc, "-p", "tsconfig.build.json", "--pretty", "false"], {
        cwd: root,
        capture: true,
      }),
    );
    if (code !== 0) {
      const lines = stdout.trimEnd().split("\n");
      if (strict || !stdout.includes("error TS"))
        throw new Error(`dist does not build:\n${lines.join("\n")}`);
      say(
        `dist is built with ${lines.filter((line) => /error TS\d/.test(line)).length} type errors; npm run typecheck shows them`,
      );
    }
    // npm does this where the package is installed; `npx consign` in the checkout runs it as it is.
    chmodSync(join(root, "dist", "provider", "cli", "main.js"), 0o755);
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, "");
    utimesSync(stamp, began, began);
  });
}

/**
 * Type-checks everything, tests too. Resolves to the compiler's complaints, empty when there are
 * none.
 */
export async function typecheck() {
  const info = join(root, "node_modules", ".cache", "consign", "typecheck.tsbuildinfo");
  mkdirSync(dirname(info), { recursive: true });
  const args = [tsc, "-p", ".", "--pretty", "false", "--incremental", "--tsBuildInfoFile", info];
  const { code, stdout } = await run(process.execPath, args, { cwd: root, capture: true });
  return code === 0 ? "" : stdout.trim() || `tsc ended with ${code}`;
}
