// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { failsWith } from "../harness/failure";
import { json, quickClient, scripted } from "./scripted";

const DIGEST = `sha256:${"a".repeat(64)}` as const;
const HTML = { "content-type": "text/html" };
const page = "<h1>404 page not found</h1>";

test("a gateway that answers 404 to everything is no registry: nothing is known to be gone", async (context) => {
  const server = await scripted(
    context,
    (_request, response) => void response.writeHead(404, HTML).end(page),
  );
  const store = quickClient(context, { limits: { mutableCacheMs: 0 } }).repository(
    server.host,
    "a",
  );
  await assert.rejects(store.resolve("v1"), failsWith("REGISTRY_RESPONSE_INVALID"));
  await assert.rejects(store.manifest(DIGEST), failsWith("REGISTRY_RESPONSE_INVALID"));
  await assert.rejects(store.tags(), failsWith("REGISTRY_RESPONSE_INVALID"));
  await assert.rejects(store.referrers(DIGEST), failsWith("REGISTRY_RESPONSE_INVALID"));
  await assert.rejects(
    store.deleteManifest({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: DIGEST,
      size: 2,
    }),
    failsWith("REGISTRY_RESPONSE_INVALID"),
  );
  for (const size of [2, 1_000_000]) {
    const blob = { mediaType: "application/x", digest: DIGEST, size };
    await assert.rejects(store.has(blob), failsWith("REGISTRY_RESPONSE_INVALID"));
    await assert.rejects(store.blob(blob), failsWith("REGISTRY_RESPONSE_INVALID"));
    await assert.rejects(store.deleteBlob(blob), failsWith("REGISTRY_RESPONSE_INVALID"));
  }
  assert.equal(server.requests.filter((request) => request === "GET /v2/").length, 1, "asked once");
});

test("nor is one that shows a page at /v2/, or one that speaks JSON of its own", async (context) => {
  for (const status of [200, 404]) {
    const server = await scripted(context, (request, response) =>
      request.url === "/v2/"
        ? void response.writeHead(status, HTML).end(page)
        : json(response, 404, { message: "no Route matched" }),
    );
    const store = quickClient(context).repository(server.host, "a");
    await assert.rejects(store.manifest(DIGEST), failsWith("REGISTRY_RESPONSE_INVALID"));
  }
});

test("a registry that says so is believed at once, by its header or its list of errors", async (context) => {
  const server = await scripted(context, (request, response) => {
    if (request.method === "HEAD")
      return void response
        .writeHead(404, { "docker-distribution-api-version": "registry/2.0" })
        .end();
    json(response, 404, { errors: [{ code: "NAME_UNKNOWN", message: "no such repository" }] });
  });
  const store = quickClient(context).repository(server.host, "a");
  await assert.rejects(store.resolve("v1"), failsWith("MANIFEST_UNKNOWN"));
  await assert.rejects(store.manifest(DIGEST), failsWith("MANIFEST_UNKNOWN"));
  assert.deepEqual(await store.tags(), []);
  assert.ok(!server.requests.includes("GET /v2/"));
});

test("a bare 404 is believed where /v2/ is answered as a registry does, also when it wants credentials", async (context) => {
  for (const [status, headers, body] of [
    [200, {}, ""],
    [200, {}, "{}"],
    [
      401,
      {
        "www-authenticate": 'Bearer realm="https://auth.example/token"',
        "docker-distribution-api-version": "registry/2.0",
      },
      "no",
    ],
  ] as const) {
    const server = await scripted(context, (request, response) =>
      request.url === "/v2/"
        ? void response.writeHead(status, headers).end(body)
        : void response.writeHead(404).end(),
    );
    const store = quickClient(context).repository(server.host, "a");
    await assert.rejects(store.resolve("v1"), failsWith("MANIFEST_UNKNOWN"));
    await assert.rejects(store.resolve("v2"), failsWith("MANIFEST_UNKNOWN"));
    assert.equal(server.requests.filter((request) => request === "GET /v2/").length, 1);
  }
});

test("where that cannot be told either, it is asked again the next time", async (context) => {
  let broken = true;
  const server = await scripted(
    context,
    (request, response) =>
      void response.writeHead(request.url !== "/v2/" ? 404 : broken ? 500 : 200).end(),
  );
  const store = quickClient(context, { limits: { mutableCacheMs: 0 } }).repository(
    server.host,
    "a",
  );
  await assert.rejects(store.resolve("v1"), failsWith("REGISTRY_FAILED"));
  broken = false;
  await assert.rejects(store.resolve("v1"), failsWith("MANIFEST_UNKNOWN"));
});

test("a blob that HEAD finds and GET does not is not taken for gone", async (context) => {
  const blob = { mediaType: "application/x", digest: DIGEST, size: 1 };
  const server = await scripted(
    context,
    (request, response) =>
      void response
        .writeHead(request.method === "HEAD" ? 200 : 404, {
          "content-length": request.method === "HEAD" ? "1" : "0",
        })
        .end(),
  );
  await assert.rejects(
    quickClient(context).repository(server.host, "a").blob(blob),
    failsWith("REGISTRY_RESPONSE_INVALID"),
  );
});

test("a removal that is answered 404 is believed of what is not found after it, and asked for again of what is", async (context) => {
  const registry = { "docker-distribution-api-version": "registry/2.0" };
  for (const refusals of [1, 2]) {
    let left = refusals;
    const server = await scripted(context, (request, response) => {
      if (request.method === "DELETE")
        return void response.writeHead(left-- > 0 ? 404 : 202, registry).end();
      response.writeHead(request.method === "HEAD" ? 200 : 404, {
        ...registry,
        ...(request.method === "HEAD"
          ? {
              "content-type": "application/vnd.oci.image.manifest.v1+json",
              "content-length": "2",
              "docker-content-digest": DIGEST,
            }
          : {}),
      });
      response.end();
    });
    const store = quickClient(context).repository(server.host, "a");
    const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: DIGEST };
    const removed = store.deleteManifest({ ...target, size: 2 });
    if (refusals === 1) await removed;
    else await assert.rejects(removed, failsWith("REGISTRY_RESPONSE_INVALID"));
    left = refusals;
    await store.deleteBlob({ ...target, size: 2 });
    assert.equal(left, refusals - 2, "asked twice");
  }
});

test("a tag that is there after its removal was accepted is removed once more, and no more", async (context) => {
  for (const kept of [1, 2]) {
    let deletions = 0;
    const server = await scripted(context, (request, response) => {
      if (request.method === "DELETE") return void response.writeHead((deletions++, 202)).end();
      const isThere = deletions <= kept;
      response
        .writeHead(isThere || request.url === "/v2/" ? 200 : 404, {
          "docker-distribution-api-version": "registry/2.0",
          "content-type": "application/vnd.oci.image.manifest.v1+json",
          "content-length": "2",
          "docker-content-digest": DIGEST,
        })
        .end(request.method === "HEAD" ? undefined : "{}");
    });
    const removed = quickClient(context).repository(server.host, "a").untag("v1");
    if (kept === 1) await removed;
    else await assert.rejects(removed, failsWith("REGISTRY_UNSUPPORTED"));
    assert.equal(deletions, 2);
  }
});
