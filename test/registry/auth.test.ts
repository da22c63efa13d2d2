// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { bytesBlob } from "../../provider/content/pack";
import { isConsignError } from "../../provider/errors";
import type { RegistryClient } from "../../provider/registry/index";
import { pushImage } from "../harness/artifacts";
import {
  basicGate,
  startTokenServer,
  type TokenServer,
  type TokenServerOptions,
} from "../harness/authentication";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { failsWith } from "../harness/failure";
import { json, quickClient, scripted } from "./scripted";

const USERS = { wabbit: "carrot-4711", reader: "look-only" };
const skip = registryMissing("ggcr");

async function tokenRegistry(
  context: TestContext,
  options: Partial<TokenServerOptions> = {},
): Promise<{ tokens: TokenServer; registry: TestRegistry }> {
  const tokens = await startTokenServer({ users: USERS, ...options });
  const registry = await startRegistry("ggcr", { gates: [tokens.gate] });
  context.after(async () => {
    await registry.stop();
    await tokens.stop();
  });
  return { tokens, registry };
}

function login(
  context: TestContext,
  host: string,
  username: keyof typeof USERS = "wabbit",
  password = USERS[username],
): RegistryClient {
  return quickClient(context, { settings: { [host]: { username, password } } });
}

test(
  "Basic: the first 401 is answered, later requests carry the credentials at once",
  { skip },
  async (context) => {
    const registry = await startRegistry("ggcr", { gates: [basicGate(USERS)] });
    context.after(() => registry.stop());
    await pushImage(login(context, registry.host).repository(registry.host, "wabbit/a"), {
      tag: "v1",
    });
    assert.equal(registry.requests().filter(({ status }) => status === 401).length <= 2, true);
    registry.clear();
    const repository = login(context, registry.host, "wabbit", "wrong").repository(
      registry.host,
      "wabbit/a",
    );
    await assert.rejects(repository.resolve("v1"), failsWith("REGISTRY_UNAUTHORIZED"));
    assert.equal(registry.requests().length, 2);
    await assert.rejects(
      quickClient(context).repository(registry.host, "wabbit/a").resolve("v1"),
      failsWith("REGISTRY_UNAUTHORIZED"),
    );
  },
);

test("Bearer: scopes are ours, tokens are shared and asked for once", { skip }, async (context) => {
  const { tokens, registry } = await tokenRegistry(context);
  const client = login(context, registry.host);
  const repository = client.repository(registry.host, "wabbit/a");
  const image = await pushImage(repository, { tag: "v1" });
  const blob = bytesBlob(Buffer.from("mounted"), "application/x");
  await repository.pushBlob(blob.descriptor, blob.open);
  await client
    .repository(registry.host, "acme/b")
    .pushBlob(blob.descriptor, blob.open, { from: repository, absent: true });
  await repository.deleteManifest(image.descriptor);
  const asked = tokens.requests().map(({ scopes }) => scopes.join(" "));
  assert.deepEqual(asked.sort(), [...new Set(asked)].sort(), "no token was asked for twice");
  assert.deepEqual(
    new Set(asked),
    new Set([
      "repository:wabbit/a:pull",
      "repository:wabbit/a:pull,push",
      "repository:acme/b:pull,push repository:wabbit/a:pull",
      "repository:acme/b:pull,push",
      "repository:wabbit/a:delete",
    ]),
  );
  assert.ok(
    tokens.requests().every(({ service, user }) => service === "consign-test" && user === "wabbit"),
  );
});

test("Bearer: 20 requests at once share one token request", { skip }, async (context) => {
  const { tokens, registry } = await tokenRegistry(context);
  const repository = login(context, registry.host).repository(registry.host, "wabbit/a");
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      assert.rejects(repository.resolve(`v${i}`), failsWith("MANIFEST_UNKNOWN")),
    ),
  );
  assert.equal(tokens.requests().length, 1);
});

