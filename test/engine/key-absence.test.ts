// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EngineFailure, engineMissing, type EngineRun } from "../harness/engine";
import { signerFiles } from "../harness/places";
import { openWorld, program, type Resources } from "./world";

const dueOf = ({ diagnostics }: EngineRun): string[] =>
  diagnostics.filter((line) => /signer\.keyFile: a signature is due/.test(line));

test(
  "without the private key preview, refresh and a no-op up pass; a signature that is due is a warning, then an error",
  { skip: engineMissing() },
  async (context) => {
    const { engine, place } = await openWorld("layout", context);
    const signer = signerFiles();
    writeFileSync(join(engine.folder, "files", "next.sh"), "echo 2\n");
    const resources = (file: string): Resources => ({
      artifacts: {
        app: {
          repository: place.location("app"),
          tags: ["v1"],
          files: [`files/${file}`],
          signer: signer.args,
        },
      },
      claims: {
        tests: {
          subject: "app",
          type: "test-result",
          predicate: { result: "PASSED", configuration: [] },
          signer: signer.args,
        },
      },
    });
    await engine.up({ program: program(resources("app.sh")) });
    const { keyFile } = signer.args;
    renameSync(keyFile, `${keyFile}.away`);
    context.after(() => renameSync(`${keyFile}.away`, keyFile));

    for (const run of [
      await engine.previewRefresh({ expectNoChanges: true }),
      await engine.up({ refresh: true, expectNoChanges: true }),
    ])
      assert.deepEqual(dueOf(run), []);

    const changed = { program: program(resources("next.sh")) };
    assert.notDeepEqual(dueOf(await engine.preview(changed)), []);
    await assert.rejects(engine.up(changed), (error: unknown) => {
      assert.ok(error instanceof EngineFailure, String(error));
      const said = error.run.diagnostics.join("\n");
      assert.match(said, /error: .*signer\.keyFile: .*\[FILE_NOT_FOUND\]/s);
      assert.doesNotMatch(said, /\n\s+at .*\(.*:\d+:\d+\)/, "no stack trace");
      return true;
    });
  },
);
