// SPDX-License-Identifier: Apache-2.0
// What was said against an artifact counts until it is gone, also where a list leaves it out by now.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../provider/content/storage";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import type { Life } from "../harness/life";
import { failsWith } from "../harness/failure";
import { claim, publish } from "../harness/memory-world";
import { day, PromotionWorld, wabbit } from "./world";

/** A world whose lists leave out what is hidden, as who writes a fallback tag can. */
function hiding(): { world: PromotionWorld; hidden: Set<Digest> } {
  const world = new PromotionWorld();
  const hidden = new Set<Digest>();
  world.stores.wrap = (behind) =>
    new Proxy<Store>(behind, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name === "referrers")
          return async (subject: Digest) =>
            (await target.referrers(subject)).filter(({ digest }) => !hidden.has(digest));
        return typeof member === "function"
          ? (member as (...args: unknown[]) => unknown).bind(target)
          : member;
      },
    });
  return { world, hidden };
}

async function say(
  store: Store,
  type: "revocation" | "endOfLife",
  subject: Descriptor,
): Promise<Descriptor> {
  const predicate =
    type === "revocation" ? { target: subject.digest, reason: "CVE" } : { date: "2016-01-01" };
  const { manifest } = await claim(store, { type, subject, predicate, audience: "public" }, wabbit);
  return manifest.descriptor;
}

const isRevoked = (life: Life): boolean => life.outputs["revoked"] !== undefined;

for (const at of ["source", "to"] as const)
  test(`what a refresh has seen at the ${at === "to" ? "destination" : "source"} is remembered until it is gone`, async () => {
    const { world, hidden } = hiding();
    const v1 = await publish(world.source, "v1", wabbit);
    const v2 = await publish(world.source, "v2", wabbit);
    const life = world.life();
    await life.up(world.args(v1, day(-2)));
    assert.equal(life.outputs["against"], undefined);
    const revocation = await say(world[at], "revocation", v1);
    await life.refresh();
    assert.equal(isRevoked(life), true);
    hidden.add(revocation.digest);
    await life.refresh();
    assert.equal(isRevoked(life), true);
    assert.notEqual((await life.preview(world.args(v1, day(-2)))).planned["revoked"], undefined);
    // Another takes its place, and it does not come back.
    await life.up(world.args(v2, day(-1)));
    await world[at].deleteManifest(revocation);
    await life.refresh();
    assert.equal(isRevoked(life), false);
    assert.equal(await life.up(world.args(v1, day(0))), "update");
  });

test("an end of life that a refresh has seen keeps what it ended from coming back", async () => {
  const { world, hidden } = hiding();
  const v1 = await publish(world.source, "v1", wabbit);
  const life = world.life();
  await life.up(world.args(v1, day(-2)));
  const ended = await say(world.source, "endOfLife", v1);
  await life.refresh();
  hidden.add(ended.digest);
  // Somebody takes the tag away; what is put there again is judged again.
  await world.to.untag("prod");
  await life.refresh();
  await assert.rejects(life.up(world.args(v1, day(-2))), failsWith("VERIFICATION_UNMET"));
});

test("a refused promotion keeps what was said against what runs", async () => {
  const { world, hidden } = hiding();
  const v1 = await publish(world.source, "v1", wabbit);
  const v2 = await publish(world.source, "v2", wabbit);
  const life = world.life();
  await life.up(world.args(v1, day(-2)));
  const revocations = [
    await say(world.source, "revocation", v1),
    await say(world.source, "revocation", v2),
  ];
  await assert.rejects(life.up(world.args(v2, day(-1))), failsWith("VERIFICATION_UNMET"));
  for (const { digest } of revocations) hidden.add(digest);
  await life.refresh();
  assert.equal(isRevoked(life), true);
  await assert.rejects(life.up(world.args(v2, day(-1))), failsWith("VERIFICATION_UNMET"));
});
