// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tagDigest } from "../../provider/world/tags";
import { ConsignError } from "../../provider/errors";
import { claim, guarded, publish, trustOf } from "../harness/memory-world";
import {
  acme,
  claimsOn,
  FROM,
  moveByHand,
  NOW,
  PromotionWorld,
  short,
  TO,
  wabbit,
  windowsOn,
} from "./world";
import { codeOf, failsWith } from "../harness/failure";

const T1 = "2016-01-01";
const T2 = "2016-02-01";
const deny = [{ type: "test-result", condition: 'predicate.result == "FAILED"' }];

describe("a tag that somebody has moved away", () => {
  test("is not moved back to what would not be promoted by now: denied, past its end of life, or signed by nobody who is trusted", async () => {
    for (const why of ["denied", "ended", "untrusted"]) {
      const world = new PromotionWorld();
      const [v1, other] = [
        await publish(world.source, "v1", wabbit),
        await publish(world.to, "other", wabbit),
      ];
      const life = world.life();
      await life.up(world.args(v1, T1, { deny }));
      await moveByHand(world.to, other);
      if (why === "denied")
        await claim(
          world.source,
          {
            type: "test-result",
            subject: v1,
            predicate: { result: "FAILED", configuration: [{ name: "unit" }] },
            audience: "internal",
          },
          wabbit,
        );
      if (why === "ended")
        await claim(
          world.source,
          {
            type: "endOfLife",
            subject: v1,
            predicate: { date: "2016-01-15" },
            audience: "internal",
          },
          wabbit,
        );
      const args = world.args(v1, T2, why === "untrusted" ? { trust: trustOf(acme) } : { deny });
      await life.refresh();
      const { op, planned } = await life.preview(args);
      assert.deepEqual([op, planned["verified"]], ["update", false], why);
      assert.match(life.warnings.join(), /is not promoted: /);
      await assert.rejects(life.up(args), failsWith("VERIFICATION_UNMET"));
      assert.equal(await tagDigest(world.to, "prod"), other.digest, why);
    }
  });

  test("is moved back to what still verifies, the preview says from where, and the next run changes nothing", async () => {
    const world = new PromotionWorld();
    const [v1, other] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.to, "other", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, T1));
    await moveByHand(world.to, other);
    assert.equal(
      (await life.preview(world.args(v1, T2))).op,
      "update",
      "also without a refresh nobody says that all is well",
    );
    assert.match(
      life.warnings.join(),
      /tag prod of .* is at sha256:[0-9a-f]{64}, where no promotion of production that counts has put it: refresh/,
    );
    await assert.rejects(life.up(world.args(v1, T2)), failsWith("TAG_MOVED"));
    await life.refresh();
    const { planned } = await life.preview(world.args(v1, T2));
    assert.equal(planned["move"], `production prod: ${short(other)} → ${short(v1)}`);
    assert.equal(await life.up(world.args(v1, T2)), "update");
    assert.equal(await tagDigest(world.to, "prod"), v1.digest);
    assert.equal(await life.up(world.args(v1, T2)), "same");
    assert.equal((await claimsOn(world.to, v1, "vsa")).length, 1);
  });

  test("or taken away, is put back, and is not taken for what it should be before", async () => {
    const world = new PromotionWorld();
    const v1 = await publish(world.source, "v1", wabbit);
    const life = world.life();
    await life.up(world.args(v1, T1));
    await world.to.untag("prod");
    assert.equal(await life.up(world.args(v1, T2)), "update");
    assert.equal(await tagDigest(world.to, "prod"), v1.digest);
    assert.equal(await life.up(world.args(v1, T2)), "same");
  });

  test("is told in the first preview of a new stack", async () => {
    const world = new PromotionWorld();
    const [v1, other] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.to, "other", wabbit),
    ];
    await world.life().up(world.args(v1, T1));
    await moveByHand(world.to, other);
    const life = world.life();
    const { planned } = await life.preview(world.args(v1, T2));
    assert.equal(planned["move"], `production prod: ${short(other)} → ${short(v1)}`);
    assert.deepEqual(life.warnings, [
      `tag prod of ${TO} is at ${other.digest}, where no promotion of production that counts has put it; this one would move it to ${v1.digest}`,
    ]);
  });
});

