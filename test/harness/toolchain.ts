// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

/**
 * Real programs that tests run against; `scripts/toolchain.mjs` has their versions and builds them.
 */
export type Tool =
  | "pulumi"
  | "pulumi-language-nodejs"
  | "registry"
  | "olareg"
  | "ggcr-registry"
  | "oras"
  | "notation"
  | "etcd"
  | "kube-apiserver"
  | "regctl"
  | "regsync";

export const repositoryRoot = resolve(__dirname, "..", "..");

/** Outside the checkout, as for `scripts/cache.mjs`. */
export function cacheFolder(below: string): string {
  const cache =
    process.env.CONSIGN_CACHE ||
    join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "consign");
  return join(cache, below);
}

function toolsFolder(): string {
  return process.env.CONSIGN_TOOLS || cacheFolder("bin");
}

/**
 * For programs that run many times: types are checked once, by the type-check, compiled code is
 * kept, and what they rarely need is loaded late.
 */
export const QUICK_PROGRAMS: Readonly<Record<string, string>> = {
  PULUMI_NODEJS_TRANSPILE_ONLY: "true",
  NODE_COMPILE_CACHE: cacheFolder("compile-cache"),
  // What a program in Go leaves behind when it starts need not be collected before it ends, which
  // is soon.
  GOGC: "400",
  NODE_OPTIONS:
    `${process.env.NODE_OPTIONS ?? ""} --require ${JSON.stringify(join(repositoryRoot, "scripts", "load-late.cjs"))}`.trim(),
};

/** @throws Error that says how to get the tool */
export function toolPath(tool: Tool): string {
  const reason = missing(tool);
  if (reason !== false) throw new Error(reason);
  return join(toolsFolder(), tool);
}

/** For a test's `skip` option: false when every tool is there, else the reason. */
export function missing(...tools: Tool[]): string | false {
  const absent = tools.filter(
    (tool) =>
      !executable(join(toolsFolder(), tool)) &&
      !(tool === "pulumi-language-nodejs" && executable(join(pulumiFolder(), tool))),
  );
  return absent.length === 0
    ? false
    : `${absent.join(", ")} not built on this machine: run \`npm run tools -- ${absent.join(" ")}\``;
}

/** Where Pulumi itself is: one that was installed whole has its hosts beside it. */
function pulumiFolder(): string {
  const pulumi = join(toolsFolder(), "pulumi");
  return executable(pulumi) ? dirname(realpathSync(pulumi)) : toolsFolder();
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * This process's environment with a PATH on which `node` is this Node, and the tools and Pulumi's
 * provider host are found.
 */
export function toolEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const first = [dirname(process.execPath), toolsFolder(), pulumiFolder()];
  const last = join(repositoryRoot, "node_modules", "@pulumi", "pulumi");
  const others = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== last && !first.includes(folder));
  return { ...process.env, PATH: [...first, ...others, last].join(delimiter), ...extra };
}

export interface ToolRun {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ToolOptions {
  cwd?: string;
  env?: Record<string, string>;
  input?: string | Uint8Array;
  /** Milliseconds before it is killed. @default 60000 */
  timeoutMs?: number;
}

/** Runs a tool to its end. The exit code is the caller's to judge; {@link toolOutput} judges it. */
export function runTool(
  tool: Tool,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolRun> {
  return new Promise((done, fail) => {
    const env = toolEnvironment(options.env);
    const child = spawn(toolPath(tool), args, {
      cwd: options.cwd,
      env,
      timeout: options.timeoutMs ?? 60_000,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", fail);
    child.on("close", (code) =>
      done({
        code: code ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }),
    );
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input);
  });
}

/** What a tool printed on stdout. @throws Error with all it printed, unless it ended well */
export async function toolOutput(
  tool: Tool,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runTool(tool, args, options);
  if (code !== 0)
    throw new Error(`${tool} ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`);
  return stdout;
}
