#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { run } from "./run";

const { env, stdout, stderr } = process;

async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), {
    env,
    cwd: process.cwd(),
    now: new Date(),
    color: stdout.isTTY && env.TERM !== "dumb" && (env.NO_COLOR ?? "") === "",
    print: (line) => void stdout.write(`${line}\n`),
    tell: (line) => void stderr.write(`${line}\n`),
  });
}

// Whoever reads the output may have seen enough, as `head` does.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

void main();
