// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { bytesBlob } from "../../provider/content/pack";
import type { Content } from "../../provider/content/storage";
import { readSmall } from "../../provider/content/verify";
import { ConsignError } from "../../provider/errors";
import type { Descriptor } from "../../provider/oci/descriptor";
import { digestOf } from "../../provider/oci/digest";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { RegistryClient, Repository } from "../../provider/registry/index";
import { pushImage } from "../harness/artifacts";
import type { FaultRule } from "../harness/faults";
import {
  registryMissing,
  startRegistry,
  type RegistryKind,
  type TestRegistry,
} from "../harness/registries";
import { failsWith } from "../harness/failure";
import { json, quickClient, scripted } from "./scripted";

const skip = registryMissing("ggcr", "distribution");

async function real(
  context: TestContext,
  kind: RegistryKind = "ggcr",
  limits = {},
): Promise<{ registry: TestRegistry; client: RegistryClient; repository: Repository }> {
  const registry = await startRegistry(kind);
  context.after(() => registry.stop());
  const client = quickClient(context, { limits });
  return { registry, client, repository: client.repository(registry.host, "wabbit/a") };
}

const BLOB = bytesBlob(Buffer.alloc(300_000, "net-monitor "), "application/octet-stream");

test("a download that breaks goes on where it broke", { skip }, async (context) => {
  const { registry, client, repository } = await real(context, "distribution");
  await repository.pushBlob(BLOB.descriptor, BLOB.open);
  registry.setFaults([
    {
      method: "GET",
      path: /blobs/,
      times: 2,
      fault: { kind: "reset", when: "mid-body", bytes: 100_000 },
    },
  ]);
  registry.clear();
  const bytes = await readSmall(repository, BLOB.descriptor, 300_000);
  assert.equal(digestOf(bytes), BLOB.descriptor.digest);
  const ranges = registry.requests("GET", /blobs/).map(({ headers }) => headers.range);
  assert.equal(ranges.length, 3);
  assert.equal(ranges[0], undefined);
  assert.match(ranges[1] ?? "", /^bytes=[1-9]\d*-$/);
  assert.equal(client.counters.retries, 2);
});

test("a download resumes also where the registry ignores Range", async (context) => {
  const bytes = Buffer.alloc(100_000, "0123456789");
  let asked = 0;
  const server = await scripted(context, (_request, response) => {
    response.writeHead(200, { "content-length": bytes.byteLength });
    if (asked++ === 0)
      response.write(bytes.subarray(0, 4), () => setTimeout(() => response.destroy(), 20));
    else response.end(bytes);
  });
  const target = { mediaType: "application/x", digest: digestOf(bytes), size: bytes.byteLength };
  assert.deepEqual(
    Buffer.from(
      await readSmall(quickClient(context).repository(server.host, "a"), target, bytes.byteLength),
    ),
    bytes,
  );
  assert.equal(server.headers[1]?.range, "bytes=4-");
});

test("a small blob that breaks off is read again", { skip }, async (context) => {
  const small = bytesBlob(Buffer.alloc(40_000, "net-monitor "), "application/octet-stream");
  const { registry, repository } = await real(context);
  await repository.pushBlob(small.descriptor, small.open);
  registry.setFaults([
    {
      method: "GET",
      path: /blobs/,
      nth: 1,
      fault: { kind: "reset", when: "mid-body", bytes: 10_000 },
    },
  ]);
  assert.equal((await readSmall(repository, small.descriptor, 40_000)).byteLength, 40_000);
  assert.equal(registry.requests("GET", /blobs/).length, 2);
});

test("a download without any progress is given up after 5 tries", async (context) => {
  const server = await scripted(context, (_request, response) => {
    response.writeHead(200, { "content-length": 10 }).flushHeaders();
    setTimeout(() => response.destroy(), 5);
  });
  const target = { mediaType: "application/x", digest: digestOf("0123456789"), size: 10 };
  await assert.rejects(
    readSmall(quickClient(context).repository(server.host, "a"), target, 10),
    failsWith("REGISTRY_UNREACHABLE"),
  );
  assert.equal(server.requests.length, 5);
});

const DAMAGES: [string, FaultRule["fault"], "DIGEST_MISMATCH" | "SIZE_MISMATCH"][] = [
  ["one bit is flipped", { kind: "corrupt" }, "DIGEST_MISMATCH"],
  ["bytes follow", { kind: "longBody" }, "SIZE_MISMATCH"],
  [
    "bytes are missing, and the length says so",
    { kind: "shortBody", honest: true },
    "SIZE_MISMATCH",
  ],
];
for (const [name, fault, code] of DAMAGES) {
  test(`a blob is refused where ${name}`, { skip }, async (context) => {
    const { registry, repository } = await real(context);
    await repository.pushBlob(BLOB.descriptor, BLOB.open);
    registry.setFaults([{ method: "GET", path: /blobs/, fault }]);
    await assert.rejects(readSmall(repository, BLOB.descriptor, 300_000), failsWith(code));
  });
}