test(
  "Bearer: a revoked token is replaced once and the request succeeds",
  { skip },
  async (context) => {
    const { tokens, registry } = await tokenRegistry(context);
    const repository = login(context, registry.host).repository(registry.host, "wabbit/a");
    const image = await pushImage(repository, { tag: "v1" });
    tokens.revokeAll();
    repository.forget();
    assert.equal((await repository.resolve("v1")).digest, image.descriptor.digest);
  },
);

for (const [kind, size, opens] of [
  ["streamed", 5_000_000, 2],
  ["small, buffered", 100_000, 1],
] as const) {
  test(`Bearer: a ${kind} push survives a token that dies under it`, { skip }, async (context) => {
    const { tokens, registry } = await tokenRegistry(context);
    const repository = login(context, registry.host).repository(registry.host, "wabbit/a");
    const blob = bytesBlob(Buffer.alloc(size, 1), "application/x");
    let opened = 0;
    const open = async (): ReturnType<typeof blob.open> => {
      if (opened++ === 0) tokens.revokeAll();
      return blob.open();
    };
    assert.equal(await repository.pushBlob(blob.descriptor, open), true);
    assert.equal(opened, opens, "read again only where it was not held");
  });
}

test("Bearer: a token expires when the service says so", { skip }, async (context) => {
  const { tokens, registry } = await tokenRegistry(context, { lifetime: 1, field: "access_token" });
  const repository = login(context, registry.host).repository(registry.host, "wabbit/a");
  await assert.rejects(repository.resolve("v1"), failsWith("MANIFEST_UNKNOWN"));
  await new Promise((done) => setTimeout(done, 950));
  registry.clear();
  await assert.rejects(repository.resolve("v2"), failsWith("MANIFEST_UNKNOWN"));
  assert.equal(tokens.requests().length, 2);
  assert.deepEqual(
    registry.requests().map(({ status }) => status),
    [404],
    "the old token was not sent",
  );
});

test("Bearer: rights that are missing, wrong credentials, and none", { skip }, async (context) => {
  const { tokens, registry } = await tokenRegistry(context, {
    actions: { reader: ["pull"] },
    anonymous: ["pull"],
  });
  await pushImage(login(context, registry.host).repository(registry.host, "wabbit/a"), {
    tag: "v1",
  });
  const reader = login(context, registry.host, "reader").repository(registry.host, "wabbit/a");
  const manifest = await reader.manifest("v1");
  await assert.rejects(reader.tag(manifest, "v2"), failsWith("REGISTRY_UNAUTHORIZED"));
  const anonymous = quickClient(context).repository(registry.host, "wabbit/a");
  await anonymous.resolve("v1");
  assert.equal(tokens.requests().at(-1)?.user, undefined);
  const wrong = login(context, registry.host, "wabbit", "not-it").repository(
    registry.host,
    "wabbit/a",
  );
  await assert.rejects(
    wrong.resolve("v1"),
    (error) => isConsignError(error, "REGISTRY_UNAUTHORIZED") && !error.message.includes("not-it"),
  );
});

test("an identity token is used as OAuth 2 refresh token", { skip }, async (context) => {
  const { tokens, registry } = await tokenRegistry(context);
  const folder = tempDir("docker");
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ auths: { [registry.host]: { auth: "", identitytoken: USERS.wabbit } } }),
  );
  const repository = quickClient(context, { env: { DOCKER_CONFIG: folder } }).repository(
    registry.host,
    "wabbit/a",
  );
  await pushImage(repository, { tag: "v1" });
  assert.ok(tokens.requests().every(({ method, user }) => method === "POST" && user === "wabbit"));
});

