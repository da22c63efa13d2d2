// SPDX-License-Identifier: Apache-2.0
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Bytes of one revocation list that are read at most; the largest public ones have about 10 MiB.
 */
export const MAX_CRL_SIZE = 32 * 1024 * 1024;

const MAX_MEMORY = 2 * MAX_CRL_SIZE;
const MAX_ENTRIES = 256;

/**
 * Keeps revocation lists by address, in memory and, with a directory, on disk, until the next one
 * is due. It is not trusted: whoever reads a list from it checks its signature and dates again, so
 * a file that someone else wrote can at most be ignored. Errors of the disk are misses.
 */
export class RevocationCache {
  readonly #memory = new Map<string, Uint8Array>();
  #size = 0;

  constructor(private readonly directory?: string) {}

  async get(url: string): Promise<Uint8Array | undefined> {
    const kept = this.#memory.get(url);
    if (kept !== undefined || this.directory === undefined) return kept;
    try {
      const handle = await open(this.#file(url), "r");
      try {
        const { size } = await handle.stat();
        if (size > MAX_CRL_SIZE) return undefined;
        const bytes = await handle.readFile();
        this.#remember(url, bytes);
        return bytes;
      } finally {
        await handle.close();
      }
    } catch {
      return undefined;
    }
  }

  async set(url: string, bytes: Uint8Array): Promise<void> {
    this.#remember(url, bytes);
    if (this.directory === undefined) return;
    const temporary = `${this.#file(url)}.${randomUUID()}`;
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      const handle = await open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(bytes);
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file(url));
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async drop(url: string): Promise<void> {
    this.#size -= this.#memory.get(url)?.byteLength ?? 0;
    this.#memory.delete(url);
    if (this.directory !== undefined)
      await rm(this.#file(url), { force: true }).catch(() => undefined);
  }

  #remember(url: string, bytes: Uint8Array): void {
    this.#size += bytes.byteLength - (this.#memory.get(url)?.byteLength ?? 0);
    this.#memory.delete(url);
    this.#memory.set(url, bytes);
    for (const [oldest, { byteLength }] of this.#memory) {
      if (this.#size <= MAX_MEMORY && this.#memory.size <= MAX_ENTRIES) break;
      this.#memory.delete(oldest);
      this.#size -= byteLength;
    }
  }

  #file(url: string): string {
    return join(this.directory ?? "", `${createHash("sha256").update(url).digest("hex")}.crl`);
  }
}
