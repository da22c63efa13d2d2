// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { OciLayout } from "../../provider/content/index";
import { run } from "../../provider/cli/run";
import type { ExitCode, World } from "../../provider/cli/world";
import type { Descriptor } from "../../provider/oci/descriptor";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";
import {
  acmeRoot,
  now,
  provenance,
  pushClaim,
  pushNetMonitor,
  pushSignature,
  wabbit,
  wabbitRoot,
} from "../report/arrange";
import { LOAD_TYPESCRIPT } from "../harness/typescript";

export interface Workplace {
  /** The folder that commands run in. */
  folder: string;
  layout: OciLayout;
  artifact: Descriptor;
  /** Writes a file beside the layout; returns its name. */
  file(name: string, content: string | object): string;
}

/**
 * A folder with a layout `net-monitor` that holds `v1`, signed, with a signed provenance claim, and
 * the roots `wabbit.pem`, `acme.pem`.
 */
export async function workplace(): Promise<Workplace> {
  const folder = tempDir("cli");
  const layout = OciLayout.open(join(folder, "net-monitor"), { create: true });
  const artifact = await pushNetMonitor(layout);
  await pushSignature(layout, artifact, wabbit);
  await pushClaim(layout, { type: "provenance", subject: artifact, predicate: provenance }, wabbit);
  const file = (name: string, content: string | object): string => {
    writeFileSync(
      join(folder, name),
      typeof content === "string" ? content : JSON.stringify(content),
    );
    return name;
  };
  file("wabbit.pem", wabbitRoot.pem);
  file("acme.pem", acmeRoot.pem);
  return { folder, layout, artifact, file };
}

export interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process. */
export async function consign(
  folder: string,
  args: readonly string[],
  world: Partial<World> = {},
): Promise<Ended> {
  const lines = { stdout: [] as string[], stderr: [] as string[] };
  const env = {
    XDG_CONFIG_HOME: join(folder, "config"),
    DOCKER_CONFIG: join(folder, "docker"),
    PATH: process.env["PATH"],
  };
  const print = (line: string) => void lines.stdout.push(line);
  const tell = (line: string) => void lines.stderr.push(line);
  const exitCode: ExitCode = await run(args, {
    env,
    cwd: folder,
    now,
    color: false,
    print,
    tell,
    ...world,
  });
  return { exitCode, stdout: lines.stdout.join("\n"), stderr: lines.stderr.join("\n") };
}

/** Runs a command line in a process of its own, from the sources. */
export function consignProcess(folder: string, args: readonly string[]): Promise<Ended> {
  const main = join(repositoryRoot, "provider", "cli", "main.ts");
  const env = {
    ...process.env,
    XDG_CONFIG_HOME: join(folder, "config"),
    DOCKER_CONFIG: join(folder, "docker"),
  };
  const child = spawn(process.execPath, [...LOAD_TYPESCRIPT, main, ...args], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  return new Promise((ended, failed) =>
    child.on("error", failed).on("close", (code) => ended({ exitCode: code ?? -1, ...text })),
  );
}