test("a blob that is opened and never read gives its place back", { skip }, async (context) => {
  const { repository } = await real(context, "ggcr", { concurrency: 1, idleTimeoutMs: 100 });
  await repository.pushBlob(BLOB.descriptor, BLOB.open);
  const unread = await repository.blob(BLOB.descriptor);
  assert.equal((await readSmall(repository, BLOB.descriptor, 300_000)).byteLength, 300_000);
  let size = 0;
  for await (const chunk of unread) size += chunk.byteLength;
  assert.equal(size, 300_000, "and can be read later all the same");
});

test(
  "a copy inside one registry of concurrency 1 does not block itself",
  { skip },
  async (context) => {
    const { registry, client, repository } = await real(context, "ggcr", { concurrency: 1 });
    await repository.pushBlob(BLOB.descriptor, BLOB.open);
    const target = client.repository(registry.host, "acme/b");
    assert.equal(
      await target.pushBlob(BLOB.descriptor, () => repository.blob(BLOB.descriptor), {
        absent: true,
      }),
      true,
    );
  },
);

for (const [name, fault, size] of [
  ["is broken in one piece", { kind: "reset", when: "before" }, 1e9],
  ["is broken and goes on in chunks", { kind: "reset", when: "before" }, 1000],
  ["lost its answer", { kind: "reset", when: "before", forwarded: true }, 1e9],
  [
    "lost its answer, and would go on in chunks",
    { kind: "reset", when: "before", forwarded: true },
    1000,
  ],
  ["met a 503", { kind: "status", status: 503 }, 1e9],
  ["met a 503, and goes on in chunks", { kind: "status", status: 503 }, 1000],
] as const) {
  test(`a push that ${name} is completed`, { skip }, async (context) => {
    const { registry, client, repository } = await real(context, "distribution", {
      chunkedFromBytes: size,
      chunkBytes: 100_000,
    });
    registry.setFaults([{ method: "PUT|PATCH", nth: 1, fault }]);
    assert.equal(await repository.pushBlob(BLOB.descriptor, BLOB.open, { absent: true }), true);
    registry.setFaults([]);
    assert.equal((await readSmall(repository, BLOB.descriptor, 300_000)).byteLength, 300_000);
    assert.ok(client.counters.retries >= 1);
  });
}

test(
  "what fails in the source is the source's error, and is not tried again",
  { skip },
  async (context) => {
    const { registry, repository } = await real(context);
    async function* broken(): Content {
      yield Buffer.alloc(1000);
      throw new ConsignError("DIGEST_MISMATCH", "the source lies");
    }
    await assert.rejects(
      repository.pushBlob(BLOB.descriptor, async () => broken(), { absent: true }),
      /the source lies/,
    );
    assert.ok(registry.requests("POST").length <= 1);
  },
);

test("what is too large for one request goes in chunks, at least as large as the registry wants", async (context) => {
  const ranges: string[] = [];
  let received = 0;
  const server = await scripted(context, (request, response, body) => {
    if (request.method === "PATCH") {
      ranges.push(String(request.headers["content-range"]));
      received += body.byteLength;
      return void response
        .writeHead(202, {
          location: `/up/${ranges.length}?state=a%2Bb`,
          range: `0-${received - 1}`,
        })
        .end();
    }
    if (request.method === "POST")
      return void response
        .writeHead(202, { location: "/up/0?state=a%2Bb", "oci-chunk-min-length": "200000" })
        .end();
    if (request.method === "GET") return void response.writeHead(204, { range: "0-0" }).end();
    response.writeHead(body.byteLength > 200_000 ? 413 : 201).end();
  });
  const repository = quickClient(context, {
    limits: { chunkedFromBytes: 1, chunkBytes: 10 },
  }).repository(server.host, "a");
  await repository.pushBlob(BLOB.descriptor, BLOB.open, { absent: true });
  assert.deepEqual(ranges, ["0-199999", "200000-299999"]);
  assert.equal(
    server.requests.at(-1),
    `PUT /up/2?state=a%2Bb&digest=${encodeURIComponent(BLOB.descriptor.digest)}`,
  );
});

