// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EngineFailure, engineMissing, openEngine } from "./engine";
import { tempDir } from "./temp";

/**
 * What the harness is told about, by a provider of two lines: the text is a module that Pulumi's
 * provider host loads.
 */
const PROVIDER = `exports.handler = () => ({
  check: async (_, inputs) => ({ inputs: { ...inputs, planned: inputs.value + "!" } }),
  diff: async (_, old, inputs) => ({ changes: old.value !== inputs.value }),
  create: async (inputs) => { if (inputs.value === "bad") throw new Error("it was bad"); return { id: "one", outs: { ...inputs, made: true } }; },
  update: async (_, old, inputs) => ({ outs: { ...inputs, made: true } }),
  read: async (id, props) => ({ id, props: { ...props, value: process.env.SEEN ?? props.value } }),
});`;

class Thing extends pulumi.CustomResource {
  declare readonly planned: pulumi.Output<string>;
  declare readonly made: pulumi.Output<boolean>;
  constructor(name: string, value: pulumi.Input<string>) {
    super("pulumi-nodejs:dynamic/consign:Thing", name, {
      value,
      planned: undefined,
      made: undefined,
      __provider: PROVIDER,
    });
  }
}

const program = (value: string) => async () => {
  const thing = new Thing("thing", value);
  return { planned: thing.planned, registries: new pulumi.Config("consign").get("registries") };
};

test("an inline program goes through its whole life", { skip: engineMissing() }, async () => {
  const engine = await openEngine({
    program: program("a"),
    config: { "consign:registries": { "127.0.0.1:5000": { plainHttp: true } } },
  });
  const preview = await engine.preview();
  assert.deepEqual(preview.changes, { create: 1 });
  assert.equal(
    preview.step("thing")?.newInputs?.planned,
    "a!",
    "what check plans is there in preview",
  );
  const up = await engine.up();
  assert.deepEqual([up.changes, up.outputs.planned], [{ create: 1 }, "a!"]);
  assert.deepEqual(JSON.parse(String(up.outputs.registries)), {
    "127.0.0.1:5000": { plainHttp: true },
  });
  assert.deepEqual((await engine.up()).changes, { same: 1 });
  const changed = await engine.up({ program: program("b") });
  assert.deepEqual(changed.changes, { update: 1 });
  assert.equal(changed.step("thing")?.oldOutputs?.value, "a");
  const state = await engine.state();
  assert.equal(state.find(({ id }) => id === "one")?.outputs?.made, true);
  assert.deepEqual((await engine.destroy()).changes, { delete: 1 });
  assert.deepEqual(await engine.state(), []);
});

test(
  "drift shows in a preview with refresh, and stays until a refresh",
  { skip: engineMissing() },
  async () => {
    const env: Record<string, string> = {};
    const engine = await openEngine({ program: program("a"), env });
    await engine.up();
    engine.stack.workspace.envVars.SEEN = "drifted";
    const drift = await engine.previewRefresh();
    assert.ok(
      drift.steps.some(({ op, name }) => op === "update" && name === "thing"),
      JSON.stringify(drift.changes),
    );
    assert.equal((await engine.state()).find(({ id }) => id === "one")?.outputs?.value, "a");
    await engine.refresh();
    assert.equal((await engine.state()).find(({ id }) => id === "one")?.outputs?.value, "drifted");
  },
);

test(
  "a failure carries what the person at the terminal reads",
  { skip: engineMissing() },
  async () => {
    const engine = await openEngine({ program: program("bad") });
    await assert.rejects(engine.up(), (error) => {
      assert.ok(error instanceof EngineFailure);
      assert.match(error.message, /it was bad/);
      assert.deepEqual(error.run.changes, { create: 1 });
      return true;
    });
  },
);

test(
  "a program in a folder runs as `pulumi up` runs it",
  { skip: engineMissing("folder") },
  async () => {
    const folder = join(tempDir("program"), "hello");
    mkdirSync(folder);
    writeFileSync(join(folder, "Pulumi.yaml"), "name: hello\nruntime: nodejs\nmain: index.ts\n");
    writeFileSync(
      join(folder, "index.ts"),
      'import { Config } from "@pulumi/pulumi";\nexport const greeting: string = `hello ${new Config("hello").require("name")}`;\n',
    );
    const engine = await openEngine({ folder, project: "hello", config: { "hello:name": "you" } });
    const up = await engine.up();
    assert.equal(up.outputs.greeting, "hello you");
  },
);
