// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesBlob } from "../../provider/content/pack";
import { json, quickClient, scripted } from "./scripted";

test("what is too large for one request goes in chunks, also where it is not large otherwise", async (context) => {
  const blob = bytesBlob(Buffer.alloc(300_000, 7), "application/x");
  let received = 0;
  let puts = 0;
  const server = await scripted(context, (request, response, body) => {
    if (request.method === "PATCH") {
      received += body.byteLength;
      return void response.writeHead(202, { location: "/up/1", range: `0-${received - 1}` }).end();
    }
    if (request.method === "POST") return void response.writeHead(202, { location: "/up/0" }).end();
    if (request.method === "HEAD")
      return void response
        .writeHead(404, { "docker-distribution-api-version": "registry/2.0" })
        .end();
    if (request.method === "GET") return void response.writeHead(204, { range: "0-0" }).end();
    puts += 1;
    response.writeHead(body.byteLength > 200_000 ? 413 : 201).end();
  });
  // The default is 64 MiB and 16 MiB.
  const repository = quickClient(context, {
    limits: { chunkedFromBytes: 640_000, chunkBytes: 160_000 },
  }).repository(server.host, "a");
  await repository.pushBlob(blob.descriptor, blob.open, { absent: true });
  assert.equal(received, 300_000);
});

for (const [name, header] of [
  ["0 seconds", () => "0"],
  [
    "a date that has passed, by a clock that is ahead",
    () => new Date(Date.now() - 60_000).toUTCString(),
  ],
] as const) {
  test(`a 429 with Retry-After of ${name} is not tried again without any wait`, async (context) => {
    const started = performance.now();
    let asked = 0;
    const server = await scripted(context, (_request, response) => {
      asked += 1;
      if (performance.now() - started < 300)
        return json(
          response,
          429,
          { errors: [{ code: "TOOMANYREQUESTS" }] },
          { "retry-after": header() },
        );
      json(response, 200, { name: "a", tags: ["v1"] });
    });
    const repository = quickClient(context, {
      limits: { backoffMs: 100, backoffCapMs: 400 },
    }).repository(server.host, "a");
    assert.deepEqual(await repository.tags(), ["v1"]);
  });
}

test("a download that breaks while the registry's quota is used up survives it, as other requests do", async (context) => {
  const blob = bytesBlob(Buffer.alloc(300_000, 7), "application/x");
  let gets = 0;
  const server = await scripted(context, (request, response) => {
    if (request.method !== "GET") return json(response, 404, {});
    gets += 1;
    if (gets === 1) {
      response.writeHead(200, { "content-length": "300000" });
      response.write(Buffer.alloc(100_000, 7));
      setTimeout(() => response.destroy(), 50);
      return;
    }
    if (gets <= 7)
      return json(response, 429, { errors: [{ code: "TOOMANYREQUESTS" }] }, { "retry-after": "1" });
    const from = Number(/bytes=(\d+)-/.exec(String(request.headers.range))?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-range": `bytes ${from}-299999/300000`,
      "content-length": String(300_000 - from),
    });
    response.end(Buffer.alloc(300_000 - from, 7));
  });
  const repository = quickClient(context).repository(server.host, "a");
  let size = 0;
  for await (const chunk of await repository.blob(blob.descriptor)) size += chunk.byteLength;
  assert.equal(size, 300_000);
});
