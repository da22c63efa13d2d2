// SPDX-License-Identifier: Apache-2.0
// The one entry of package.json's scripts. Each command finds what it needs ready: Node, dist/, the
// tools, PATH.
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, root, typecheck } from "./build.mjs";
import { say } from "./cache.mjs";
import { ensureNode } from "./node.mjs";
import { become } from "./process.mjs";
import {
  ALL_TOOLS,
  BENCH_TOOLS,
  ENGINE_TOOLS,
  ensureTools,
  installedFolder,
  toolsPath,
} from "./toolchain.mjs";

const [command, ...args] = process.argv.slice(2);

const COMMANDS = {
  async build() {
    await build({ strict: true, clean: args.includes("--clean") });
  },
  /** Before `npm pack`: `dist` as it is shipped. */
  async prepack() {
    await build({ strict: true, clean: true });
    const { publishDeclarations } = await import("./declarations.mjs");
    await publishDeclarations(root);
  },
  async typecheck() {
    const complaints = await typecheck();
    if (complaints !== "") {
      process.stdout.write(`${complaints}\n`);
      process.exitCode = 1;
    }
  },
  async lint() {
    const { runLint } = await import("./lint.mjs");
    const complaints = await runLint({ record: args.includes("--record") });
    if (complaints !== "") {
      process.stdout.write(`${complaints}\n`);
      process.exitCode = 1;
    }
  },
  async tools() {
    process.exitCode = (await withTools(args.length > 0 ? args : ALL_TOOLS)).length === 0 ? 0 : 1;
  },
  /** `npm start`: the example that shows the whole story. */
  async start() {
    await example("quickstart", args);
  },
  async example() {
    const [name, ...rest] = args;
    if (name === undefined || !existsSync(join(root, "examples", name)))
      throw new Error("say which: npm run example -- <folder of examples/> [pulumi's arguments]");
    await example(name, rest);
  },
  async test() {
    await build();
    await withTools(ALL_TOOLS);
    await become(process.execPath, [join(root, "scripts", "test.mjs"), ...args], { cwd: root });
  },
  /** `npm run mutations -- [word…]`: whether the tests of SECURITY.md find what they are for. */
  async mutations() {
    await build();
    await withTools(ALL_TOOLS);
    await become(process.execPath, [join(root, "scripts", "mutations.mjs"), ...args], {
      cwd: root,
    });
  },
  /** `npm run bench -- <name> [--json]`: one of test/bench/. */
  async bench() {
    const [name, ...rest] = args;
    const program = join(root, "test", "bench", `${name}.ts`);
    if (name === undefined || !existsSync(program))
      throw new Error(
        "say which: npm run bench -- <name of a file of test/bench/> [its arguments]",
      );
    await build();
    await withTools([...ALL_TOOLS, ...BENCH_TOOLS]);
    await become(process.execPath, ["--import", "tsx", program, ...rest], { cwd: root });
  },
  /** `npm run faults -- removal|verdicts [--json]`: one fault at each request, see test/faults/. */
  async faults() {
    await build();
    await withTools(ALL_TOOLS);
    const program = join(root, "test", "faults", "main.ts");
    await become(process.execPath, ["--import", "tsx", program, ...args], { cwd: root });
  },
  /** Any program, with PATH as tests have it: `npm run exec -- pulumi version`. */
  async exec() {
    await build();
    await withTools(ENGINE_TOOLS);
    await become(args[0], args.slice(1), { cwd: process.env.INIT_CWD ?? process.cwd() });
  },
};

async function example(name, rest) {
  await build();
  const missing = await withTools(ENGINE_TOOLS);
  if (missing.length > 0) throw new Error(`an example needs ${missing.join(" and ")}`);
  await become(process.execPath, [join(root, "scripts", "example.mjs"), name, ...rest], {
    cwd: root,
  });
}

/**
 * Our Node first, as Pulumi's hosts start `node`; then the tools. Pulumi's host for providers in
 * Node, which its npm package keeps at its root, comes last: a Pulumi that was installed whole has
 * one of its own.
 */
function setPath(node = process.execPath) {
  const modules = join(root, "node_modules");
  const first = [dirname(node), toolsPath(), installedFolder(), join(modules, ".bin")].filter(
    (folder) => folder !== undefined,
  );
  const last = join(modules, "@pulumi", "pulumi");
  const others = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== last && !first.includes(folder));
  process.env.PATH = [...first, ...others, last].join(delimiter);
  process.env.CONSIGN_TOOLS = toolsPath();
}

/** Makes sure of tools, and that they are on PATH. */
async function withTools(names) {
  const missing = await ensureTools(names);
  setPath();
  return missing;
}

async function main() {
  const action = Object.hasOwn(COMMANDS, command ?? "") ? COMMANDS[command] : undefined;
  if (action === undefined) throw new Error(`say one of: ${Object.keys(COMMANDS).join(", ")}`);
  const node = await ensureNode();
  setPath(node);
  if (node !== process.execPath) {
    await become(node, [fileURLToPath(import.meta.url), command, ...args]);
    return;
  }
  await action();
}

await main().catch((error) => {
  say(error.message);
  process.exitCode = 1;
});