describe("what is revoked after it was planned", () => {
  const revoke = async (world: PromotionWorld, target: Parameters<typeof claim>[1]["subject"]) =>
    claim(
      world.source,
      {
        type: "revocation",
        subject: target,
        predicate: { target: target.digest, reason: "CVE-2026-2000" },
        audience: "public",
      },
      wabbit,
    );

  test("between the plan and the first write: nothing is written", async () => {
    const world = new PromotionWorld();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const { provider, create } = world.process();
    await create(world.args(v1, T1));
    const { inputs } = (await provider.check?.({}, world.args(v2, T2))) ?? {};
    await revoke(world, v2);
    await assert.rejects(
      provider.create({ ...(inputs as object), __provider: "stub" }),
      codeOf(
        "VERIFICATION_UNMET",
        /since it was planned it has been revoked: revoked by .*CVE-2026-2000/,
      ),
    );
    assert.deepEqual(
      [await tagDigest(world.to, "prod"), await world.to.has(v2)],
      [v1.digest, false],
    );
    assert.deepEqual(await windowsOn(world.to, v1), ["production 2016-01-01T00:00:00Z …"]);
  });

  test("while it is written: the tag does not move, and what says that it did is taken back", async () => {
    const world = new PromotionWorld();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, T1));
    const inner = world.to.pushManifest.bind(world.to);
    let first = true;
    world.to.pushManifest = async (...given) => {
      if (first) {
        first = false;
        await revoke(world, v2);
      }
      return inner(...given);
    };
    await assert.rejects(life.up(world.args(v2, T2)), failsWith("VERIFICATION_UNMET"));
    assert.equal(await tagDigest(world.to, "prod"), v1.digest);
    assert.deepEqual(
      [
        await claimsOn(world.to, v2, "vsa"),
        await windowsOn(world.to, v2),
        await windowsOn(world.to, v1),
      ],
      [[], [], ["production 2016-01-01T00:00:00Z …"]],
    );
  });
});

test("what was signed of a stay that the history leads past is closed, and never removed", async () => {
  const world = new PromotionWorld();
  const [a, b, c] = [
    await publish(world.source, "a", wabbit),
    await publish(world.source, "b", wabbit),
    await publish(world.source, "c", wabbit),
  ];
  const life = world.life();
  await life.up(world.args(a, T1));
  await life.up(world.args(b, T2));
  // Rolled back by hand, and the state is lost.
  await moveByHand(world.to, a);
  const found = world.life();
  await found.up(world.args(c, "2016-03-01"));
  await found.up(world.args(b, "2016-04-01"));
  assert.deepEqual(await windowsOn(world.to, b), [
    `production 2016-02-01T00:00:00Z ${NOW}`,
    "production 2016-02-01T00:00:00Z …",
    "production 2016-04-01T00:00:00Z …",
  ]);
  assert.deepEqual(
    (await claimsOn(world.to, b, "vsa")).map(({ timeVerified }) => timeVerified),
    ["2016-02-01T00:00:00Z", "2016-04-01T00:00:00Z"],
  );
  assert.equal(
    await found.up({ ...world.args(b, "2016-04-02"), artifact: `${FROM}@${b.digest}` }),
    "same",
  );
});

test("what a promotion that failed has put there is its own in the next run, and goes with a purge", async () => {
  const world = new PromotionWorld();
  const [v1, v2] = [
    await publish(world.source, "v1", wabbit),
    await publish(world.source, "v2", wabbit),
  ];
  const life = world.life();
  const onDelete = "purge";
  await life.up(world.args(v1, T1, { onDelete }));
  world.stores.wrap = (store) =>
    guarded(store, (write) => {
      if (write === "tag") throw new ConsignError("REGISTRY_FAILED", "told to fail");
    });
  await assert.rejects(life.up(world.args(v2, T2, { onDelete })), failsWith("REGISTRY_FAILED"));
  world.stores.wrap = (store) => store;
  assert.equal(life.outputs["digest"], v1.digest, "the environment runs what it ran");
  assert.equal(await life.up(world.args(v2, T2, { onDelete })), "update");
  await life.destroy();
  assert.equal(await world.to.has(v2), false);
});
