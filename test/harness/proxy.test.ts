// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { basicGate, startTokenServer } from "./authentication";
import { digestOf } from "../../provider/oci/digest";
import { noReferrersApi, type Fault, type FaultRule } from "./faults";
import { startProxy, type Proxy } from "./proxy";

describe("a proxy that misbehaves", () => {
  let reached: string[] = [];
  const server = createServer((request, response) => {
    reached.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(200, {
      "content-type": "text/plain",
      "content-length": "10",
      "docker-content-digest": "sha256:real",
      ...(request.url === "/v2/one/x" ? { location: "/v2/one/x/uploads/1" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : "0123456789");
  });
  let proxy: Proxy;

  before(async () => {
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    proxy = await startProxy({ upstream: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
  after(async () => {
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    reached = [];
    proxy.clear();
    proxy.setFaults([]);
  });

  const once = (fault: Fault): void => proxy.setFaults([{ times: 1, fault }]);
  const get = (path = "/v2/x", init?: RequestInit): Promise<Response> =>
    fetch(proxy.origin + path, init);

  test("passes everything on when told nothing", async () => {
    const answer = await get("/v2/x?y=z", { method: "POST", body: "hello" });
    assert.equal(await answer.text(), "0123456789");
    assert.deepEqual(reached, ["POST /v2/x?y=z"]);
    const [seen] = proxy.requests();
    assert.deepEqual([seen?.sent, seen?.received, seen?.status], [5, 10, 200]);
  });

  test("answers with a status instead of, or after, the registry", async () => {
    once({ kind: "status", status: 503 });
    assert.equal((await get()).status, 503);
    assert.deepEqual(reached, []);
    once({ kind: "status", status: 500, forwarded: true });
    assert.equal((await get()).status, 500);
    assert.deepEqual(reached, ["GET /v2/x"]);
    assert.equal((await get()).status, 200);
  });

  test("limits the rate, with Retry-After in seconds or as a date", async () => {
    once({ kind: "rateLimit", retryAfter: 7 });
    const limited = await get();
    assert.deepEqual([limited.status, limited.headers.get("retry-after")], [429, "7"]);
    once({ kind: "rateLimit", retryAfter: new Date(0) });
    assert.equal((await get()).headers.get("retry-after"), "Thu, 01 Jan 1970 00:00:00 GMT");
  });

  for (const when of ["before", "after-headers", "mid-body"] as const) {
    test(`breaks the connection: ${when}`, async () => {
      once({ kind: "reset", when });
      await assert.rejects(get().then((answer) => answer.text()));
      assert.equal(reached.length, when === "before" ? 0 : 1);
      assert.equal(await (await get()).text(), "0123456789");
    });
  }

  test("can break the connection after the registry did its work", async () => {
    once({ kind: "reset", when: "before", forwarded: true });
    await assert.rejects(get("/v2/x", { method: "PUT", body: "x" }));
    assert.deepEqual(reached, ["PUT /v2/x"]);
    assert.equal(proxy.requests()[0]?.status, 0);
  });

  test("shortens, lengthens and corrupts bodies", async () => {
    once({ kind: "shortBody", drop: 3 });
    await assert.rejects(get().then((answer) => answer.text()));
    once({ kind: "shortBody", drop: 3, honest: true });
    assert.equal(await (await get()).text(), "0123456");
    once({ kind: "longBody", extra: "!" });
    assert.equal(await (await get()).text(), "0123456789!");
    once({ kind: "corrupt", at: -1 });
    assert.equal(await (await get()).text(), "0123456788");
  });

  test("lies in headers and leaves them out", async () => {
    once({
      kind: "setHeaders",
      headers: { "Docker-Content-Digest": "sha256:lie", "Content-Type": "application/lie" },
    });
    const lie = await get();
    assert.deepEqual(
      [lie.headers.get("docker-content-digest"), lie.headers.get("content-type")],
      ["sha256:lie", "application/lie"],
    );
    once({ kind: "dropHeaders", names: ["Docker-Content-Digest"] });
    assert.equal(
      (await get("/v2/x", { method: "HEAD" })).headers.get("docker-content-digest"),
      null,
    );
  });

  test("redirects to another origin, where it is seen whether credentials arrived", async (context) => {
    const other = await startProxy({
      upstream: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    context.after(() => other.stop());
    once({ kind: "redirect", to: other.origin });
    const answer = await get("/v2/a", { headers: { authorization: "Basic eDp5" } });
    assert.equal(await answer.text(), "0123456789");
    assert.equal(proxy.requests()[0]?.headers.authorization, "Basic eDp5");
    assert.equal(other.requests("GET", /^\/v2\/a$/)[0]?.headers.authorization, undefined);
  });

  test("waits, and hangs", async () => {
    once({ kind: "delay", ms: 120 });
    const began = performance.now();
    await get();
    assert.ok(performance.now() - began >= 110);
    once({ kind: "hang" });
    await assert.rejects(get("/v2/x", { signal: AbortSignal.timeout(100) }), {
      name: "TimeoutError",
    });
  });

  test("strikes by method, path and count; the first rule that applies wins, all count", async () => {
    proxy.setFaults([
      { method: "GET|HEAD", path: /blobs/, nth: [2, 3], fault: { kind: "status", status: 500 } },
      { path: /blobs/, nth: 4, fault: { kind: "status", status: 404 } },
      noReferrersApi,
    ]);
    const statuses: number[] = [];
    for (const path of ["/blobs/1", "/blobs/2", "/blobs/3", "/blobs/4", "/referrers/x"])
      statuses.push((await get(path)).status);
    assert.deepEqual(statuses, [200, 500, 500, 404, 404]);
  });

  test("puts another body in place of the real one, and says that it has the right digest", async () => {
    once({ kind: "rewrite", body: (original) => original.subarray(0, 3) });
    const answer = await get();
    assert.equal(await answer.text(), "012");
    assert.deepEqual(
      ["content-length", "docker-content-digest"].map((name) => answer.headers.get(name)),
      ["3", digestOf("012")],
    );
  });

  test("strikes from a request on, and where a function says", async () => {
    proxy.setFaults([
      {
        from: 2,
        where: (method, path) => method === "GET" && path.endsWith("/b"),
        fault: { kind: "status", status: 500 },
      },
    ]);
    const statuses = [];
    for (const path of ["/v2/a", "/v2/b", "/v2/a", "/v2/b", "/v2/b"])
      statuses.push((await get(path)).status);
    assert.deepEqual(statuses, [200, 200, 200, 500, 500]);
  });

  test("calls repositories by other names behind it", async () => {
    const renaming = await startProxy({
      upstream: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      rename: {
        behind: (path) => path.replace("/v2/", "/v2/one/"),
        inFront: (value) => value.replace("/v2/one/", "/v2/"),
      },
    });
    const answer = await fetch(`${renaming.origin}/v2/x`);
    await renaming.stop();
    assert.deepEqual(reached, ["GET /v2/one/x"]);
    assert.equal(answer.headers.get("location"), "/v2/x/uploads/1");
    assert.deepEqual(
      renaming.requests().map(({ path }) => path),
      ["/v2/x"],
    );
  });

  test("a seed decides where a probable fault strikes", async () => {
    const rules: FaultRule[] = [{ probability: 0.5, fault: { kind: "status", status: 500 } }];
    const sequence = async (): Promise<number[]> => {
      proxy.setFaults(rules);
      const statuses: number[] = [];
      for (let i = 0; i < 24; i++) statuses.push((await get()).status);
      return statuses;
    };
    const first = await sequence();
    assert.deepEqual(await sequence(), first);
    assert.ok(first.includes(200) && first.includes(500));
  });

  test("asks for a name and a password", async (context) => {
    const guarded = await startProxy({
      upstream: proxy.host,
      gates: [basicGate({ ada: "pass:word" })],
    });
    context.after(() => guarded.stop());
    const basic = (pair: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(pair).toString("base64")}`,
    });
    assert.equal(
      (await fetch(`${guarded.origin}/v2/`)).headers.get("www-authenticate"),
      'Basic realm="consign test"',
    );
    assert.equal(
      (await fetch(`${guarded.origin}/v2/`, { headers: basic("ada:wrong") })).status,
      401,
    );
    assert.equal(
      (await fetch(`${guarded.origin}/v2/`, { headers: basic("ada:pass:word") })).status,
      200,
    );
  });

  test("sends clients to a token server, and wants the scope that the request needs", async (context) => {
    const tokens = await startTokenServer({
      users: { ada: "secret", bob: "hidden" },
      actions: { ada: ["pull"], bob: ["pull", "push"] },
    });
    const guarded = await startProxy({ upstream: proxy.host, gates: [tokens.gate] });
    context.after(async () => {
      await guarded.stop();
      await tokens.stop();
    });
    const put = { method: "PUT", body: "x" };
    const challenge = await fetch(`${guarded.origin}/v2/team/app/manifests/v1`, put);
    assert.equal(
      challenge.headers.get("www-authenticate"),
      `Bearer realm="${tokens.realm}",service="consign-test",scope="repository:team/app:pull,push"`,
    );
    const tokenFor = async (pair: string): Promise<string> => {
      const url = `${tokens.realm}?service=consign-test&scope=repository:team/app:pull,push`;
      const answer = await fetch(url, {
        headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` },
      });
      return ((await answer.json()) as { token: string }).token;
    };
    const status = async (token: string, init: RequestInit): Promise<number> =>
      (
        await fetch(`${guarded.origin}/v2/team/app/manifests/v1`, {
          ...init,
          headers: { authorization: `Bearer ${token}` },
        })
      ).status;
    const [ada, bob] = [await tokenFor("ada:secret"), await tokenFor("bob:hidden")];
    assert.deepEqual(
      [await status(ada, {}), await status(ada, put), await status(bob, put)],
      [200, 401, 200],
    );
    assert.equal((await fetch(tokens.realm)).status, 401, "anonymous is off");
    assert.deepEqual(
      tokens.requests().map(({ user, status: code }) => [user, code]),
      [
        ["ada", 200],
        ["bob", 200],
        [undefined, 401],
      ],
    );
    tokens.revokeAll();
    assert.equal(await status(bob, {}), 401);
  });
});
