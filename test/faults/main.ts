// SPDX-License-Identifier: Apache-2.0
// `npm run faults -- removal|verdicts [--json] [--sample N] [--seed S] [--registry KIND] [--only TEXT]`
import { parseArgs } from "node:util";
import { REGISTRY_KINDS } from "../harness/registries";
import type { Choice, Report } from "./campaign";
import { removalCampaign } from "./removal";
import { verdictCampaign } from "./verdicts";

const CAMPAIGNS: Readonly<Record<string, (choice: Choice) => Promise<Report>>> = {
  removal: removalCampaign,
  verdicts: verdictCampaign,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      sample: { type: "string" },
      seed: { type: "string" },
      workers: { type: "string" },
      registry: { type: "string", multiple: true },
      only: { type: "string", multiple: true },
    },
  });
  const campaign = CAMPAIGNS[positionals[0] ?? ""];
  if (campaign === undefined)
    throw new Error(`say which campaign: ${Object.keys(CAMPAIGNS).join(" or ")}`);
  const began = performance.now();
  const found = await campaign({
    ...(values.sample === undefined ? {} : { sample: Number(values.sample) }),
    ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
    ...(values.workers === undefined ? {} : { workers: Number(values.workers) }),
    ...(values.only === undefined ? {} : { only: values.only }),
    ...(values.registry === undefined
      ? {}
      : { registries: REGISTRY_KINDS.filter((kind) => values.registry?.includes(kind)) }),
    progress: (line) => void process.stderr.write(`${line}\n`),
  });
  const seconds = Math.round((performance.now() - began) / 1000);
  process.stderr.write(
    `${found.probes} probes, ${found.wrong} wrong, ${found.left.length} with something left, ${seconds} s\n`,
  );
  if (values.json === true) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else
    for (const { id, wrong, details } of found.cases)
      process.stdout.write(`${wrong}: ${id}\n${details.map((line) => `    ${line}\n`).join("")}`);
  process.exitCode = found.wrong === 0 ? 0 : 1;
}

void main();
