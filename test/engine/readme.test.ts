// SPDX-License-Identifier: Apache-2.0
// README's first program, word for word, from the packed tarball, in a project as Pulumi's template makes it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { engineMissing, openEngine } from "../harness/engine";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";
import { packPackage } from "../package/consumer";

const readme = readFileSync(join(repositoryRoot, "README.md"), "utf8");
const section = /\n## A first program\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? "";

function blocks(language: string): string[] {
  return [...section.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, text = ""]) => text,
  );
}

/** What `pulumi new typescript` writes beside the program. */
const TEMPLATE = {
  "Pulumi.yaml": "name: first\nruntime:\n  name: nodejs\n  options:\n    packagemanager: npm\n",
  "package.json": JSON.stringify({ name: "first", main: "index.ts" }),
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      strict: true,
      outDir: "bin",
      target: "es2020",
      module: "commonjs",
      moduleResolution: "node",
      sourceMap: true,
      experimentalDecorators: true,
      pretty: true,
      noFallthroughCasesInSwitch: true,
      noImplicitReturns: true,
      forceConsistentCasingInFileNames: true,
      skipLibCheck: true,
    },
    files: ["index.ts"],
  }),
};

test(
  "README's first program runs as it stands there",
  { skip: engineMissing("folder") },
  async () => {
    const folder = tempDir("readme");
    for (const [name, text] of Object.entries(TEMPLATE)) writeFileSync(join(folder, name), text);
    const [install = "", prepare = ""] = blocks("sh");
    const { version } = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8")) as {
      version: string;
    };
    assert.match(install, new RegExp(`pulumi-consign-${version}\\.tgz`));
    execFileSync("sh", ["-ec", prepare], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    const [program = ""] = blocks("ts");
    writeFileSync(join(folder, "index.ts"), program);
    const modules = join(packPackage().project, "node_modules");
    const engine = await openEngine({ folder, modules, project: "first", asUsed: true });

    const preview = await engine.preview();
    assert.deepEqual(preview.changes, { create: 5 });
    assert.ok(!existsSync(join(engine.folder, "registries", "wabbit", "index.json")));
    const up = await engine.up();
    assert.deepEqual(up.changes, { create: 5 });
    assert.match(String(up.outputs["image"]), /^oci:registries\/acme-eu@sha256:[0-9a-f]{64}$/);
    assert.deepEqual((await engine.up({ expectNoChanges: true })).changes, { same: 5 });
    await engine.destroy();
  },
);
