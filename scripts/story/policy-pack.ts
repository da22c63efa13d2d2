// SPDX-License-Identifier: Apache-2.0
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const RUNTIME = "nodejs-beside";

/**
 * A copy of a policy pack that every engine can run, and its folder for `--policy-pack`. An engine
 * asks its Node language host to run packs, and the one that can be built from source (see
 * scripts/toolchain.mjs) is from before that. Packs of any other runtime are run by a program of
 * its name on PATH; so the copy names another one, whose program does what the language host would:
 * Node, on Pulumi's own `run-policy-pack`.
 */
export function runnablePack(pack: string, scratch: string): string {
  const [folder, programs] = [join(scratch, "policy-pack"), join(scratch, "policy-host")];
  rmSync(folder, { recursive: true, force: true });
  cpSync(pack, folder, { recursive: true, filter: (path) => !path.endsWith("node_modules") });
  const modules = dirname(dirname(dirname(require.resolve("@pulumi/policy/package.json"))));
  symlinkSync(modules, join(folder, "node_modules"), "junction");
  writeFileSync(join(folder, "PulumiPolicy.yaml"), `name: consign\nruntime: ${RUNTIME}\n`);
  mkdirSync(programs, { recursive: true });
  const script = join(programs, `pulumi-analyzer-policy-${RUNTIME}`);
  const names = ["ORGANIZATION", "PROJECT", "STACK", "DRY_RUN"]
    .map((name) => `export PULUMI_NODEJS_${name}="$PULUMI_${name}"\n`)
    .join("");
  writeFileSync(
    script,
    `#!/bin/sh\n${names}exec node ./node_modules/@pulumi/pulumi/cmd/run-policy-pack "$@"\n`,
  );
  chmodSync(script, 0o755);
  process.env.PATH = [programs, process.env.PATH ?? ""].join(delimiter);
  return folder;
}
