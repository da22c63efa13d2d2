// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startProxy, type Proxy, type ProxyOptions } from "./proxy";
import { freePort, startServer, type ServerProcess } from "./server-process";
import { tempDir } from "./temp";
import { missing, type Tool } from "./toolchain";

/**
 * `distribution` has no referrers API and deletes; `olareg` has both; `olareg-fallback` is olareg
 * with its referrers API off; `ggcr` (go-containerregistry) has a referrers API and keeps
 * everything in memory.
 */
export type RegistryKind = "distribution" | "olareg" | "olareg-fallback" | "ggcr";

export const REGISTRY_KINDS: readonly RegistryKind[] = [
  "distribution",
  "olareg",
  "olareg-fallback",
  "ggcr",
];

const TOOL: Record<RegistryKind, Tool> = {
  distribution: "registry",
  olareg: "olareg",
  "olareg-fallback": "olareg",
  ggcr: "ggcr-registry",
};

export interface RegistryOptions extends Omit<ProxyOptions, "upstream"> {
  /** olareg only: keep content in memory, or in a directory. @default "mem" */
  storage?: "mem" | "dir";
  /** Offer deletes; go-containerregistry always does. @default true */
  deletes?: boolean;
}

/** A real registry behind a {@link Proxy}; clients are to use `host`. */
export interface TestRegistry extends Proxy {
  readonly kind: RegistryKind;
  /** `host:port` without the proxy: no counting, faults, TLS or credentials. */
  readonly direct: string;
  readonly referrersApi: boolean;
  /** What the registry printed. */
  output(): string;
}

/** For a test's `skip` option. */
export function registryMissing(...kinds: RegistryKind[]): string | false {
  return missing(...new Set(kinds.map((kind) => TOOL[kind])));
}

export async function startRegistry(
  kind: RegistryKind,
  options: RegistryOptions = {},
): Promise<TestRegistry> {
  const { storage = "mem", deletes = true, ...proxyOptions } = options;
  const { server, direct } = await startBare(kind, storage, deletes);
  const proxy = await startProxy({ ...proxyOptions, upstream: direct });
  const stop = async (): Promise<void> => {
    await proxy.stop();
    await server.stop();
  };
  return {
    ...proxy,
    kind,
    direct,
    referrersApi: kind === "olareg" || kind === "ggcr",
    output: server.output,
    stop,
  };
}

async function startBare(
  kind: RegistryKind,
  storage: "mem" | "dir",
  deletes: boolean,
): Promise<{ server: ServerProcess; direct: string }> {
  if (kind === "ggcr") {
    let printed = "";
    const server = await startServer("ggcr-registry", [], {
      ready: async (output) => /^\d+\n/.test((printed = output)),
    });
    return { server, direct: `127.0.0.1:${Number.parseInt(printed, 10)}` };
  }
  const port = await freePort();
  const direct = `127.0.0.1:${port}`;
  const ready = (): Promise<boolean> => answers(direct);
  if (kind === "distribution") {
    return {
      server: await startServer("registry", ["serve", distributionConfig(direct, deletes)], {
        ready,
        env: { OTEL_TRACES_EXPORTER: "none" },
      }),
      direct,
    };
  }
  const args = [
    "serve",
    "--addr",
    "127.0.0.1",
    "--port",
    String(port),
    "--gc-frequency",
    "-1s",
    `--api-delete=${deletes}`,
    `--api-blob-delete=${deletes}`,
  ];
  args.push(
    `--api-referrer=${kind === "olareg"}`,
    "--store-type",
    storage,
    "--dir",
    tempDir("olareg"),
  );
  return { server: await startServer("olareg", args, { ready }), direct };
}

function distributionConfig(address: string, deletes: boolean): string {
  const folder = tempDir("distribution");
  const config = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: deletes } },
    http: { addr: address, secret: "one process, so any will do" },
  };
  const path = join(folder, "config.yml");
  writeFileSync(path, JSON.stringify(config));
  return path;
}

function answers(host: string): Promise<boolean> {
  return new Promise((done) => {
    const attempt = request(`http://${host}/v2/`, { agent: false, timeout: 2000 }, (response) => {
      response.resume();
      done(response.statusCode === 200);
    });
    attempt.once("timeout", () => attempt.destroy());
    attempt.once("error", () => done(false)).end();
  });
}

export interface EachOptions extends RegistryOptions {
  /** Which ones. @default all four */
  kinds?: readonly RegistryKind[];
}

/** One test per kind of registry, each with a registry of its own that ends with the test. */
export function forEachRegistry(
  name: string,
  run: (registry: TestRegistry, context: TestContext) => Promise<void>,
  options: EachOptions = {},
): void {
  const { kinds = REGISTRY_KINDS, ...registryOptions } = options;
  for (const kind of kinds) {
    test(`${name} [${kind}]`, { skip: registryMissing(kind) }, async (context) => {
      const registry = await startRegistry(kind, registryOptions);
      context.after(() => registry.stop());
      await run(registry, context);
    });
  }
}
