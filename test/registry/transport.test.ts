// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import { connect, createServer as createSocketServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { digestOf } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { pushImage } from "../harness/artifacts";
import { authority, tlsClient, tlsServer } from "../harness/certificates";
import { startProxy, type ProxyOptions } from "../harness/proxy";
import { tempDir } from "../harness/temp";
import { failsWith } from "../harness/failure";
import { quickClient, scripted, type Scripted } from "./scripted";

const MANIFEST = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] }),
);
const DIGEST = digestOf(MANIFEST);

function serveManifest(context: TestContext): Promise<Scripted> {
  return scripted(context, (_request, response) => {
    response.writeHead(200, {
      "content-type": MEDIA_TYPES.index,
      "docker-content-digest": DIGEST,
      "content-length": MANIFEST.byteLength,
    });
    response.end(MANIFEST);
  });
}

async function secure(
  context: TestContext,
  overrides: { faults?: ProxyOptions["faults"] & object; hosts?: string[]; clients?: boolean } = {},
) {
  const root = authority();
  const server = tlsServer(root, overrides.hosts === undefined ? {} : { hosts: overrides.hosts });
  const upstream = await serveManifest(context);
  const tls = {
    key: server.keyPem,
    cert: server.pem,
    ...(overrides.clients === true ? { clientCa: root.pem } : {}),
  };
  const proxy = await startProxy({ upstream: upstream.host, tls, faults: overrides.faults ?? [] });
  context.after(() => proxy.stop());
  const folder = tempDir("tls");
  writeFileSync(join(folder, "ca.pem"), root.pem);
  const client = tlsClient(root);
  writeFileSync(join(folder, "client.pem"), client.pem);
  writeFileSync(join(folder, "client-key.pem"), client.keyPem);
  return { proxy, upstream, folder };
}

test("TLS: the registry's own CA is trusted when it is named, from a path relative to the base directory", async (context) => {
  const { proxy, folder } = await secure(context);
  const settings = { [proxy.host]: { caFile: "ca.pem" } };
  assert.equal(
    (
      await quickClient(context, { baseDir: folder, settings })
        .repository(proxy.host, "a")
        .resolve("v1")
    ).digest,
    DIGEST,
  );
  const untrusting = quickClient(context, {
    settings: { [proxy.host]: { plainHttp: false } },
  }).repository(proxy.host, "a");
  await assert.rejects(untrusting.resolve("v1"), failsWith("TLS_FAILED"));
});

test("TLS: a client certificate is shown where it is named", async (context) => {
  const { proxy, folder } = await secure(context, { clients: true });
  const settings = {
    [proxy.host]: { caFile: "ca.pem", certFile: "client.pem", keyFile: "client-key.pem" },
  };
  assert.equal(
    (
      await quickClient(context, { baseDir: folder, settings })
        .repository(proxy.host, "a")
        .resolve("v1")
    ).digest,
    DIGEST,
  );
  const without = quickClient(context, {
    baseDir: folder,
    settings: { [proxy.host]: { caFile: "ca.pem" } },
  }).repository(proxy.host, "a");
  await assert.rejects(without.resolve("v1"), failsWith("TLS_FAILED", "REGISTRY_UNREACHABLE"));
});

test("TLS to a plain HTTP server is refused with a word on plainHttp", async (context) => {
  const server = await serveManifest(context);
  const client = quickClient(context, { settings: { [server.host]: { plainHttp: false } } });
  await assert.rejects(client.repository(server.host, "a").resolve("v1"), /set plainHttp/);
});

test("address: connects elsewhere, while Host and TLS name stay the registry's", async (context) => {
  const { proxy, folder } = await secure(context, { hosts: ["registry.wabbit.example"] });
  const settings = {
    "registry.wabbit.example": { caFile: "ca.pem", address: proxy.host },
    "other.example": { caFile: "ca.pem", address: proxy.host },
  };
  const client = quickClient(context, { baseDir: folder, settings });
  assert.equal(
    (await client.repository("registry.wabbit.example", "a").resolve("v1")).digest,
    DIGEST,
  );
  assert.equal(proxy.requests()[0]?.headers.host, "registry.wabbit.example");
  await assert.rejects(
    client.repository("other.example", "a").resolve("v1"),
    failsWith("TLS_FAILED"),
  );
});

test("address: also for plain HTTP", async (context) => {
  const server = await serveManifest(context);
  const client = quickClient(context, {
    settings: { "registry.wabbit.example": { plainHttp: true, address: server.host } },
  });
  assert.equal(
    (await client.repository("registry.wabbit.example", "a").resolve("v1")).digest,
    DIGEST,
  );
  assert.equal(server.headers[0]?.host, "registry.wabbit.example");
});

/**
 * A forward proxy that knows CONNECT and absolute-form requests, and resolves no names: all goes to
 * `target`.
 */
