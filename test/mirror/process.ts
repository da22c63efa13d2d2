// SPDX-License-Identifier: Apache-2.0
// `pulumi up` of one Mirror in a process of its own, which a test can kill:
//   node --import tsx test/mirror/process.ts '{"baseDir": "…", "args": {…}, "recorded": {"id": "…", "inputs": {…}, "outputs": {…}}}'
import type { Properties } from "../../provider/world/reconciler";
import { MirrorStack } from "./stack";

interface Job {
  baseDir: string;
  args: Properties;
  /** What the run before left; undefined at first. */
  recorded?: { id: string; inputs: Properties; outputs: Properties };
}

async function main(): Promise<void> {
  const { baseDir, args, recorded } = JSON.parse(process.argv[2] ?? "") as Job;
  const stack = new MirrorStack(baseDir);
  if (recorded !== undefined) Object.assign(stack, recorded);
  await stack.up(args);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
