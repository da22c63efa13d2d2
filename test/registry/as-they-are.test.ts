// SPDX-License-Identifier: Apache-2.0
// What registries answer beside the specification, and what becomes of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../provider/oci/digest";
import { withOwnScheme } from "../../provider/registry/own-scheme";
import { pushImage } from "../harness/artifacts";
import { answerError, answerJson, FakeRegistry } from "../harness/fake-registry";
import { failsWith } from "../harness/failure";
import { quickClient } from "./scripted";

for (const status of [400, 413]) {
  test(`a page size that is refused with ${status} is left to the registry, and all pages are read`, async (context) => {
    const registry = await FakeRegistry.start(context, ({ path, query }, response) => {
      if (!path.endsWith("/tags/list")) return false;
      if (query.includes("n=1000")) answerError(response, status, "PAGINATION_NUMBER_INVALID");
      else if (query === "")
        answerJson(response, 200, { tags: ["a"] }, { link: `<${path}?last=a>; rel=next` });
      else answerJson(response, 200, { tags: ["b"] });
      return true;
    });
    const repository = quickClient(context).repository(registry.host, "app");
    assert.deepEqual(await repository.tags(), ["a", "b"]);
  });
}

test("a blob behind a URL that is signed for GET is there", async (context) => {
  const store = await FakeRegistry.start(context, ({ method }, response) => {
    response.writeHead(method === "GET" ? 206 : 403, { "content-length": "1" });
    response.end(method === "GET" ? "x" : undefined);
    return true;
  });
  const registry = await FakeRegistry.start(context, ({ path }, response) => {
    if (!path.includes("/blobs/sha256:")) return false;
    response.writeHead(307, { location: `http://${store.host}/signed` }).end();
    return true;
  });
  const repository = quickClient(context).repository(registry.host, "app");
  const blob = { mediaType: "application/x", digest: digestOf("xyz"), size: 3 };
  assert.equal(await repository.has(blob), true);
});

test("content goes to another host by https alone", async (context) => {
  const registry = await FakeRegistry.start(context, ({ method, query }, response) => {
    if (method !== "POST") return false;
    if (query.includes("digest=")) answerError(response, 501, "UNSUPPORTED");
    else response.writeHead(202, { location: "http://elsewhere.example/upload" }).end();
    return true;
  });
  await assert.rejects(
    pushImage(quickClient(context).repository(registry.host, "app")),
    failsWith("REDIRECT_REFUSED"),
  );
  assert.ok(registry.asked(/^PUT/).length === 0);
});

test("a registry that does not know of the TLS in front of it is met at its own address", () => {
  const origin = new URL("https://r.example");
  const cases: [string, string][] = [
    ["http://r.example/v2/", "https://r.example/v2/"],
    ["http://r.example:5000/v2/", "http://r.example:5000/v2/"],
    ["http://other.example/v2/", "http://other.example/v2/"],
    ["https://r.example/v2/", "https://r.example/v2/"],
  ];
  for (const [url, expected] of cases)
    assert.equal(withOwnScheme(new URL(url), origin).href, expected);
});

test("a token is asked for with a scope that names the repository otherwise, and allows no more", async (context) => {
  const asked: (string | null)[][] = [];
  const registry = await FakeRegistry.start(context, ({ path, query, headers }, response) => {
    if (path === "/token") {
      asked.push(new URLSearchParams(query).getAll("scope"));
      answerJson(response, 200, { token: `t${asked.length}` });
      return true;
    }
    if (headers.authorization === "Bearer t2") return false;
    const challenge = `Bearer realm="http://${registry.host}/token",scope="repository:cache/app:pull repository:other:delete"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  });
  registry.tags.set("v1", digestOf("x"));
  const repository = quickClient(context).repository(registry.host, "app");
  await repository.tags().catch(() => undefined);
  assert.deepEqual(await repository.tags({ fresh: true }), ["v1"]);
  assert.deepEqual(asked.at(-1), ["repository:app:pull", "repository:cache/app:pull"]);
});
