#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { redact } from "../errors";
import { nodeComplaint } from "../node-version";
import { oneLine } from "../printable";

const { env, stdout, stderr } = process;

async function main(): Promise<void> {
  const complaint = nodeComplaint(process.versions.node);
  if (complaint !== undefined) {
    stderr.write(`consign: ${complaint}\n`);
    process.exitCode = 2;
    return;
  }
  // Not before: an older Node cannot load it.
  const { run } = require("./run") as typeof import("./run");
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

// A crash is no answer: left alone, Node would end with 1, which says "not verified".
process.on("uncaughtException", (error) => {
  stderr.write(`consign: ${oneLine(redact(error.message))} [INTERNAL]\n`);
  process.exit(2);
});

void main();