async function forwardProxy(
  context: TestContext,
  target: string,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const [hostname = "", port = ""] = target.split(":");
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? ""}`);
    const path = new URL(request.url ?? "").pathname;
    request.pipe(
      forward(
        { hostname, port, path, method: request.method, headers: request.headers },
        (upstream) =>
          upstream.pipe(response.writeHead(upstream.statusCode ?? 502, upstream.headers)),
      ),
    );
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"] ?? ""}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream])
      end.on("error", () => [socket, upstream].forEach((s) => s.destroy()));
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://user:pw@127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test("proxy: HTTPS through CONNECT, with the proxy's own credentials, checked against the registry's CA", async (context) => {
  const { proxy, folder } = await secure(context, { hosts: ["registry.wabbit.example"] });
  const { url, asked } = await forwardProxy(context, proxy.host);
  const client = quickClient(context, {
    baseDir: folder,
    settings: { "registry.wabbit.example": { caFile: "ca.pem", proxy: url } },
  });
  assert.equal(
    (await client.repository("registry.wabbit.example", "a").resolve("v1")).digest,
    DIGEST,
  );
  assert.deepEqual(asked, [
    `CONNECT registry.wabbit.example:443 Basic ${Buffer.from("user:pw").toString("base64")}`,
  ]);
  assert.equal(proxy.requests()[0]?.headers["proxy-authorization"], undefined);
});

test("proxy: plain HTTP in absolute form", async (context) => {
  const server = await serveManifest(context);
  const { url, asked } = await forwardProxy(context, server.host);
  const client = quickClient(context, {
    settings: { "registry.wabbit.example": { plainHttp: true, proxy: url } },
  });
  assert.equal(
    (await client.repository("registry.wabbit.example", "a").resolve("v1")).digest,
    DIGEST,
  );
  assert.match(
    asked[0] ?? "",
    /^HEAD http:\/\/registry\.wabbit\.example\/v2\/a\/manifests\/v1 Basic /,
  );
});

test("nobody listens: unreachable, at once", async (context) => {
  const client = quickClient(context);
  await assert.rejects(
    client.repository("127.0.0.1:1", "a").resolve("v1"),
    failsWith("REGISTRY_UNREACHABLE"),
  );
  assert.equal(client.counters.requests(), 1);
});

test("a server that never answers runs into the idle timeout, each try anew", async (context) => {
  const server = await scripted(context, () => {});
  const client = quickClient(context, { limits: { idleTimeoutMs: 300, tries: 2 } });
  await assert.rejects(
    client.repository(server.host, "a").resolve("v1"),
    failsWith("REQUEST_TIMEOUT"),
  );
  assert.equal(server.requests.length, 2);
});

test("a body that drips runs into the request's deadline", async (context) => {
  const server = await scripted(context, (_request, response) => {
    response.writeHead(200, { "content-type": MEDIA_TYPES.index });
    const timer = setInterval(() => response.write(" "), 20);
    response.once("close", () => clearInterval(timer));
  });
  const client = quickClient(context, { limits: { requestTimeoutMs: 300, tries: 2 } });
  await assert.rejects(
    client.repository(server.host, "a").manifest("v1"),
    failsWith("REQUEST_TIMEOUT"),
  );
});

test("an abort ends a request that hangs, also for the one who shares it, but only when both give up", async (context) => {
  let closed = 0;
  const server = await scripted(
    context,
    (_request, response) => void response.once("close", () => (closed += 1)),
  );
  const repository = quickClient(context).repository(server.host, "a");
  const [one, two] = [new AbortController(), new AbortController()];
  const first = repository.resolve("v1", { signal: one.signal });
  const second = repository.resolve("v1", { signal: two.signal });
  setTimeout(() => one.abort(new Error("one")), 30);
  await assert.rejects(first, /one/);
  assert.equal(closed, 0);
  two.abort(new Error("two"));
  await assert.rejects(second, /two/);
  for (const until = Date.now() + 10_000; closed === 0 && Date.now() < until;)
    await new Promise((done) => setTimeout(done, 20));
  assert.equal(closed, 1);
  assert.equal(server.requests.length, 1);
});

test("a connection reset is tried again", async (context) => {
  let connections = 0;
  const server = createSocketServer((socket) => {
    connections += 1;
    socket.on("error", () => {});
    socket.once("data", () =>
      connections < 3
        ? socket.resetAndDestroy()
        : socket.end(
            `HTTP/1.1 404 Not Found\r\ndocker-distribution-api-version: registry/2.0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
          ),
    );
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  context.after(() => server.close());
  const client = quickClient(context);
  await assert.rejects(
    client.repository(`127.0.0.1:${(server.address() as AddressInfo).port}`, "a").resolve("v1"),
    failsWith("MANIFEST_UNKNOWN"),
  );
  assert.equal(client.counters.retries, 2);
});

