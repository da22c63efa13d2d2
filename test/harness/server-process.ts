// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { toolEnvironment, toolPath, type Tool } from "./toolchain";

const running = new Set<ChildProcess>();

function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

let watched = false;

function watchExit(): void {
  if (watched) return;
  watched = true;
  process.once("exit", endAll);
  process.once("SIGTERM", () => process.exit(143));
}

/** A port of loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => done(port));
    });
  });
}

export interface ServerProcess {
  /** What it printed so far, for messages of failing tests. */
  output(): string;
  /** Ends it by its own process id, and waits for that. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Is asked again and again until it answers true. */
  ready: (output: string) => Promise<boolean>;
  /** Milliseconds until the start counts as failed. @default 20000 */
  timeoutMs?: number;
}

/** Starts a server and waits until it is ready. It is ended with this process at the latest. */
export async function startServer(
  tool: Tool,
  args: readonly string[],
  options: ServerOptions,
): Promise<ServerProcess> {
  watchExit();
  const child = spawn(toolPath(tool), args, {
    cwd: options.cwd,
    env: toolEnvironment(options.env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const closed = new Promise<void>((done) => {
    child.once("error", (error) => {
      output += error.message;
      done();
    });
    child.once("close", () => done());
  }).finally(() => running.delete(child));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await closed;
  };
  const deadline = Date.now() + (options.timeoutMs ?? 20_000);
  while (!(await options.ready(output))) {
    if (!running.has(child)) throw new Error(`${tool} ended before it was ready:\n${output}`);
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`${tool} was not ready in time:\n${output}`);
    }
    await sleep(20);
  }
  return { output: () => output, stop };
}
