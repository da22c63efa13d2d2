// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { engineMissing } from "../harness/engine";
import { registryMissing } from "../harness/registries";
import { signaturesOf, signerFiles } from "../harness/places";
import { openWorld, program, shown } from "./world";

for (const kind of ["olareg", "layout"] as const) {
  const skip = engineMissing() || (kind === "layout" ? false : registryMissing(kind));
  test(
    `resources under other names, and replaced ones, keep what they adopt [${kind}]`,
    { skip },
    async (context) => {
      const { engine, place } = await openWorld(kind, context);
      const signer = signerFiles();
      const named = (artifact: string, claim: string) =>
        program({
          artifacts: {
            [artifact]: {
              repository: place.location("app"),
              tags: ["v1"],
              files: ["files/app.sh"],
              signer: signer.args,
              onDelete: "purge",
            },
          },
          claims: {
            [claim]: {
              subject: artifact,
              type: "test-result",
              predicate: { result: "PASSED", configuration: [] },
              signer: signer.args,
            },
          },
        });
      const up = await engine.up({ program: named("app", "tests") });
      const [artifact, claim] = [String(up.outputs["app"]), String(up.outputs["tests"])];
      const intact = async (what: string): Promise<void> => {
        assert.equal((await place.store("app").resolve("v1")).digest, artifact, what);
        assert.equal((await signaturesOf(place, "app", artifact)).length, 1, what);
        assert.equal((await signaturesOf(place, "app", claim)).length, 1, what);
        assert.deepEqual(shown(await engine.previewRefresh({ expectNoChanges: true })), {}, what);
      };
      assert.deepEqual((await engine.up({ program: named("app", "unit-tests") })).changes, {
        same: 1,
        create: 1,
        delete: 1,
      });
      await intact("a renamed claim");
      assert.deepEqual((await engine.up({ program: named("net-monitor", "unit-tests") })).changes, {
        create: 1,
        delete: 1,
        same: 1,
      });
      await intact("a renamed artifact");
      const urns = (await engine.state())
        .filter(({ type }) => type.includes("consign:"))
        .map(({ urn }) => urn);
      await engine.stack.up({ replace: urns, program: named("net-monitor", "unit-tests") });
      await intact("up --replace");

      assert.deepEqual((await engine.destroy()).changes, { delete: 2 });
      assert.deepEqual(await place.store("app").tags(), ["v1"], "without aliases it is adopted");
      assert.ok(await place.store("app").resolve(artifact));
    },
  );
}
