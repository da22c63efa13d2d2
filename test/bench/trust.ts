// SPDX-License-Identifier: Apache-2.0
import { machine, trustBench } from "./trust-figures";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

trustBench(say)
  .then((cases) => {
    if (process.argv.includes("--json"))
      process.stdout.write(`${JSON.stringify({ bench: "trust", machine, cases })}\n`);
    else
      for (const { name, consign, unit, peers, goal, met } of cases)
        process.stdout.write(
          `${met ? "met " : "MISS"}  ${name}: ${consign} ${unit} (goal: ${goal}${Object.entries(
            peers,
          )
            .map(([peer, value]) => `; ${peer}: ${value}`)
            .join("")})\n`,
        );
    process.exit(0);
  })
  .catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
