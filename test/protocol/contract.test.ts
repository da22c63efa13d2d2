// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { z } from "zod";
import * as entry from "../../provider/dynamic/entry";
import { dynamicProvider } from "../../provider/dynamic/adapter";
import { makeContext } from "../../provider/dynamic/host";
import { UNKNOWN } from "../../provider/protocol/unknowns";
import { ConsignError } from "../../provider/errors";
import { PartialFailure, type Reconciler } from "../../provider/world/reconciler";
import { stub } from "../../sdk/stub";
import manifest from "../../package.json";

/**
 * Every stack that holds a resource has this text in it. If this fails, it is the text that is
 * wrong, not the test.
 */
const FROZEN = {
  SignedArtifact: "dfefad1be33bd0a572ffc23cde31badc8373fcae0c627df996cd6b14736ddece",
  Claim: "48349e142c7092817b793c4a8b2de8360e5516acabe7e846f3698841da375e0e",
  Exposure: "7a5d02a016afc4eacf07b97ac77be96ff62a87318d2a7193aaeb6151336e392d",
};

test("the text that stacks record is frozen, and small", () => {
  for (const [kind, digest] of Object.entries(FROZEN)) {
    const text = stub(kind);
    assert.equal(createHash("sha256").update(text).digest("hex"), digest, text);
    assert.ok(Buffer.byteLength(text) < 100, `${Buffer.byteLength(text)} bytes`);
  }
});

test("what the text asks for is exported, with every method, for good", () => {
  assert.equal(manifest.exports["./dynamic"].default, "./dist/provider/dynamic/entry.js");
  for (const [kind, provider] of Object.entries(entry)) {
    assert.ok(Object.isFrozen(provider), kind);
    for (const method of [
      "configure",
      "check",
      "diff",
      "create",
      "update",
      "read",
      "delete",
    ] as const)
      assert.equal(typeof provider[method], "function", `${kind}.${method}`);
  }
  for (const kind of Object.keys(FROZEN)) assert.ok(kind in entry, kind);
});

test("the unknown value is Pulumi's", () => {
  assert.equal(UNKNOWN, pulumi.runtime.unknownValue);
});

const kind: Reconciler = {
  kind: "Test",
  schema: z.object({ name: z.string() }),
  replaceOn: [],
  ignore: [],
  ensured: ["made"],
  plan: async () => ({ planned: {} }),
  id: () => "an id",
  ensure: async (inputs) => {
    if (inputs["name"] === "foreign")
      throw Object.assign(new Error("odd"), { id: "looks like a resource" });
    throw new PartialFailure(new ConsignError("READ_BACK_FAILED", "half"), {
      ...inputs,
      made: undefined,
      at: { deep: [undefined, 1] },
    });
  },
  observe: async (state) => ({ ...state, seen: true }),
  remove: async () => undefined,
};

interface EngineError extends Error {
  id?: string;
  properties?: Record<string, unknown>;
  reasons?: string[];
}

const failure = (work: Promise<unknown> | undefined): Promise<EngineError> =>
  (work ?? Promise.resolve()).then(
    () => assert.fail("it did not fail"),
    (error: EngineError) => error,
  );

test("a partial failure keeps stub and version, and holds nothing that protobuf cannot carry", async () => {
  const provider = dynamicProvider(
    () => kind,
    () => makeContext("/", undefined),
  );
  for (const failed of [
    await failure(provider.create({ name: "x", __provider: "the stub" })),
    await failure(
      provider.update?.("an id", { name: "w", __v: 1 }, { name: "x", __provider: "the stub" }),
    ),
  ]) {
    assert.deepEqual(
      [failed.id, failed.properties, failed.reasons],
      [
        "an id",
        { name: "x", at: { deep: [null, 1] }, __v: 1, __provider: "the stub" },
        ["half [READ_BACK_FAILED]"],
      ],
    );
    const read = await provider.read?.("an id", failed.properties);
    assert.equal(read?.props?.["seen"], true, "what was recorded is observed, not planned anew");
  }
});

test("any other error is not taken for a resource that was half made", async () => {
  const failed = await failure(
    dynamicProvider(
      () => kind,
      () => makeContext("/", undefined),
    ).create({ name: "foreign" }),
  );
  assert.ok(!("id" in failed));
  assert.match(failed.message, /odd \[INTERNAL\]/);
});
