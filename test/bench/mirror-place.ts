// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { request } from "node:http";
import { join } from "node:path";
import { RegistryClient, type Repository } from "../../provider/registry";
import { startServer } from "../harness/server-process";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";
import { missingFrom } from "./mirror-graphs";

export interface Registry {
  host: string;
  stop: () => Promise<void>;
}

async function registry(delayMs: number, isIndexed: boolean): Promise<Registry> {
  let printed = "";
  const server = await startServer(
    "ggcr-registry",
    ["-delay", `${delayMs}ms`, `-indexed=${isIndexed}`],
    { ready: async (output) => /^\d+\n/.test((printed = output)) },
  );
  return { host: `127.0.0.1:${Number.parseInt(printed, 10)}`, stop: server.stop };
}

function counts(host: string): Promise<{ requests: number; received: number; sent: number }> {
  return new Promise((done, fail) => {
    request(`http://${host}/_requests`, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.once("end", () =>
        done(JSON.parse(text) as { requests: number; received: number; sent: number }),
      );
    })
      .once("error", fail)
      .end();
  });
}

export interface Measured {
  seconds: number;
  requests: [source: number, destination: number];
  /** What the source sent, and what the destination was sent, in bodies. */
  bytes: [source: number, destination: number];
  maxRssMb: number;
  missing: number;
  state?: number;
  cpuMs?: number;
}

interface Work {
  ms: number;
  maxRssMb: number;
  /** Bytes of recorded inputs and outputs. */
  state?: number;
  /**
   * Of Consign's process, in the calls that are measured; of a peer's processes, as far as Linux
   * tells it.
   */
  cpuMs?: number;
}

/** A source with content, and destinations that are thrown away. */
export class Place {
  private constructor(
    readonly source: Registry,
    private readonly delayMs: number,
    private readonly isIndexed: boolean,
    readonly client: RegistryClient,
  ) {}

  static async open(delayMs: number, isIndexed: boolean): Promise<Place> {
    return new Place(
      await registry(delayMs, isIndexed),
      delayMs,
      isIndexed,
      new RegistryClient({ baseDir: "/", env: {}, limits: { concurrency: 32 } }),
    );
  }

  get repository(): Repository {
    return this.client.repository(this.source.host, "bench/corpus");
  }

  /** Another registry of the same kind, with nothing in it. */
  destination(): Promise<Registry> {
    return registry(this.delayMs, this.isIndexed);
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.source.stop();
  }

  async measure(
    destination: Registry,
    tags: readonly string[],
    work: () => Promise<Work>,
  ): Promise<Measured> {
    await Promise.all([counts(this.source.host), counts(destination.host)]);
    const { ms, maxRssMb, state, cpuMs } = await work();
    const [from, to] = await Promise.all([counts(this.source.host), counts(destination.host)]);
    const missing = await missingFrom(
      `${this.source.host}/bench/corpus`,
      `${destination.host}/bench/copy`,
      tags,
    );
    return {
      seconds: ms / 1000,
      requests: [from.requests, to.requests],
      bytes: [from.sent, to.received],
      maxRssMb,
      missing,
      ...(state === undefined ? {} : { state }),
      ...(cpuMs === undefined ? {} : { cpuMs }),
    };
  }

  async consign(
    destination: Registry,
    tags: readonly string[],
    calls: string[],
    stateFile: string,
  ): Promise<Measured> {
    return this.measure(destination, tags, () =>
      child("mirror-consign.mjs", JSON.stringify(this.#job(destination, calls, stateFile))),
    );
  }

  /** The requests of the same calls, made by undici and nothing else. */
  async floor(
    destination: Registry,
    tags: readonly string[],
    calls: string[],
    stateFile: string,
  ): Promise<Measured> {
    const requestsTo = join(tempDir("bench"), "requests");
    await child(
      "mirror-consign.mjs",
      JSON.stringify({ ...this.#job(destination, calls, stateFile), requestsTo }),
    );
    return this.measure(destination, tags, () => child("mirror-floor.mjs", requestsTo));
  }

  #job(destination: Registry, calls: string[], stateFile: string): object {
    const args = {
      source: `${this.source.host}/bench/corpus`,
      destinations: [`${destination.host}/bench/copy`],
      claims: { cosignTags: "exclude" },
    };
    return { args, calls, stateFile, registries: {} };
  }
}

function child(script: string, argument: string): Promise<Work> {
  return new Promise((done, fail) => {
    const run = spawn(process.execPath, [join(repositoryRoot, "test/bench", script), argument], {
      cwd: repositoryRoot,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    run.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    run.once("error", fail);
    run.once("close", (code) =>
      code === 0 ? done(JSON.parse(text) as Work) : fail(new Error(`${script} ended with ${code}`)),
    );
  });
}