test("redirects: another origin gets no Authorization, and a return gives it none again", async (context) => {
  const storage = await serveManifest(context);
  const registry = await scripted(context, (request, response) => {
    if (request.headers.authorization === undefined)
      return void response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    response.writeHead(307, { location: `http://${storage.host}/bucket?signature=abc` }).end();
  });
  const client = quickClient(context, {
    settings: { [registry.host]: { username: "u", password: "p" } },
  });
  assert.equal(
    (await client.repository(registry.host, "a").manifest(DIGEST)).descriptor.digest,
    DIGEST,
  );
  assert.deepEqual(storage.requests, ["GET /bucket?signature=abc"]);
  assert.equal(storage.headers[0]?.authorization, undefined);
});

const REFUSED: [string, (host: string) => string | undefined, number][] = [
  ["in a circle", (host) => `http://${host}/v2/a/manifests/v1`, 6],
  ["without Location", () => undefined, 1],
  ["to a file", () => "file:///etc/passwd", 1],
  ["to a URL with user info", () => "http://u:p@127.0.0.1/", 1],
];
for (const [name, location, requests] of REFUSED) {
  test(`redirects ${name} are refused`, async (context) => {
    const server = await scripted(context, (request, response) => {
      const target = location(request.headers.host ?? "");
      response.writeHead(302, target === undefined ? {} : { location: target }).end();
    });
    await assert.rejects(
      quickClient(context).repository(server.host, "a").resolve("v1"),
      failsWith("REDIRECT_REFUSED"),
    );
    assert.equal(server.requests.length, requests);
  });
}

test("redirects from https to http are refused", async (context) => {
  const plain = await serveManifest(context);
  const { proxy, folder } = await secure(context, {
    faults: [{ fault: { kind: "redirect", to: `http://${plain.host}` } }],
  });
  const client = quickClient(context, {
    baseDir: folder,
    settings: { [proxy.host]: { caFile: "ca.pem" } },
  });
  await assert.rejects(
    client.repository(proxy.host, "a").resolve("v1"),
    failsWith("REDIRECT_REFUSED"),
  );
  assert.deepEqual(plain.requests, []);
});

test("a write is not redirected", async (context) => {
  const server = await scripted(
    context,
    (_request, response) => void response.writeHead(307, { location: "/elsewhere" }).end(),
  );
  await assert.rejects(
    pushImage(quickClient(context, { limits: { tries: 1 } }).repository(server.host, "a"), {}),
    failsWith("REDIRECT_REFUSED"),
  );
});

test("a connection is used again after a HEAD", async (context) => {
  const ports = new Set<number | undefined>();
  const server = await scripted(context, (request, response) => {
    ports.add(request.socket.remotePort);
    response.writeHead(200, {
      "content-type": MEDIA_TYPES.index,
      "docker-content-digest": DIGEST,
      "content-length": MANIFEST.byteLength,
    });
    response.end(MANIFEST);
  });
  const repository = quickClient(context).repository(server.host, "a");
  for (let count = 0; count < 5; count += 1) await repository.resolve(`v${count}`);
  assert.deepEqual(
    new Set(server.requests.map((request) => request.split(" ")[0])),
    new Set(["HEAD"]),
  );
  // One may still be settling when the next request comes.
  assert.ok(ports.size <= 2, `${ports.size} connections`);
});

test("no more connections than may be under way at once, and a download that is not read holds back no request", async (context) => {
  const ports = { call: new Set<number | undefined>(), download: new Set<number | undefined>() };
  const layer = Buffer.alloc(4 * 1024 * 1024, 7);
  const server = await scripted(context, (request, response) => {
    const isBlob = request.url?.includes("/blobs/") === true;
    ports[isBlob ? "download" : "call"].add(request.socket.remotePort);
    response.writeHead(
      200,
      isBlob
        ? { "content-length": layer.byteLength }
        : {
            "content-type": MEDIA_TYPES.index,
            "docker-content-digest": DIGEST,
            "content-length": MANIFEST.byteLength,
          },
    );
    response.end(isBlob ? layer : MANIFEST);
  });
  const concurrency = 2;
  const repository = quickClient(context, { limits: { concurrency } }).repository(server.host, "a");
  const target = { mediaType: MEDIA_TYPES.layer, digest: digestOf(layer), size: layer.byteLength };
  const downloads = await Promise.all(
    Array.from({ length: concurrency }, () => repository.blob(target)),
  );
  await Promise.all(Array.from({ length: 40 }, (_, n) => repository.resolve(`v${n}`)));
  assert.deepEqual([ports.call.size, ports.download.size], [concurrency, concurrency]);
  for (const content of downloads) for await (const _chunk of content);
});