test("a token service without OAuth 2 is asked by GET", async (context) => {
  const server = await scripted(context, (request, response) => {
    if (request.url.startsWith("/token")) {
      if (request.method === "POST") return void response.writeHead(405).end();
      return json(response, 200, { token: "T" });
    }
    if (request.headers.authorization === "Bearer T")
      return void response
        .writeHead(404, { "docker-distribution-api-version": "registry/2.0" })
        .end();
    response
      .writeHead(401, {
        "www-authenticate": `Basic realm="x", Bearer realm="http://${request.headers.host}/token",service="s"`,
      })
      .end();
  });
  const folder = tempDir("docker");
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({
      auths: {
        [`https://${server.host}/v1/`]: {
          auth: Buffer.from("u:").toString("base64"),
          identitytoken: "refresh-me",
        },
      },
    }),
  );
  await assert.rejects(
    quickClient(context, { env: { DOCKER_CONFIG: folder } })
      .repository(server.host, "a")
      .resolve("v1"),
    failsWith("MANIFEST_UNKNOWN"),
  );
  assert.deepEqual(
    server.requests.map((line) => line.split("?")[0]),
    ["HEAD /v2/a/manifests/v1", "POST /token", "GET /token", "HEAD /v2/a/manifests/v1"],
  );
  assert.equal(
    server.headers[2]?.authorization,
    `Basic ${Buffer.from("u:refresh-me").toString("base64")}`,
  );
});

for (const realm of [
  "http://token.example/token",
  "ftp://127.0.0.1/token",
  "https://user:pass@token.example/",
  "not a url",
]) {
  test(`credentials are not sent to the realm "${realm}"`, async (context) => {
    const server = await scripted(
      context,
      (_request, response) =>
        void response
          .writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="s"` })
          .end(),
    );
    await assert.rejects(
      login(context, server.host).repository(server.host, "a").resolve("v1"),
      failsWith("REGISTRY_RESPONSE_INVALID"),
    );
    assert.equal(server.requests.length, 1);
  });
}

for (const [name, answer] of [
  ["no JSON", "<html>"],
  ["no token", "{}"],
  ["a token with blanks", '{"token":"a b"}'],
] as const) {
  test(`a token service that answers with ${name} is refused`, async (context) => {
    const server = await scripted(context, (request, response) => {
      if (request.url.startsWith("/token")) return void response.end(answer);
      response
        .writeHead(401, {
          "www-authenticate": `Bearer realm="http://${request.headers.host}/token"`,
        })
        .end();
    });
    await assert.rejects(
      login(context, server.host).repository(server.host, "a").resolve("v1"),
      failsWith("REGISTRY_RESPONSE_INVALID"),
    );
  });
}

for (const lifetime of [0, -1, "300"]) {
  test(`a token is taken although it expires in ${JSON.stringify(lifetime)}`, async (context) => {
    const server = await scripted(context, (request, response) => {
      if (request.url.startsWith("/token"))
        return json(response, 200, { token: "T", expires_in: lifetime });
      if (request.headers.authorization === "Bearer T")
        return json(response, 200, { tags: ["v1"] });
      response
        .writeHead(401, {
          "www-authenticate": `Bearer realm="http://${request.headers.host}/token"`,
        })
        .end();
    });
    const repository = login(context, server.host).repository(server.host, "a");
    assert.deepEqual(await repository.tags(), ["v1"]);
    repository.forget();
    await repository.tags();
    assert.equal(
      server.requests.filter((line) => line.includes("/token")).length,
      1,
      "asked for once",
    );
  });
}

test("a token service that redirects gets no second request", async (context) => {
  const server = await scripted(context, (request, response) => {
    if (request.url.startsWith("/token"))
      return void response.writeHead(302, { location: "/elsewhere" }).end();
    response
      .writeHead(401, { "www-authenticate": `Bearer realm="http://${request.headers.host}/token"` })
      .end();
  });
  await assert.rejects(
    login(context, server.host).repository(server.host, "a").resolve("v1"),
    failsWith("REDIRECT_REFUSED"),
  );
  assert.equal(server.requests.length, 2);
});
