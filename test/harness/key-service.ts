// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Where a stack's secrets get their key from, as `--secrets-provider` and the environment have it.
 */
export interface KeyService {
  secretsProvider: string;
  env: Record<string, string>;
}

let running: Promise<KeyService> | undefined;

/**
 * Speaks as much of HashiCorp Vault's transit engine as Pulumi asks for. With a passphrase each
 * start of `pulumi` derives a key from it in a million rounds, on purpose; that was a tenth of what
 * an operation costs. The examples' stacks have a passphrase.
 */
export function keyService(): Promise<KeyService> {
  return (running ??= new Promise((done, fail) => {
    const server = createServer((request, response) => void answer(request, response));
    server.unref().once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const env = {
        VAULT_SERVER_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        VAULT_SERVER_TOKEN: "test",
      };
      done({ secretsProvider: "hashivault://consign", env });
    });
  }));
}

/**
 * What Pulumi keeps is wrapped in the open, which is no worse than a passphrase that stands in this
 * repository.
 */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const asked = JSON.parse(Buffer.concat(parts).toString()) as {
    plaintext?: string;
    ciphertext?: string;
  };
  const data =
    asked.plaintext === undefined
      ? { plaintext: asked.ciphertext?.replace("vault:v1:", "") }
      : { ciphertext: `vault:v1:${asked.plaintext}` };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
}
