// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConsignError } from "../../provider/errors";
import { DEFAULT_LIMITS } from "../../provider/registry/index";
import { Gate } from "../../provider/registry/transport/gate";
import { backoff, retried, retryAfter, Transient } from "../../provider/registry/transport/retry";
import { digestOf } from "../../provider/oci/digest";
import { failsWith } from "../harness/failure";
import { json, quickClient, scripted } from "./scripted";

const LIMITS = { ...DEFAULT_LIMITS, backoffMs: 1, backoffCapMs: 4 };
const failure = (retryAfterMs?: number): Transient =>
  new Transient(new ConsignError("REGISTRY_FAILED", "down"), retryAfterMs);

test("a transient failure is tried 5 times, then its error is thrown", async () => {
  let tries = 0;
  await assert.rejects(
    retried(async () => {
      tries += 1;
      throw failure();
    }, LIMITS),
    failsWith("REGISTRY_FAILED"),
  );
  assert.equal(tries, 5);
});

test("any other failure is thrown at once", async () => {
  let tries = 0;
  const attempt = async (): Promise<void> => {
    tries += 1;
    throw new ConsignError("REGISTRY_DENIED", "no");
  };
  await assert.rejects(retried(attempt, LIMITS), failsWith("REGISTRY_DENIED"));
  assert.equal(tries, 1);
});

test("a wait longer than the bound is not begun, and the error says how long it would be", async () => {
  const attempt = async (): Promise<void> => {
    throw failure(301_000);
  };
  await assert.rejects(retried(attempt, LIMITS), /asks to wait 301 s, and at most 300 s/);
});

test("all waits together are bounded", async () => {
  const waits: number[] = [];
  const attempt = async (): Promise<void> => {
    throw failure(40);
  };
  await assert.rejects(
    retried(attempt, { ...LIMITS, waitMs: 100 }, { onWait: (_, ms) => waits.push(ms) }),
    failsWith("REGISTRY_FAILED"),
  );
  assert.deepEqual(waits, [40, 40]);
});

test("the backoff doubles from 250 ms to the cap of 5 s, with jitter", () => {
  for (const [tried, most] of [
    [0, 250],
    [1, 500],
    [4, 4000],
    [5, 5000],
    [30, 5000],
  ] as const) {
    const ms = backoff(tried, DEFAULT_LIMITS);
    assert.ok(ms >= most / 2 && ms <= most, `${tried}: ${ms}`);
  }
});

test("Retry-After is read as seconds and as a date", () => {
  const now = Date.UTC(2026, 0, 1);
  assert.equal(retryAfter("7", now), 7000);
  assert.equal(retryAfter("Thu, 01 Jan 2026 00:01:30 GMT", now), 90_000);
  assert.equal(retryAfter("Thursday, 01-Jan-26 00:01:30 GMT", now), 90_000);
  assert.equal(retryAfter("Thu, 01 Jan 2020 00:00:00 GMT", now), 0);
  for (const junk of ["", "soon", "-5", "1.5", undefined])
    assert.equal(retryAfter(junk, now), undefined, String(junk));
});

test("an aborted wait ends with the signal's reason", async () => {
  const controller = new AbortController();
  const attempt = async (): Promise<void> => {
    setTimeout(() => controller.abort(new Error("enough")), 5);
    throw failure(60_000);
  };
  await assert.rejects(retried(attempt, LIMITS, { signal: controller.signal }), /enough/);
});

test("a gate lets so many in at once, and an aborted one leaves the queue", async () => {
  const gate = new Gate(1);
  const leave = await gate.enter("call");
  const leaveDownload = await gate.enter("download");
  const controller = new AbortController();
  const second = gate.enter("call", controller.signal);
  const third = gate.enter("call");
  controller.abort(new Error("gone"));
  await assert.rejects(second, /gone/);
  leave();
  leave();
  (await third)();
  leaveDownload();
});

test("requestsPerSecond spaces requests out", async () => {
  const gate = new Gate(8, 50);
  const started = performance.now();
  await Promise.all(Array.from({ length: 6 }, () => gate.turn()));
  assert.ok(performance.now() - started >= 95);
});

for (const [name, header] of [
  ["seconds", () => "1"],
  ["a date", () => new Date(Date.now() + 2000).toUTCString()],
] as const) {
  test(`a 429 with Retry-After in ${name} holds back every request of the registry`, async (context) => {
    const arrivals: number[] = [];
    const server = await scripted(context, (_request, response) => {
      arrivals.push(performance.now());
      if (arrivals.length === 1)
        return json(
          response,
          429,
          { errors: [{ code: "TOOMANYREQUESTS" }] },
          { "retry-after": header() },
        );
      response.writeHead(404, { "docker-distribution-api-version": "registry/2.0" }).end();
    });
    const repository = quickClient(context).repository(server.host, "a");
    const blob = (text: string) => ({
      mediaType: "application/x",
      digest: digestOf(text),
      size: 1,
    });
    const first = repository.has(blob("one"));
    await new Promise((done) => setTimeout(done, 100));
    await Promise.all([first, repository.has(blob("two"))]);
    assert.equal(arrivals.length, 3);
    const [limited = 0, ...later] = arrivals;
    for (const at of later) assert.ok(at - limited >= 950, `${at - limited} ms`);
  });
}

for (const status of [408, 429, 500, 502, 503, 504]) {
  test(`${status} is retried, and given up after 5 tries`, async (context) => {
    const server = await scripted(context, (_request, response) =>
      json(response, status, { errors: [] }),
    );
    const codes = { 408: "REQUEST_TIMEOUT", 429: "REGISTRY_RATE_LIMITED" } as const;
    const expected = status in codes ? codes[status as keyof typeof codes] : "REGISTRY_FAILED";
    await assert.rejects(
      quickClient(context).repository(server.host, "a").resolve("v1"),
      failsWith(expected),
    );
    assert.equal(server.requests.length, 5);
  });
}

for (const [status, code] of [
  [400, "REGISTRY_FAILED"],
  [401, "REGISTRY_UNAUTHORIZED"],
  [403, "REGISTRY_DENIED"],
  [405, "REGISTRY_UNSUPPORTED"],
  [501, "REGISTRY_UNSUPPORTED"],
  [404, "MANIFEST_UNKNOWN"],
] as const) {
  test(`${status} is not retried: ${code}`, async (context) => {
    const server = await scripted(context, (_request, response) =>
      json(response, status, { errors: [] }, { "docker-distribution-api-version": "registry/2.0" }),
    );
    await assert.rejects(
      quickClient(context).repository(server.host, "a").resolve("v1"),
      failsWith(code),
    );
    assert.equal(server.requests.length, 1);
  });
}