test("two who push one blob at once send it once", { skip }, async (context) => {
  const { registry, repository } = await real(context);
  const sent = await Promise.all(
    [1, 2, 3].map(() => repository.pushBlob(BLOB.descriptor, BLOB.open)),
  );
  assert.deepEqual(sent.sort(), [false, false, true]);
  assert.equal(registry.requests("POST").length, 1);
});

test("a blob of 256 MiB streams through without being held", { skip }, async (context) => {
  const { repository } = await real(context, "distribution", { chunkedFromBytes: 1e12 });
  const chunk = Buffer.alloc(1024 * 1024, 3);
  async function* content(): Content {
    for (let i = 0; i < 256; i += 1) yield chunk;
  }
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  for (let i = 0; i < 256; i += 1) hash.update(chunk);
  const target: Descriptor = {
    mediaType: "application/x",
    digest: `sha256:${hash.digest("hex")}`,
    size: 256 * chunk.byteLength,
  };
  const before = process.memoryUsage().rss;
  await repository.pushBlob(target, async () => content(), { absent: true });
  for await (const piece of await repository.blob(target)) assert.ok(piece.byteLength > 0);
  const grown = (process.memoryUsage().rss - before) / 1024 / 1024;
  context.diagnostic(`${grown.toFixed(0)} MiB more memory`);
  assert.ok(grown < 150);
});

const MANIFEST = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] }),
);
const DIGEST = digestOf(MANIFEST);

const LIES: [string, Record<string, string>, Buffer, string, Parameters<typeof failsWith>[0]][] = [
  [
    "other bytes under a digest",
    {},
    Buffer.concat([MANIFEST, Buffer.from(" ")]),
    DIGEST,
    "DIGEST_MISMATCH",
  ],
  [
    "a header with another digest",
    { "docker-content-digest": digestOf("x") },
    MANIFEST,
    DIGEST,
    "REGISTRY_RESPONSE_INVALID",
  ],
  [
    "a header with another digest, under a tag",
    { "docker-content-digest": digestOf("x") },
    MANIFEST,
    "v1",
    "REGISTRY_RESPONSE_INVALID",
  ],
  [
    "a header that is no digest",
    { "docker-content-digest": "sha256:abc" },
    MANIFEST,
    "v1",
    "REGISTRY_RESPONSE_INVALID",
  ],
  [
    "a web page",
    { "content-type": "text/html" },
    Buffer.from("<html>"),
    "v1",
    "REGISTRY_RESPONSE_INVALID",
  ],
  ["no JSON", {}, Buffer.from("{"), "v1", "MANIFEST_INVALID"],
  [
    "another media type inside",
    { "content-type": MEDIA_TYPES.manifest },
    MANIFEST,
    "v1",
    "MANIFEST_INVALID",
  ],
  ["more than 4 MiB", {}, Buffer.alloc(4 * 1024 * 1024 + 1, " "), "v1", "MANIFEST_TOO_LARGE"],
];
for (const [name, headers, body, target, code] of LIES) {
  test(`a manifest is refused: ${name}`, async (context) => {
    const server = await scripted(
      context,
      (_request, response) =>
        void response.writeHead(200, { "content-type": MEDIA_TYPES.index, ...headers }).end(body),
    );
    await assert.rejects(
      quickClient(context).repository(server.host, "a").manifest(target),
      failsWith(code),
    );
  });
}

test("a HEAD without Docker-Content-Digest is followed by a GET", async (context) => {
  const server = await scripted(
    context,
    (_request, response) =>
      void response
        .writeHead(200, {
          "content-type": MEDIA_TYPES.index,
          "content-length": MANIFEST.byteLength,
        })
        .end(MANIFEST),
  );
  assert.equal(
    (await quickClient(context).repository(server.host, "a").resolve("v1")).digest,
    DIGEST,
  );
  assert.deepEqual(server.requests, ["HEAD /v2/a/manifests/v1", "GET /v2/a/manifests/v1"]);
});

test(
  "nothing is asked twice until it is forgotten, and manifests not even then",
  { skip },
  async (context) => {
    const { registry, client, repository } = await real(context);
    const image = await pushImage(repository, { tag: "v1" });
    const fresh = quickClient(context).repository(registry.host, "wabbit/a");
    registry.clear();
    const look = async (): Promise<void> => {
      await Promise.all([
        fresh.manifest("v1"),
        fresh.manifest("v1"),
        fresh.manifest(image.descriptor),
        fresh.tags(),
        fresh.tags(),
        fresh.referrers(image.descriptor.digest),
      ]);
      await fresh.resolve("v1");
      await fresh.has(image.descriptor);
    };
    await look();
    const first = registry.requests().length;
    assert.ok(first <= 4, `${first} requests`);
    await look();
    assert.equal(registry.requests().length, first);
    fresh.forget();
    registry.clear();
    await look();
    assert.equal(registry.requests("GET", /manifests\/sha256/).length, 0);
    assert.equal(registry.requests("GET", /tags\/list/).length, 1);
    const two = await pushImage(repository, { layers: ["two"] });
    await repository.tag(two, "v1");
    assert.equal(
      (await repository.resolve("v1")).digest,
      two.descriptor.digest,
      "a write of ours is seen at once",
    );
    assert.ok(client.counters.requests(registry.host) > 0);
  },
);

