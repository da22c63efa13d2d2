// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EngineFailure, engineMissing, type EngineRun } from "../harness/engine";
import { signerFiles } from "../harness/places";
import { openWorld, program, type Resources } from "./world";

const STACK = /\n\s+at .*:\d+:\d+/;

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
      assert.doesNotMatch(said, STACK);
      return true;
    });
  },
);

test(
  "an argument inside another is named, and no value that is not there is shown; a failed refresh has no stack",
  { skip: engineMissing() },
  async (context) => {
    const { engine, place } = await openWorld("layout", context);
    const { args: signer } = signerFiles();
    const app = (o: object = {}): Resources => ({
      artifacts: {
        app: {
          repository: place.location("app"),
          files: ["files/app.sh"],
          signer: { ...signer, ...o },
        },
      },
    });
    const failed = async (run: Promise<EngineRun>): Promise<string> =>
      run.then(
        () => assert.fail("it passes"),
        (error: unknown) => {
          assert.ok(error instanceof EngineFailure, String(error));
          return `${error.run.diagnostics.join("\n")}\n${error.run.stdout}`;
        },
      );
    const wrong = app({ certificateChainFile: "none.pem" });
    const said = await failed(engine.preview({ program: program(wrong) }));
    assert.match(said, /signer\.certificateChainFile: .*\[FILE_NOT_FOUND\]/);
    assert.doesNotMatch(said, /<nil>/);
    await engine.up({ program: program(app()) });
    const layout = join(engine.folder, place.location("app").slice("oci:".length));
    renameSync(layout, `${layout}.away`);
    context.after(() => renameSync(`${layout}.away`, layout));
    const refreshed = await failed(engine.refresh());
    assert.match(refreshed, /\[LAYOUT_INVALID\]/);
    assert.doesNotMatch(refreshed, STACK);
  },
);
