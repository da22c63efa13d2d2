// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { tempDir } from "../harness/temp";
import { QUICK_PROGRAMS, repositoryRoot, toolEnvironment, toolOutput } from "../harness/toolchain";

export const EXAMPLES_FOLDER = join(repositoryRoot, "examples");

/** What became of an example. */
export interface Played {
  code: number;
  /** What it printed. */
  text: string;
  seconds: number;
  /** By stack. */
  outputs: Record<string, Record<string, unknown>>;
  /** The example's folder, with what it left there. */
  folder: string;
}

export interface ExampleCheckout {
  /** The example's folder in the copy. */
  readonly folder: string;
  /** `npm run example -- NAME …`, as far as it goes beyond making tools ready. */
  play(...args: string[]): Promise<Played>;
  /** Runs `pulumi` as the example does. */
  pulumi(...args: string[]): Promise<string>;
  /** Everything in the copy that is not in the example's folder, with times of change. */
  filesOutside(): string[];
}

/**
 * A copy of the repository as far as one example needs it, so that nothing is written where others
 * read, and two can run at once.
 */
export function checkout(name: string): ExampleCheckout {
  const root = tempDir("example");
  const folder = join(root, "examples", name);
  cpSync(join(EXAMPLES_FOLDER, name), folder, {
    recursive: true,
    filter: (path) => !isLeftover(path),
  });
  cpSync(join(repositoryRoot, "scripts"), join(root, "scripts"), { recursive: true });
  // Without the package.json: with it, this copy would be the package, and have no dist.
  symlinkSync(join(repositoryRoot, "node_modules"), join(root, "node_modules"), "junction");
  const home = tempDir("pulumi-home");
  const env = {
    PULUMI_BACKEND_URL: `file://${join(folder, ".run", "backend")}`,
    PULUMI_HOME: home,
    PULUMI_CONFIG_PASSPHRASE: "consign-example",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    ...QUICK_PROGRAMS,
  };
  const pulumi = (...args: string[]): Promise<string> =>
    toolOutput("pulumi", [...args, "--non-interactive"], { cwd: folder, env, timeoutMs: 120_000 });

  return {
    folder,
    pulumi,
    filesOutside: () => listing(root, folder).sort(),
    async play(...args) {
      mkdirSync(join(folder, ".run"), { recursive: true });
      const began = performance.now();
      const { code, text } = await run(join(root, "scripts", "example.mjs"), [name, ...args], root);
      const seconds = (performance.now() - began) / 1000;
      const outputs: Played["outputs"] = {};
      if (code === 0) {
        for (const stack of JSON.parse(await pulumi("stack", "ls", "--json")) as {
          name: string;
        }[]) {
          outputs[stack.name] = JSON.parse(
            await pulumi("stack", "output", "--json", "--stack", stack.name),
          ) as Record<string, unknown>;
        }
      }
      return { code, text, seconds, outputs, folder };
    },
  };
}

/** What an example wrote when it was run in place. */
function isLeftover(path: string): boolean {
  return /^(?:\.run|node_modules|Pulumi\..+\.yaml)$/.test(basename(path));
}

/** Follows no link: node_modules has one that leads back to its own root. */
function listing(folder: string, except: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (path === except) return [];
    return entry.isDirectory() ? listing(path, except) : [`${path} ${lstatSync(path).mtimeMs}`];
  });
}

function run(script: string, args: string[], cwd: string): Promise<{ code: number; text: string }> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd,
      env: toolEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const parts: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (part: Buffer) => parts.push(part));
    child.once("error", fail);
    const ended = (code: number | null): void =>
      done({ code: code ?? 128, text: Buffer.concat(parts).toString("utf8") });
    child.once("close", ended);
    // Something that the example started may outlive it and hold its output open.
    child.once("exit", (code) => setTimeout(() => ended(code), 5_000).unref());
  });
}
