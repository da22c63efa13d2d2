// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { engineMissing } from "../harness/engine";
import { registryMissing } from "../harness/registries";
import { removeManifest, signaturesOf, signerFiles } from "../harness/places";
import { openWorld, program, shown, type Resources } from "./world";

const TEST_RESULT = (result: string) => ({ result, configuration: [{ name: "unit" }] });

for (const kind of ["olareg", "distribution", "layout"] as const) {
  const skip = engineMissing() || (kind === "layout" ? false : registryMissing(kind));
  test(
    `SignedArtifact and Claim lead their whole life on the engine [${kind}]`,
    { skip },
    async (context) => {
      const { engine, place } = await openWorld(kind, context);
      const signer = signerFiles();
      const resources = (
        o: {
          repository?: string;
          tags?: string[];
          result?: string;
          signer?: typeof signer.args;
        } = {},
      ): Resources => {
        const { repository = "app", tags = ["v1"], result = "PASSED" } = o;
        return {
          artifacts: {
            app: {
              repository: place.location(repository),
              tags,
              files: ["files/app.sh"],
              signer: o.signer ?? signer.args,
              onDelete: "purge",
            },
          },
          claims: {
            tests: {
              subject: "app",
              type: "test-result",
              predicate: TEST_RESULT(result),
              signer: o.signer ?? signer.args,
            },
          },
        };
      };

      const preview = await engine.preview({ program: program(resources()) });
      assert.deepEqual(preview.changes, { create: 2 });
      const planned = {
        app: preview.step("app")?.newInputs?.["digest"],
        tests: preview.step("tests")?.newInputs?.["digest"],
      };
      assert.match(
        String(planned.tests),
        /^sha256:/,
        "the claim's digest is known before its subject is pushed",
      );
      assert.deepEqual(await place.store("app").tags(), []);

      const up = await engine.up();
      assert.deepEqual(up.outputs, planned, "what was planned is what is there");
      const [artifact, claim] = [String(planned.app), String(planned.tests)];

      place.clear();
      assert.deepEqual((await engine.up({ expectNoChanges: true })).changes, { same: 2 });
      assert.equal(place.writes(), 0);
      const noop = place.requests();
      place.clear();
      assert.deepEqual(shown(await engine.previewRefresh({ expectNoChanges: true })), {});
      assert.equal(place.writes(), 0);
      context.diagnostic(
        `requests of a no-op up: ${noop}; of a no-op preview --refresh: ${place.requests()}`,
      );

      assert.deepEqual(
        shown(await engine.up({ program: program(resources({ tags: ["v1", "latest"] })) })),
        { "app: update": ["tagged.latest", "tags.1"] },
      );

      const other = signerFiles("other");
      assert.deepEqual(
        shown(await engine.up({ program: program(resources({ signer: other.args })) })),
        {
          "app: update": [
            "signedBy.thumbprint",
            "signer.certificateChainFile",
            "signer.keyFile",
            "tagged.latest",
            "tags.1",
          ],
          "tests: update": ["signedBy.thumbprint", "signer.certificateChainFile", "signer.keyFile"],
        },
      );
      // Drift, refresh, repair.
      await place.store("app").untag("v1");
      await removeManifest(place, "app", claim);
      const drift = shown(await engine.previewRefresh());
      assert.deepEqual(drift["app: refresh"], ["tagged.v1"]);
      assert.deepEqual(drift["app: update"], ["tagged.v1"]);
      assert.ok("tests: create" in drift, JSON.stringify(drift));
      await engine.refresh();
      assert.deepEqual(
        (await engine.state()).flatMap(({ type }) =>
          type.includes("consign:") ? [type.slice(type.lastIndexOf(":") + 1)] : [],
        ),
        ["SignedArtifact"],
        "what is definitely gone is dropped",
      );
      assert.deepEqual((await engine.up()).changes, { update: 1, create: 1 });
      assert.equal((await place.store("app").resolve("v1")).digest, artifact);
      assert.ok((await signaturesOf(place, "app", claim)).length > 0);
      const same = signerFiles("same", { key: other.issued.key });
      writeFileSync(same.args.certificateChainFile, other.issued.chainPem);
      assert.deepEqual(
        (await engine.up({ program: program(resources({ signer: same.args })) })).changes,
        { same: 2 },
        "another path to the same certificate",
      );

      writeFileSync(join(engine.folder, "files", "app.sh"), "echo 2\n");
      assert.deepEqual(
        (await engine.up()).changes,
        { update: 2 },
        "other bytes, and the claim is about the new ones",
      );
      assert.deepEqual(
        (
          await engine.up({
            program: program(resources({ signer: same.args, repository: "moved" })),
          })
        ).changes,
        { replace: 2, "create-replacement": 2, "delete-replaced": 2 },
      );
      assert.deepEqual(await place.store("app").tags(), []);

      assert.deepEqual((await engine.destroy()).changes, { delete: 2 });
      assert.deepEqual(await place.store("moved").tags(), []);
      assert.deepEqual((await engine.destroy()).changes, {});
    },
  );
}
