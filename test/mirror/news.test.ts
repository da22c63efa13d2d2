// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { mirror } from "../../provider/mirror/mirror";
import { Life } from "../harness/life";
import { claim, MemoryStores, publish, quickParty } from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
const FROM = "registry.example/wabbit/app";
const ARGS = { source: FROM, destinations: ["registry.example/acme/app"] };

test("what was said upstream about an artifact that is mirrored already is told in words, once", async () => {
  const stores = new MemoryStores();
  const life = new Life(mirror, { folder: "/nonexistent", world: { stores } });
  const artifact = await publish(stores.at(FROM), "v1", wabbit, "v1");
  const says = (type: string, predicate: unknown) =>
    claim(stores.at(FROM), { type, subject: artifact, predicate, audience: "public" }, wabbit);
  await says("endOfLife", { date: "2031-01-01" });
  await life.up(ARGS);
  assert.deepEqual(life.warnings, [], "what comes with the artifact is in the plan");

  await says("revocation", {
    target: artifact.digest,
    reason: "CVE-2026-2000:\u001b[31m\nremote code execution",
    since: "2026-02-01T00:00:00Z",
  });
  await says("redirect", { to: "registry.example/wabbit/app:v2" });
  await says("endOfLife", { date: "2030-06-30", reason: "superseded by v2" });
  const { op } = await life.preview(ARGS);
  assert.equal(op, "update");
  const name = `mirror of ${FROM}: v1 ${artifact.digest.slice(0, 19)}…`;
  assert.deepEqual(life.warnings.toSorted(), [
    `${name} ends its life upstream on 2030-06-30: superseded by v2`,
    `${name} is redirected upstream to registry.example/wabbit/app:v2`,
    `${name} is revoked upstream from 2026-02-01T00:00:00Z on: CVE-2026-2000: [31m remote code execution`,
  ]);
  await life.up(ARGS);
  assert.equal(await life.up(ARGS), "same");
  assert.deepEqual(life.warnings, [], "it is no news any more");
});
