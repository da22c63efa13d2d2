// SPDX-License-Identifier: Apache-2.0
// A referrers route that fails alone. Harbor before 2.8 answers 401 without a challenge, others 403,
// 410 and 501, and GHCR leads to another host: https://github.com/artifacthub/hub/issues/4785
import assert from "node:assert/strict";
import { test } from "node:test";
import { pushImage, pushReferrer } from "../harness/artifacts";
import { answerError, FakeRegistry, withReferrersApi, type Quirk } from "../harness/fake-registry";
import { failsWith } from "../harness/failure";
import { quickClient } from "./scripted";

const answers =
  (status: number, code: string): Quirk =>
  ({ path }, response) => {
    if (!path.includes("/referrers/")) return false;
    answerError(response, status, code);
    return true;
  };

for (const [status, code] of [
  [401, "UNAUTHORIZED"],
  [403, "DENIED"],
  [410, "UNSUPPORTED"],
  [500, "UNKNOWN"],
] as const) {
  test(`a referrers route that answers ${status} alone: copies ask the fallback tag, verdicts are told nothing`, async (context) => {
    const registry = await FakeRegistry.start(context);
    const writer = quickClient(context, { settings: { [registry.host]: { referrers: "tag" } } });
    const image = await pushImage(writer.repository(registry.host, "app"), { tag: "v1" });
    const referrer = await pushReferrer(writer.repository(registry.host, "app"), image.descriptor);
    registry.quirks.push(answers(status, code));
    const repository = quickClient(context, { limits: { tries: 2 } }).repository(
      registry.host,
      "app",
    );
    const told: string[] = [];
    const listed = await repository.referrers(image.descriptor.digest, {
      unproven: (why) => told.push(why),
    });
    assert.deepEqual(
      listed.map(({ digest }) => digest),
      [referrer.descriptor.digest],
    );
    assert.equal(told.length, 1);
    await assert.rejects(
      repository.referrers(image.descriptor.digest),
      failsWith("REFERRERS_UNKNOWN", "REGISTRY_UNAUTHORIZED", "REGISTRY_DENIED", "REGISTRY_FAILED"),
    );
    registry.requests.length = 0;
    await repository.referrers(referrer.descriptor.digest, { unproven: (why) => told.push(why) });
    assert.deepEqual(
      registry.asked(/referrers/),
      [],
      "one that failed is not asked for each subject",
    );
    assert.equal(told.length, 2);
  });
}

test("a route that was seen to work is no such route", async (context) => {
  const registry = await FakeRegistry.start(context);
  const repository = quickClient(context, { limits: { tries: 2, mutableCacheMs: 0 } }).repository(
    registry.host,
    "app",
  );
  let isBroken = false;
  registry.quirks.push(
    (asked, response) => isBroken && answers(500, "UNKNOWN")(asked, response),
    withReferrersApi(registry),
  );
  const image = await pushImage(repository, { tag: "v1" });
  await repository.referrers(image.descriptor.digest);
  isBroken = true;
  await assert.rejects(
    repository.referrers(image.descriptor.digest, { unproven: () => assert.fail("proven") }),
    failsWith("REGISTRY_FAILED"),
  );
});

test("another host's 429 pauses nobody, and is not waited for by a copy", async (context) => {
  const registry = await FakeRegistry.start(context);
  const other = await FakeRegistry.start(context, (_asked, response) => {
    response.writeHead(429, { "retry-after": "60" }).end();
    return true;
  });
  registry.quirks.push(({ path }, response) => {
    if (!path.includes("/referrers/")) return false;
    response.writeHead(303, { location: `http://${other.host}/elsewhere` }).end();
    return true;
  });
  const repository = quickClient(context).repository(registry.host, "app");
  const began = performance.now();
  const image = await pushImage(repository, { tag: "v1" });
  let told = 0;
  assert.deepEqual(
    await repository.referrers(image.descriptor.digest, { unproven: () => void told++ }),
    [],
  );
  await repository.resolve("v1", { fresh: true });
  assert.equal(told, 1);
  assert.equal(other.requests.length, 2);
  assert.ok(performance.now() - began < 10_000);
});

test("a registry that refuses everything is not read by its fallback tags", async (context) => {
  const registry = await FakeRegistry.start(context, (_asked, response) => {
    answerError(response, 403, "DENIED");
    return true;
  });
  const repository = quickClient(context).repository(registry.host, "app");
  await assert.rejects(
    repository.referrers(`sha256:${"1".repeat(64)}`, { unproven: () => assert.fail("told") }),
    failsWith("REGISTRY_DENIED"),
  );
});

test("a referrer that is pushed where nobody can tell is listed under the fallback tag", async (context) => {
  const registry = await FakeRegistry.start(context, answers(403, "DENIED"));
  const repository = quickClient(context).repository(registry.host, "app");
  const image = await pushImage(repository, { tag: "v1" });
  const referrer = await pushReferrer(repository, image.descriptor);
  const tag = image.descriptor.digest.replace(":", "-");
  const list = registry.manifests.get(registry.tags.get(tag) ?? "");
  assert.ok(list?.bytes.toString().includes(referrer.descriptor.digest));
});
