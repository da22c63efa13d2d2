// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forEachBounded } from "../../provider/content/bounded";
import { tempDir } from "../harness/temp";
import { missing, toolEnvironment, toolPath, type Tool } from "../harness/toolchain";

export const PEERS = ["oras", "regsync", "regctl"] as const;
export type Peer = (typeof PEERS)[number];

/** What is copied: all tags of a repository. */
export interface Task {
  /** `host:port/repository` */
  source: string;
  destination: string;
  tags: readonly string[];
}

export interface Run {
  ms: number;
  /** Largest of its processes. */
  maxRssMb: number;
}

export function peersHere(): Peer[] {
  return PEERS.filter((peer) => missing(peer as Tool) === false);
}

/** Brings the destination in step with one peer, as its own documentation would have it for speed. */
export async function runPeer(peer: Peer, task: Task): Promise<Run> {
  const begun = performance.now();
  const peaks: number[] = [];
  const each = async (args: (tag: string) => string[], env: Record<string, string> = {}): Promise<void> => {
    await forEachBounded(task.tags, 2, async (tag) => void peaks.push(await measured(peer, args(tag), env)));
  };
  if (peer === "oras") await each((tag) => ["cp", "-r", "--concurrency", "8", "--from-plain-http", "--to-plain-http", `${task.source}:${tag}`, `${task.destination}:${tag}`]);
  else if (peer === "regctl") await each((tag) => ["image", "copy", "--referrers", `${task.source}:${tag}`, `${task.destination}:${tag}`], { REGCTL_CONFIG: regctlConfig(task) });
  else peaks.push(await measured(peer, ["once", "-c", regsyncConfig(task)], {}));
  return { ms: performance.now() - begun, maxRssMb: Math.round(Math.max(...peaks)) };
}

function hosts(task: Task): string[] {
  return [task.source, task.destination].map((place) => place.slice(0, place.indexOf("/")));
}

function regctlConfig(task: Task): string {
  const file = join(tempDir("regctl"), "config.json");
  writeFileSync(file, JSON.stringify({ hosts: Object.fromEntries(hosts(task).map((host) => [host, { tls: "disabled", hostname: host, reqConcurrent: 16 }])) }));
  return file;
}

function regsyncConfig(task: Task): string {
  const folder = tempDir("regsync");
  const file = join(folder, "regsync.yml");
  const config = {
    version: 1,
    creds: hosts(task).map((registry) => ({ registry, tls: "disabled", reqConcurrent: 16 })),
    defaults: { parallel: 8 },
    sync: [{ source: task.source, target: task.destination, type: "repository", referrers: true }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** @returns the process's peak memory in MB, as far as Linux tells it */
function measured(tool: Peer, args: readonly string[], env: Record<string, string>): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(toolPath(tool), args, { env: toolEnvironment(env), stdio: ["ignore", "ignore", "pipe"] });
    let told = "";
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 20);
    child.stderr.on("data", (chunk: Buffer) => (told = (told + chunk.toString()).slice(-2000)));
    child.once("error", fail);
    child.once("close", (code) => {
      clearInterval(watch);
      if (code === 0) done(peak);
      else fail(new Error(`${tool} ${args.join(" ")} ended with ${code}: ${told}`));
    });
  });
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