test("a manifest that is accepted and lost is pushed again", { skip }, async (context) => {
  const { registry, client, repository } = await real(context);
  registry.setFaults([
    { method: "PUT", path: /manifests/, nth: 1, fault: { kind: "status", status: 201 } },
  ]);
  const image = await pushImage(repository);
  assert.equal(client.counters.repairs, 1);
  repository.forget();
  assert.equal(await repository.has(image.descriptor), true);
});

test("a registry that loses every manifest is not believed", { skip }, async (context) => {
  const { registry, repository } = await real(context);
  registry.setFaults([
    { method: "PUT", path: /manifests/, fault: { kind: "status", status: 201 } },
  ]);
  await assert.rejects(pushImage(repository), failsWith("READ_BACK_FAILED"));
});

test("a tag that stays where it was is not believed to have moved", { skip }, async (context) => {
  const { registry, repository } = await real(context);
  const one = await pushImage(repository, { layers: ["one"], tag: "v1" });
  const two = await pushImage(repository, { layers: ["two"] });
  registry.setFaults([
    { method: "PUT", path: /manifests\/v1/, fault: { kind: "status", status: 201 } },
  ]);
  await assert.rejects(
    repository.tag(two, "v1", { expected: one.descriptor.digest }),
    failsWith("READ_BACK_FAILED"),
  );
});

test("a tag that moves between look and write is left alone where the registry knows If-Match", async (context) => {
  const server = await scripted(context, (request, response) => {
    if (request.method === "PUT")
      return void response.writeHead(request.headers["if-match"] === '"one"' ? 412 : 500).end();
    const digest = digestOf(
      String(server.requests.filter((line) => line.startsWith("PUT")).length),
    );
    response
      .writeHead(200, {
        "content-type": MEDIA_TYPES.index,
        "content-length": 9,
        "docker-content-digest": digest,
        etag: '"one"',
      })
      .end();
  });
  const repository = quickClient(context).repository(server.host, "a");
  const manifest = {
    kind: "index",
    descriptor: { mediaType: MEDIA_TYPES.index, digest: DIGEST, size: MANIFEST.byteLength },
    bytes: MANIFEST,
    value: { schemaVersion: 2, manifests: [] },
  } as const;
  await assert.rejects(
    repository.tag({ ...manifest, value: { schemaVersion: 2, manifests: [] } }, "v1", {
      expected: digestOf("0"),
    }),
    failsWith("TAG_MOVED"),
  );
});

test("a tag goes along with a digest by sha512 where the registry takes it so", async (context) => {
  const manifest = parseManifest(MANIFEST, MEDIA_TYPES.index, digestOf(MANIFEST, "sha512"));
  const { digest } = manifest.descriptor;
  let tagged = false;
  const server = await scripted(context, (request, response) => {
    if (request.method === "PUT") tagged = true;
    if (request.method === "PUT")
      return void response
        .writeHead(201, { "docker-content-digest": digest, "oci-tag": "v1" })
        .end();
    if (!tagged)
      return void response
        .writeHead(404, { "docker-distribution-api-version": "registry/2.0" })
        .end();
    response
      .writeHead(200, {
        "content-type": MEDIA_TYPES.index,
        "content-length": MANIFEST.byteLength,
        "docker-content-digest": digest,
      })
      .end();
  });
  await quickClient(context)
    .repository(server.host, "a")
    .tag(manifest, "v1", { expected: undefined });
  assert.deepEqual(
    server.requests.filter((line) => line.startsWith("PUT")),
    [`PUT /v2/a/manifests/${digest}?tag=v1`],
  );
});

test("a push to a repository that does not exist says so", async (context) => {
  const server = await scripted(context, (request, response) =>
    request.url === "/v2/"
      ? json(response, 200, {})
      : json(response, 404, { errors: [{ code: "NAME_UNKNOWN", message: "no such repository" }] }),
  );
  await assert.rejects(
    quickClient(context).repository(server.host, "a").pushBlob(BLOB.descriptor, BLOB.open),
    /create the repository first/,
  );
});
