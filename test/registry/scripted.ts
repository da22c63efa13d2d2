// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { RegistryClient, type RegistryClientOptions } from "../../provider/registry/index";
import { tempDir } from "../harness/temp";

export interface Scripted {
  host: string;
  /** `METHOD path?query` in order of arrival. */
  requests: string[];
  headers: IncomingMessage["headers"][];
}

export type Script = (
  request: IncomingMessage & { url: string; method: string },
  response: ServerResponse,
  body: Buffer,
) => void | Promise<void>;

/**
 * A server on loopback that does what the test says; request bodies are read whole before the
 * script runs.
 */
export async function scripted(context: TestContext, script: Script): Promise<Scripted> {
  const requests: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on(
      "end",
      () =>
        void script(
          Object.assign(request, { url: request.url ?? "", method: request.method ?? "" }),
          response,
          Buffer.concat(chunks),
        ),
    );
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests, headers };
}

/** A client that retries fast and sees no credentials but its settings'. */
export function quickClient(
  context: TestContext,
  options: Partial<RegistryClientOptions> = {},
): RegistryClient {
  const limits = { backoffMs: 5, backoffCapMs: 20, readBackMs: 2, ...options.limits };
  const client = new RegistryClient({
    baseDir: ".",
    env: { DOCKER_CONFIG: tempDir("docker") },
    ...options,
    limits,
  });
  context.after(() => client.close());
  return client;
}

export function json(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}
