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
  /** Of all its processes, which tells whether it digests what it copies. */
  cpuMs: number;
}

export function peersHere(): Peer[] {
  return PEERS.filter((peer) => missing(peer as Tool) === false);
}

/**
 * Brings the destination in step with one peer, as its own documentation would have it for speed.
 */
export async function runPeer(peer: Peer, task: Task): Promise<Run> {
  const begun = performance.now();
  const used: Usage[] = [];
  const each = async (
    args: (tag: string) => string[],
    env: Record<string, string> = {},
  ): Promise<void> => {
    await forEachBounded(
      task.tags,
      2,
      async (tag) => void used.push(await measured(peer, args(tag), env)),
    );
  };
  if (peer === "oras")
    await each((tag) => [
      "cp",
      "-r",
      "--concurrency",
      "8",
      "--from-plain-http",
      "--to-plain-http",
      `${task.source}:${tag}`,
      `${task.destination}:${tag}`,
    ]);
  else if (peer === "regctl")
    await each(
      (tag) => [
        "image",
        "copy",
        "--referrers",
        `${task.source}:${tag}`,
        `${task.destination}:${tag}`,
      ],
      { REGCTL_CONFIG: regctlConfig(task) },
    );
  else used.push(await measured(peer, ["once", "-c", regsyncConfig(task)], {}));
  return {
    ms: performance.now() - begun,
    maxRssMb: Math.round(Math.max(...used.map(({ peakMb }) => peakMb))),
    cpuMs: used.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  };
}

function hosts(task: Task): string[] {
  return [task.source, task.destination].map((place) => place.slice(0, place.indexOf("/")));
}

function regctlConfig(task: Task): string {
  const file = join(tempDir("regctl"), "config.json");
  writeFileSync(
    file,
    JSON.stringify({
      hosts: Object.fromEntries(
        hosts(task).map((host) => [host, { tls: "disabled", hostname: host, reqConcurrent: 16 }]),
      ),
    }),
  );
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

interface Usage {
  peakMb: number;
  cpuMs: number;
}

/**
 * @returns what the process took, as far as Linux tells it while it runs: the last 20 ms are not
 * seen
 */
function measured(
  tool: Peer,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Usage> {
  return new Promise((done, fail) => {
    const child = spawn(toolPath(tool), args, {
      env: toolEnvironment(env),
      stdio: ["ignore", "ignore", "pipe"],
    });
    let told = "";
    let usage: Usage = { peakMb: 0, cpuMs: 0 };
    const watch = setInterval(() => (usage = usageOf(child.pid) ?? usage), 20);
    child.stderr.on("data", (chunk: Buffer) => (told = (told + chunk.toString()).slice(-2000)));
    child.once("error", fail);
    child.once("close", (code) => {
      clearInterval(watch);
      if (code === 0) done(usage);
      else fail(new Error(`${tool} ${args.join(" ")} ended with ${code}: ${told}`));
    });
  });
}

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

function usageOf(pid: number | undefined): Usage | undefined {
  try {
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return peak === undefined
      ? undefined
      : { peakMb: Number(peak) / 1024, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return undefined;
  }
}
