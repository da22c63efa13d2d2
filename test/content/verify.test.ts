// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  MemoryStore,
  bytesBlob,
  readSmall,
  readVerified,
  verified,
} from "../../provider/content/index";
import { verifiedWhole } from "../../provider/content/verify";
import { WholeContent } from "../../provider/content/whole-content";
import { digestOf } from "../../provider/oci/digest";
import { codeOf } from "./sample-graph";

const BYTES = Buffer.from("hello, consign");
const DESCRIPTOR = { mediaType: "text/plain", digest: digestOf(BYTES), size: BYTES.byteLength };

async function* chunked(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

test("content of the right size and digest passes, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.constantFrom("sha256", "sha512"),
      async (chunks, algorithm) => {
        const whole = Buffer.concat(chunks);
        const descriptor = {
          mediaType: "text/plain",
          digest: digestOf(whole, algorithm),
          size: whole.byteLength,
        };
        assert.deepEqual(
          Buffer.from(await readVerified(chunked(...chunks), descriptor, 1000)),
          whole,
        );
      },
    ),
  );
});

test("content that goes on after its end is refused at the first surplus byte, and closed", async () => {
  let pulled = 0;
  let closed = false;
  const endless = (async function* () {
    try {
      for (;;) yield (pulled++, BYTES);
    } finally {
      closed = true;
    }
  })();
  assert.equal(await codeOf(readVerified(endless, DESCRIPTOR, 100)), "SIZE_MISMATCH");
  assert.equal(pulled, 2);
  assert.equal(closed, true);
});

test("content that ends early is refused", async () => {
  assert.equal(
    await codeOf(readVerified(chunked(BYTES.subarray(1)), DESCRIPTOR, 100)),
    "SIZE_MISMATCH",
  );
});

test("content of the right size and another digest is refused", async () => {
  assert.equal(
    await codeOf(readVerified(chunked(Buffer.from(BYTES).fill(0, 0, 1)), DESCRIPTOR, 100)),
    "DIGEST_MISMATCH",
  );
});

test("content in one piece is not digested again where it is what is wanted, and is judged as any other where it is not", async () => {
  const whole = new WholeContent(BYTES, DESCRIPTOR.digest);
  assert.equal(await readVerified(whole, DESCRIPTOR, 100), BYTES);
  const others = { ...DESCRIPTOR, digest: digestOf(Buffer.from("hello, another")) };
  assert.equal(await codeOf(readVerified(whole, others, 100)), "DIGEST_MISMATCH");
  assert.equal(
    await codeOf(readVerified(whole, { ...DESCRIPTOR, size: BYTES.byteLength - 1 }, 100)),
    "SIZE_MISMATCH",
  );
  assert.equal(
    await codeOf(readVerified(whole, { ...DESCRIPTOR, size: BYTES.byteLength + 1 }, 100)),
    "SIZE_MISMATCH",
  );
});

test("bytes that are all there make content only where they are what is wanted", async () => {
  assert.equal(verifiedWhole(BYTES, DESCRIPTOR).digest, DESCRIPTOR.digest);
  const codeFor = (bytes: Uint8Array | undefined): Promise<string> =>
    codeOf((async () => verifiedWhole(bytes, DESCRIPTOR))());
  assert.equal(await codeFor(undefined), "SIZE_MISMATCH");
  assert.equal(await codeFor(BYTES.subarray(1)), "SIZE_MISMATCH");
  assert.equal(await codeFor(Buffer.concat([BYTES, BYTES])), "SIZE_MISMATCH");
  assert.equal(await codeFor(Buffer.from(BYTES).fill(0, 0, 1)), "DIGEST_MISMATCH");
});

test("a reader that stops early closes the content", async () => {
  let closed = false;
  const content = (async function* () {
    try {
      yield BYTES;
    } finally {
      closed = true;
    }
  })();
  for await (const _chunk of verified(content, DESCRIPTOR)) break;
  assert.equal(closed, true);
});

test("a blob announced as larger than the limit is refused without asking the store", async () => {
  const store = new MemoryStore();
  const blob = bytesBlob(BYTES, "text/plain");
  assert.equal(await codeOf(readSmall(store, blob.descriptor, 5)), "SIZE_MISMATCH");
  assert.equal(await codeOf(readSmall(store, blob.descriptor, 100)), "BLOB_UNKNOWN");
  await store.pushBlob(blob.descriptor, blob.open);
  assert.deepEqual(Buffer.from(await readSmall(store, blob.descriptor, 100)), BYTES);
});
