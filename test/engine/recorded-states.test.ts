// SPDX-License-Identifier: Apache-2.0
// A stack that a release exported, with a resource of every kind, in the hands of the real engine and of this version.
import assert from "node:assert/strict";
import { test } from "node:test";
import { engineMissing } from "../harness/engine";
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
