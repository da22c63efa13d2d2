// SPDX-License-Identifier: Apache-2.0
import type { Content } from "../content/storage";

/**
 * Reads content piece by piece: each piece streams, and nothing but the rest of one chunk is held.
 */
export class ContentCursor {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array | undefined;

  private constructor(content: Content) {
    this.#iterator = content[Symbol.asyncIterator]();
  }

  /**
   * Opens content and passes over its first `offset` bytes; they are read again, as content that is
   * verified must be.
   */
  static async at(open: () => Promise<Content>, offset: number): Promise<ContentCursor> {
    const cursor = new ContentCursor(await open());
    let left = offset;
    for await (const chunk of cursor.take(offset)) left -= chunk.byteLength;
    if (left > 0) await cursor.close();
    return cursor;
  }

  /**
   * The next `length` bytes. Ends early only if the content does; after the last byte the end is
   * read too, which completes verification.
   */
  async *take(length: number): AsyncGenerator<Uint8Array, void, undefined> {
    let left = length;
    while (left > 0) {
      const chunk = this.#rest ?? (await this.#next());
      if (chunk === undefined) return;
      this.#rest = chunk.byteLength > left ? chunk.subarray(left) : undefined;
      const piece = chunk.byteLength > left ? chunk.subarray(0, left) : chunk;
      left -= piece.byteLength;
      if (left === 0 && this.#rest === undefined) this.#rest = await this.#next();
      yield piece;
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#iterator.next();
      if (done === true) return undefined;
      if (value.byteLength > 0) return value;
    }
  }
}
