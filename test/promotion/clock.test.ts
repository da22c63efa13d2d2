// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mergeWindows, type Window } from "../../provider/retention/index";
import { tagDigest } from "../../provider/world/tags";
import { Refused } from "../harness/life";
import { publish } from "../harness/memory-world";
import { claimsOn, day, NOW, PromotionWorld, wabbit, windowsOn } from "./world";

const T1 = "2015-01-01";

describe("a time that is left in the program", () => {
  test("shortens no stay: what ends now ends by the clock", async () => {
    const world = new PromotionWorld();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, T1));
    await life.up(world.args(v2, "2015-01-02"));
    assert.deepEqual(await windowsOn(world.to, v1), [
      `production 2015-01-01T00:00:00Z ${NOW}`,
      "production 2015-01-01T00:00:00Z …",
    ]);
    const { [v1.digest]: planned } = life.outputs["windows"] as Record<string, Window>;
    assert.equal(
      planned?.until,
      NOW,
      "as an archive policy of the same program is told before it is claimed",
    );
    assert.equal(await life.up(world.args(v2, "2015-01-02")), "same");
    await life.destroy();
    assert.deepEqual(await windowsOn(world.to, v2), [
      `production 2015-01-02T00:00:00Z ${NOW}`,
      "production 2015-01-02T00:00:00Z …",
    ]);
  });

  test("is refused for the next promotion, which would begin when the one before it did", async () => {
    const world = new PromotionWorld();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, T1));
    for (const each of [life, world.life()]) {
      await assert.rejects(
        each.preview(world.args(v2, T1)),
        (error) =>
          error instanceof Refused &&
          error.failures[0]?.property === "asOf" &&
          /asOf was left in the program.*\[INPUT_INVALID\]/.test(error.failures[0].reason),
      );
    }
    assert.equal(await life.up(world.args(v2, undefined)), "update");
    // By the clock alone, two promotions within one second are put one after the other.
    assert.equal(await life.up(world.args(v1, undefined)), "update");
  });

  test("a run that goes on after one that was cut short does not end the stay before it was over", async () => {
    const world = new PromotionWorld();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life(-5);
    await life.up(world.args(v1, T1));
    const inner = world.to.tag.bind(world.to);
    world.to.tag = () => Promise.reject(new Error("killed"));
    await assert.rejects(life.up(world.args(v2, day(-5))), /killed/);
    world.to.tag = inner;
    const again = world.life();
    await again.up(world.args(v2, undefined));
    await again.up(world.args(v2, undefined, { onDelete: "retain" }));
    const claimed = (await claimsOn(world.to, v1, "deployment")) as unknown as Window[];
    assert.deepEqual(
      mergeWindows(claimed).map(({ until }) => until),
      [NOW],
    );
    assert.equal(claimed.length, 3, "and a later update of the promotion claims it no third time");
  });
});

describe("a clock that was ahead", () => {
  test("nothing is recorded for a time that has not come", async () => {
    const world = new PromotionWorld();
    const v1 = await publish(world.source, "v1", wabbit);
    await assert.rejects(
      world.life().preview(world.args(v1, "2206-01-01")),
      (error) =>
        error instanceof Refused &&
        error.failures[0]?.property === "asOf" &&
        /clock says .*\[INPUT_INVALID\]/.test(error.failures[0].reason),
    );
    assert.deepEqual(await world.to.tags(), []);
    assert.equal(
      await world.life().up(world.args(v1, day(0.002))),
      "create",
      "three minutes are what clocks may differ by",
    );
  });

  test("does not end all promotions: what it recorded is followed, with a warning, with the state and without", async () => {
    const world = new PromotionWorld();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const ahead = world.life(30);
    await ahead.up(world.args(v1, day(30)));
    for (const life of [
      world.life(),
      Object.assign(world.life(), { id: ahead.id, inputs: ahead.inputs, outputs: ahead.outputs }),
    ]) {
      const { planned } = await life.preview(world.args(v2, undefined));
      assert.equal(planned["promotedAt"], NOW);
      assert.match(life.warnings.join(), /is recorded for .*, which lies ahead: a clock was wrong/);
    }
    const life = world.life();
    await life.up(world.args(v2, undefined));
    assert.equal(await tagDigest(world.to, "prod"), v2.digest);
    assert.deepEqual(await windowsOn(world.to, v1), [
      `production ${day(30)} ${day(30)}`,
      `production ${day(30)} …`,
    ]);
    // Back again: the newest of v1 is what followed, and not what has the latest date.
    await life.up(world.args(v1, undefined));
    const history = (life.outputs["history"] as { digest: string }[]).map(({ digest }) => digest);
    assert.deepEqual(history, [v1.digest, v2.digest, v1.digest]);
    for (const days of [0, 40]) {
      const fresh = world.life(days);
      assert.deepEqual(
        (
          (await fresh.preview(world.args(v1, undefined))).planned["history"] as {
            digest: string;
          }[]
        ).map(({ digest }) => digest),
        history,
        `${days} days later`,
      );
    }
    assert.equal(await life.up(world.args(v1, undefined)), "same");
    await life.destroy();
    assert.equal(await tagDigest(world.to, "prod"), undefined);
  });
});
