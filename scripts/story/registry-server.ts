// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunningRegistry {
  /** `host:port` */
  host: string;
  stop(): Promise<void>;
}

/**
 * A registry in memory on loopback, for as long as an example needs one; or the one that is given,
 * which is left running.
 */
export async function startRegistry(given?: string): Promise<RunningRegistry> {
  if (given !== undefined) return { host: given, stop: async () => undefined };
  if (!(await starts())) await buildOnce();
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const child = spawn(
    "olareg",
    [
      "serve",
      "--addr",
      "127.0.0.1",
      "--port",
      String(port),
      "--store-type",
      "mem",
      "--api-referrer=true",
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  for (const deadline = Date.now() + 20_000; !(await answers(host)); await sleep(50)) {
    if (child.exitCode === null && Date.now() < deadline) continue;
    await stop();
    throw new Error("the example's registry did not start");
  }
  return { host, stop };
}

/** Whether the registry's program is on PATH. */
function starts(): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn("olareg", ["version"], { stdio: "ignore" });
    child.once("error", () => done(false));
    child.once("close", () => done(true));
  });
}

/** Into the folder of tools that `npm run example` has on PATH. */
async function buildOnce(): Promise<void> {
  const child = spawn(process.execPath, [join(__dirname, "..", "toolchain.mjs"), "olareg"], {
    stdio: "inherit",
  });
  const code = await new Promise((done, fail) => child.once("error", fail).once("close", done));
  if (code !== 0)
    throw new Error("this example needs a registry: give one with --registry HOST:PORT");
}

function answers(host: string): Promise<boolean> {
  return fetch(`http://${host}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
