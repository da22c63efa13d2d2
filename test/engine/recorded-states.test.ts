// SPDX-License-Identifier: Apache-2.0
// A stack that a release exported, with a resource of every kind, in the hands of the real engine and of this version.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFailure, engineMissing } from "../harness/engine";
import { readStack, releases, restoreFiles } from "../states/recorded";
import { openEngineAt } from "../states/stack";
import { shown } from "./world";

for (const release of releases()) {
  test(
    `a stack that ${release} exported is imported, unchanged, refreshed and destroyed`,
    { skip: engineMissing() },
    async () => {
      const { at, files, deployment } = readStack(release);
      const engine = await openEngineAt(at);
      restoreFiles(files, engine.folder);
      await engine.stack.importStack(deployment);
      const kinds = (await engine.state())
        .filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/consign:"))
        .map(({ type }) => type.slice(type.lastIndexOf(":") + 1));
      assert.deepEqual(kinds.sort(), [
        "ArchivePolicy",
        "Claim",
        "Mirror",
        "Promotion",
        "SignedArtifact",
        "Verification",
      ]);
      assert.deepEqual((await engine.preview()).changes, { same: 6 });
      assert.deepEqual(shown(await engine.refresh()), {});
      assert.deepEqual((await engine.up()).changes, { same: 6 });
      assert.deepEqual((await engine.destroy()).changes, { delete: 6 });
      assert.deepEqual(
        (await engine.state()).filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/")),
        [],
      );
    },
  );
}

test(
  "a state in a form that is not known stops a preview, and is laid to no argument",
  { skip: engineMissing() },
  async () => {
    const { at, files, deployment } = readStack("0.1.0");
    const engine = await openEngineAt(at);
    restoreFiles(files, engine.folder);
    for (const part of ["inputs", "outputs"] as const) {
      const changed = structuredClone(deployment);
      const mirror = changed.deployment.resources.find(({ type }) => type.endsWith(":Mirror"));
      Object.assign(mirror?.[part] ?? {}, { __v: 99 });
      await engine.stack.importStack(changed);
      await assert.rejects(engine.preview(), (error) => {
        assert.ok(error instanceof EngineFailure);
        const told = error.run.diagnostics.filter((line) => line.startsWith("error: "));
        assert.equal(told.length, 1, part);
        assert.match(told[0] ?? "", /\[STATE_INVALID\]$/);
        assert.doesNotMatch(told[0] ?? "", / property /, "no argument is at fault");
        return true;
      });
    }
  },
);
