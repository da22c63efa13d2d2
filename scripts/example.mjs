// SPDX-License-Identifier: Apache-2.0
// Runs one example: its own run.ts where it has a story to tell, else `pulumi <command>` on a stack
// kept in the example's .run folder.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./build.mjs";
import { cacheDir } from "./cache.mjs";
import { become, run } from "./process.mjs";

const [name, ...args] = process.argv.slice(2);
const folder = join(root, "examples", name);
const state = join(folder, ".run");
mkdirSync(join(state, "backend"), { recursive: true });

const env = {
  ...process.env,
  PULUMI_BACKEND_URL: `file://${join(state, "backend")}`,
  PULUMI_HOME: cacheDir("pulumi-home"),
  PULUMI_CONFIG_PASSPHRASE: process.env.PULUMI_CONFIG_PASSPHRASE ?? "consign-example",
  PULUMI_SKIP_UPDATE_CHECK: "true",
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  // Pulumi would check the types of the program in every operation, which takes longer than all the
  // rest; `npm test` checks them.
  PULUMI_NODEJS_TRANSPILE_ONLY: process.env.PULUMI_NODEJS_TRANSPILE_ONLY ?? "true",
  NODE_OPTIONS:
    `${process.env.NODE_OPTIONS ?? ""} --require ${JSON.stringify(join(root, "scripts", "load-late.cjs"))}`.trim(),
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? cacheDir("compile-cache"),
};

const story = join(folder, "run.ts");
if (existsSync(story)) {
  await become(process.execPath, ["--import", "tsx", story, ...args], { cwd: folder, env });
} else {
  const selected = await run(
    "pulumi",
    ["stack", "select", "--create", "dev", "--non-interactive"],
    { cwd: folder, env, capture: true },
  );
  if (selected.code !== 0) process.exitCode = selected.code;
  else
    await become("pulumi", args.length > 0 ? args : ["up", "--yes", "--skip-preview"], {
      cwd: folder,
      env,
    });
}
