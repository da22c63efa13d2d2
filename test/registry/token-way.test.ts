// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { json, quickClient, scripted, type Scripted } from "./scripted";

interface Service {
  /** Lifetime of a token, in seconds. */
  expires: number;
  download: (digest: string, range: string | undefined, response: ServerResponse) => void;
  /** An upload is answered when this is over. */
  uploaded?: Promise<void>;
}

/** A registry that gives its tokens itself, under the same origin, as many do. */
function registry(
  context: TestContext,
  { expires, download, uploaded }: Service,
): Promise<Scripted> {
  return scripted(
    context,
    async (request: IncomingMessage & { url: string; method: string }, response) => {
      const { host, authorization, range } = request.headers;
      if (request.url.startsWith("/token"))
        return json(response, 200, { token: "t", expires_in: expires });
      if (authorization === undefined)
        return json(
          response,
          401,
          {},
          { "www-authenticate": `Bearer realm="http://${host}/token",service="s"` },
        );
      if (request.method === "HEAD") return void response.writeHead(404).end();
      if (request.method === "POST")
        return void response.writeHead(202, { location: "/v2/b/blobs/uploads/1" }).end();
      if (request.method !== "PUT")
        return download(request.url.split("/").at(-1) ?? "", range, response);
      await uploaded;
      response.writeHead(201).end();
    },
  );
}

const LARGE = 8 * 1024 * 1024;
const LIMITS = { requestTimeoutMs: 3_000, idleTimeoutMs: 5_000, tries: 2 };

for (const concurrency of [1, 2]) {
  test(`downloads that break when their token has expired go on although all of the ${concurrency} uploads that they feed wait for them`, async (context) => {
    const layers = Array.from({ length: concurrency }, (_, n) => Buffer.alloc(LARGE, n + 1));
    const server = await registry(context, {
      expires: 1,
      download: (digest, range, response) => {
        const layer = layers.find((each) => digestOf(each) === digest) ?? Buffer.alloc(0);
        const from = Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
        response.writeHead(range === undefined ? 200 : 206, {
          "content-length": LARGE - from,
          ...(range === undefined
            ? {}
            : { "content-range": `bytes ${from}-${LARGE - 1}/${LARGE}` }),
        });
        if (range !== undefined) return void response.end(layer.subarray(from));
        response.write(layer.subarray(0, 1024 * 1024));
        void sleep(1_300).then(() => response.destroy());
      },
    });
    const client = quickClient(context, { limits: { ...LIMITS, concurrency } });
    const [from, to] = [client.repository(server.host, "a"), client.repository(server.host, "b")];
    const pushed = layers.map((layer) => {
      const target = { mediaType: MEDIA_TYPES.layer, digest: digestOf(layer), size: LARGE };
      return to.pushBlob(target, () => from.blob(target), { absent: true });
    });
    assert.deepEqual(
      await Promise.all(pushed),
      layers.map(() => true),
    );
    assert.equal(
      server.requests.filter((request) => request.startsWith("PUT")).length,
      concurrency,
    );
  });
}

test("a token is had while as many uploads as may be under way wait for their answers", async (context) => {
  const concurrency = 2;
  const small = Buffer.from("small");
  let finish = (): void => {};
  const uploaded = new Promise<void>((resolve) => (finish = resolve));
  const server = await registry(context, {
    expires: 300,
    uploaded,
    download: (_digest, _range, response) =>
      void response.writeHead(200, { "content-length": small.byteLength }).end(small),
  });
  const client = quickClient(context, { limits: { ...LIMITS, concurrency } });
  const layers = Array.from({ length: concurrency }, (_, n) => Buffer.alloc(LARGE, n + 1));
  const to = client.repository(server.host, "b");
  async function* content(layer: Buffer): AsyncGenerator<Uint8Array> {
    yield layer;
  }
  const pushed = Promise.all(
    layers.map((layer) =>
      to.pushBlob(
        { mediaType: MEDIA_TYPES.layer, digest: digestOf(layer), size: LARGE },
        async () => content(layer),
        { absent: true },
      ),
    ),
  );
  try {
    while (server.requests.filter((request) => request.startsWith("PUT")).length < concurrency)
      await sleep(5);
    const read: Uint8Array[] = [];
    for await (const chunk of await client
      .repository(server.host, "c")
      .blob({ mediaType: MEDIA_TYPES.config, digest: digestOf(small), size: small.byteLength }))
      read.push(chunk);
    assert.deepEqual(Buffer.concat(read), small);
  } finally {
    finish();
  }
  assert.deepEqual(await pushed, [true, true]);
});
