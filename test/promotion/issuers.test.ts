// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { failsWith } from "../harness/failure";
import { claim, publish, quickParty, trustOf } from "../harness/memory-world";
import { acme, NOW, PromotionWorld, wabbit } from "./world";

test("a promotion takes issuers with their roots: a namesake under another lifts no revocation", async () => {
  const world = new PromotionWorld();
  const namesake = quickParty("Wabbit Networks");
  const v1 = await publish(world.source, "v1", wabbit);
  const said = { type: "revocation", audience: "public" } as const;
  const { manifest } = await claim(
    world.source,
    { ...said, subject: v1, predicate: { target: v1.digest, reason: "CVE" } },
    wabbit,
  );
  const { descriptor } = manifest;
  await claim(
    world.source,
    { ...said, subject: descriptor, predicate: { target: descriptor.digest, reason: "let me" } },
    namesake,
  );
  const identity = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
  const args = (entry: unknown) =>
    world.args(v1, NOW, {
      trust: trustOf(wabbit, acme, namesake),
      lifecycleIssuers: { revocation: [entry] },
    });
  const life = world.life();
  for (const entry of [identity, { identity, roots: [wabbit.root.pem] }])
    await assert.rejects(life.up(args(entry)), failsWith("VERIFICATION_UNMET"));
  const both = { identity, roots: [wabbit.root.pem, namesake.root.pem] };
  assert.equal(await life.up(args(both)), "create");
  assert.equal(await life.up(args(both)), "same");
});
