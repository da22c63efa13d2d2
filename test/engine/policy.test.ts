// SPDX-License-Identifier: Apache-2.0
import type { EngineEvent } from "@pulumi/pulumi/automation";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { runnablePack } from "../../scripts/story/policy-pack";
import { throwawayKeys } from "../../scripts/story/throwaway-keys";
import { openEngine, engineMissing, type Engine } from "../harness/engine";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";

interface Told {
  failed: boolean;
  /** `policy level resource`, sorted. */
  violations: string[];
  messages: string[];
}

describe("the policy pack on the real engine", { skip: engineMissing("folder") }, () => {
  let engine: Engine;
  let pack: string;

  before(async () => {
    pack = runnablePack(join(repositoryRoot, "examples", "policy", "pack"), tempDir("policy"));
    engine = await openEngine({
      folder: join(__dirname, "policy-program"),
      config: { "consign:registries": { "old.example": { plainHttp: true } } },
    });
    writeFileSync(join(engine.folder, "net-monitor.sh"), "#!/bin/sh\n");
    await throwawayKeys(join(engine.folder, "keys"), "wabbit", "Wabbit Networks");
  });

  async function run(verb: "preview" | "up", wrong: boolean, config?: object): Promise<Told> {
    const events: EngineEvent[] = [];
    const policyPackConfigs =
      config === undefined ? [] : [join(engine.folder, "policy-config.json")];
    if (config !== undefined) writeFileSync(policyPackConfigs[0] ?? "", JSON.stringify(config));
    await engine.setConfig("wrong", wrong);
    const options = {
      policyPacks: [pack],
      policyPackConfigs,
      onEvent: (event: EngineEvent) => void events.push(event),
      onOutput: () => undefined,
    };
    const failure = await (
      verb === "up" ? engine.stack.up(options) : engine.stack.preview(options)
    ).then(() => undefined, String);
    if (failure !== undefined) assert.match(failure, /failed|violation|polic/i);
    const found = events.flatMap(({ policyEvent }) =>
      policyEvent === undefined ? [] : [policyEvent],
    );
    const line = ({ policyName, enforcementLevel, resourceUrn = "" }: (typeof found)[number]) =>
      `${policyName} ${enforcementLevel} ${resourceUrn.slice(resourceUrn.lastIndexOf("::") + 2)}`;
    return {
      failed: failure !== undefined,
      violations: [...new Set(found.map(line))].sort(),
      messages: found.map(({ message }) => message),
    };
  }

  test("a preview tells of every rule that is broken, and fails for the mandatory ones", async () => {
    const { failed, violations, messages } = await run("preview", true);
    assert.deepEqual(
      violations,
      [
        "images-are-verified mandatory web",
        "mirrors-have-trust mandatory subscription",
        "registries-use-tls advisory test-dev",
        "retention-has-a-floor mandatory archive",
      ],
      messages.join("\n"),
    );
    assert.equal(failed, true);
    for (const words of [
      "not pinned by digest",
      "give it a trust policy",
      "plain HTTP to old.example",
      "keeps for 30d; at least 365d",
    ])
      assert.ok(
        messages.some((message) => message.includes(words)),
        words,
      );
  });

  test("up makes nothing while a mandatory rule is broken", async () => {
    const { failed, violations } = await run("up", true);
    assert.deepEqual(
      [failed, violations.some((violation) => violation.includes(" mandatory "))],
      [true, true],
      "the engine stops at the first",
    );
    assert.deepEqual(
      (await engine.state()).filter(({ type }) => /consign:(?:Mirror|ArchivePolicy)$/.test(type)),
      [],
    );
  });

  test("levels and the floor are the configuration's", async () => {
    const { failed, violations } = await run("preview", true, {
      all: "advisory",
      "retention-has-a-floor": { enforcementLevel: "mandatory", floor: "10d" },
    });
    assert.equal(failed, false);
    assert.deepEqual(violations, [
      "images-are-verified advisory web",
      "mirrors-have-trust advisory subscription",
      "registries-use-tls advisory test-dev",
    ]);
  });

  test("what is done right passes, with the verified image", async () => {
    const { failed, violations, messages } = await run("up", false);
    assert.deepEqual(
      [failed, violations],
      [false, ["registries-use-tls advisory test-dev"]],
      messages.join("\n"),
    );
  });
});
