// SPDX-License-Identifier: Apache-2.0
// Everything that tests load, compiled at once: tsx does it file by file in each of two hundred
// processes, and makes their functions slower.
import { build } from "esbuild";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./build.mjs";

const FOLDERS = ["provider", "sdk", "test", "examples", "scripts"];

/**
 * Compiles into a folder that goes when this process ends. What it returns are Node's arguments for
 * processes that load from there.
 */
export async function compileTests() {
  const folder = mkdtempSync(join(tmpdir(), "consign-compiled-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const entryPoints = FOLDERS.flatMap((name) =>
    readdirSync(join(root, name), { recursive: true, encoding: "utf8" })
      .filter(
        (path) =>
          path.endsWith(".ts") &&
          !path.endsWith(".d.ts") &&
          !/(?:^|[\\/])(?:node_modules|\.run)[\\/]/.test(path),
      )
      .map((path) => join(root, name, path)),
  );
  const settings = {
    format: "cjs",
    platform: "node",
    target: "node22",
    sourcemap: "inline",
    sourcesContent: false,
  };
  await build({
    ...settings,
    entryPoints,
    outdir: folder,
    outbase: root,
    absWorkingDir: root,
    logLevel: "error",
  });
  process.env.CONSIGN_COMPILED = folder;
  return ["--enable-source-maps", "--require", join(root, "scripts", "load-compiled.cjs")];
}
