// SPDX-License-Identifier: Apache-2.0
// States in a form that is not today's, of every kind: an older one is brought to today's before each verb, and one that is not known is refused.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Properties } from "../../provider/world/reconciler";
import { held, readScene } from "./recorded";
import { remove, revive } from "./replay";
import { Life, Refused } from "../harness/life";

/** One state of each kind, by scene and name. */
const STATES = {
  SignedArtifact: ["artifacts", "replaced-content"],
  Claim: ["artifacts", "claim"],
  Mirror: ["mirrors", "several"],
  Verification: ["verdicts", "good"],
  Promotion: ["promotions", "history"],
  ArchivePolicy: ["archives", "reported"],
} as const;

const named = (name: (before: string) => string) => (properties: Properties) =>
  Object.fromEntries(
    Object.entries(properties).map(([before, value]) => [
      before.startsWith("__") ? before : name(before),
      value,
    ]),
  );

/** A form that was never written: every property has another name in it. */
const older = named((name) => `old ${name}`);
const upgrade = named((name) => name.replace(/^old /, ""));

const own = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith("__")));

for (const [kind, [sceneName, name]] of Object.entries(STATES)) {
  describe(`a state of a ${kind}`, () => {
    const scene = readScene("0.1.0", sceneName);
    const recorded = scene.resources[name];
    assert.ok(recorded !== undefined, name);

    /** The state in today's form. */
    const refreshed = async (): Promise<Life> => {
      const life = revive(scene, recorded);
      await life.refresh();
      return life;
    };

    test("in an older form is checked, compared, read and removed as it would be in today's", async () => {
      const { kind: reconciler, outputs, inputs, id } = await refreshed();
      const today = Number(outputs["__v"]);
      const upgrades = [...(reconciler.upgrades ?? []), upgrade];
      const inOlderForm = (): Life => {
        const life = new Life({ ...reconciler, upgrades }, revive(scene, recorded).options);
        return Object.assign(life, { id, inputs: older(inputs), outputs: older(outputs) });
      };
      const life = inOlderForm();
      assert.equal((await life.preview(recorded.args)).op, "same");
      await life.refresh();
      assert.deepEqual(life.outputs, { ...own(outputs), __v: today + 1 });
      assert.equal(life.inputs["__v"], today + 1);
      assert.equal((await life.preview(recorded.args)).op, "same");
      assert.deepEqual(await remove(inOlderForm()), await remove(await refreshed()));
    });

    test("in a form that is not known is refused whole, and nothing is removed", async () => {
      const life = revive(scene, recorded);
      const { inputs, outputs } = life;
      const before = held(life.options.folder);
      life.outputs = { ...outputs, __v: 99 };
      const refused = { message: /\[STATE_INVALID\]$/ };
      await assert.rejects(life.preview(recorded.args), refused);
      await assert.rejects(life.refresh(), refused);
      await assert.rejects(life.destroy(), refused);
      assert.deepEqual(held(life.options.folder), before);
      life.outputs = outputs;
      life.inputs = { ...inputs, __v: 99 };
      await assert.rejects(life.preview(recorded.args), (error) => {
        assert.ok(error instanceof Refused);
        assert.deepEqual(
          error.failures.map(({ property, reason }) => [property, reason.slice(-15)]),
          [["", "[STATE_INVALID]"]],
        );
        return true;
      });
    });
  });
}
