// SPDX-License-Identifier: Apache-2.0
// Consign and notation 1.3.2 look at the same artifacts in the same registry under the same
// configuration directories, and say the same.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { forEachBounded } from "../../provider/content/bounded";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { missing } from "../harness/toolchain";
import { root } from "../notation/arrange";
import { ROWS, type Row } from "./matrix-rows";
import { startRevocation, type Revocation } from "./matrix-services";
import { World, type Answer, type Trust } from "./matrix-world";

const skip = missing("notation") || registryMissing("olareg");

describe("one table, two verifiers", { skip }, () => {
  let registry: TestRegistry;
  let revocation: Revocation;
  let world: World;
  const found = new Map<
    string,
    { ours: Answer; reason: string; notation: boolean; output: string } | Error
  >();

  before(async () => {
    registry = await startRegistry("olareg");
    revocation = await startRevocation();
    world = new World(registry.direct);
    await forEachBounded(ROWS, 2, async (row) => {
      found.set(
        row.input,
        await ask(row).catch((error: unknown) =>
          error instanceof Error ? error : new Error(String(error)),
        ),
      );
    });
  });
  after(async () => {
    await world.close();
    await revocation.close();
    await registry.stop();
  });

  async function ask(row: Row) {
    const { artifact, reference } = await world.artifact();
    const signature = await row.make(artifact.manifest.descriptor, {
      ...revocation.signers,
      ...revocation,
    });
    if (signature !== undefined) await world.push(signature);
    const trust: Trust = { ca: [root], ...row.trust };
    const [we, notation] = await Promise.all([
      world.asWe(artifact.manifest, trust),
      world.asNotation(reference, trust),
    ]);
    return {
      ours: we.answer,
      reason: we.reason,
      notation: notation.verified,
      output: notation.output,
    };
  }

  for (const row of ROWS) {
    test(row.input, () => {
      const answers = found.get(row.input);
      assert.ok(answers !== undefined && !(answers instanceof Error), String(answers));
      assert.deepEqual(answers.ours, row.ours, answers.reason);
      const accepts = row.stricter !== undefined || row.ours[0] === "verified";
      assert.equal(
        answers.notation,
        accepts,
        `notation ${answers.notation ? "accepts" : "refuses"} it; we: ${answers.reason}\n${answers.output}`,
      );
    });
  }

  test("the table is as large as is promised, and no input is in it twice", () => {
    assert.equal(new Set(ROWS.map(({ input }) => input)).size, ROWS.length);
    assert.ok(ROWS.filter(({ ours: [outcome] }) => outcome !== "verified").length >= 60);
    assert.ok(
      ROWS.every(
        ({ ours: [outcome], stricter }) => stricter === undefined || outcome !== "verified",
      ),
    );
  });
});
