// SPDX-License-Identifier: Apache-2.0
// A quota that is used up, by a registry that does not say until when:
// https://github.com/regclient/regclient/issues/711
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerError, FakeRegistry } from "../harness/fake-registry";
import { failsWith } from "../harness/failure";
import { quickClient } from "./scripted";

test("the first request that finds a quota used up ends its siblings, and those that come soon", async (context) => {
  let isRefused = true;
  const registry = await FakeRegistry.start(context, (_asked, response) => {
    if (isRefused) answerError(response, 429, "TOOMANYREQUESTS");
    return isRefused;
  });
  const client = quickClient(context, { limits: { backoffMs: 50, backoffCapMs: 400 } });
  const repository = client.repository(registry.host, "app");
  const began = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, (_, at) => repository.resolve(`v${at}`)),
  );
  const tookMs = performance.now() - began;
  for (const outcome of outcomes)
    assert.ok(outcome.status === "rejected" && failsWith("REGISTRY_RATE_LIMITED")(outcome.reason));
  assert.ok(registry.requests.length <= 120, `${registry.requests.length} requests`);
  context.diagnostic(`${registry.requests.length} requests, ${Math.round(tookMs)} ms`);
  const before = registry.requests.length;
  await assert.rejects(repository.resolve("v31"), /none is made for 2 s/);
  assert.equal(registry.requests.length, before);
  isRefused = false;
  await new Promise((done) => setTimeout(done, 1700));
  await assert.rejects(repository.resolve("v32"), failsWith("MANIFEST_UNKNOWN"));
});

test("a reset that is hours away is not waited for, and told", async (context) => {
  const registry = await FakeRegistry.start(context, (_asked, response) => {
    response.writeHead(429, { "ratelimit-reset": "7200" }).end();
    return true;
  });
  const repository = quickClient(context).repository(registry.host, "app");
  await assert.rejects(repository.resolve("v1"), /asks to wait 7200 s/);
  assert.equal(registry.requests.length, 1);
});
