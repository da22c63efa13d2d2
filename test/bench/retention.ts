// SPDX-License-Identifier: Apache-2.0
// Planning over 10,000 artifacts with five claims each from what is recorded, as a preview does it:
// `npm run bench -- retention --json`.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { digestOf } from "../../provider/oci/digest";
import { encodeEvidence, planRetention, type Evidence, type Facts } from "../../provider/retention";
import { tempDir } from "../harness/temp";
import { party, trustOf } from "../harness/memory-world";

const ARTIFACTS = 10_000;
const DAY = 86_400_000;
const START = Date.parse("2020-01-01T00:00:00Z");

const at = (day: number): string => new Date(START + day * DAY).toISOString().replace(".000Z", "Z");

/** Two stays, closed, and an end of life: five claims. Half of it is archived. */
function factsOf(index: number): Facts {
  const begin = index % 1_000;
  const said: Evidence[] = [
    { kind: "deployment", environment: "staging", from: at(begin) },
    { kind: "deployment", environment: "staging", from: at(begin), until: at(begin + 20) },
    { kind: "deployment", environment: "production", from: at(begin + 21) },
    { kind: "deployment", environment: "production", from: at(begin + 21), until: at(begin + 200) },
    index % 2 === 0
      ? { kind: "archived", at: at(begin + 240) }
      : { kind: "end-of-life", date: at(begin + 700) },
  ];
  const evidence = Object.fromEntries(
    said.map((each, claim) => [digestOf(`claim ${index} ${claim}`), encodeEvidence(each)]),
  );
  return {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    size: 1_234,
    tags: { "registry.example/app": [`v${index}`] },
    at: ["registry.example/app"],
    evidence,
    ...(index % 2 === 0 ? { inArchive: true } : {}),
  };
}

/** What a stack would have recorded three years before, as text. */
function recorded(args: object): string {
  const facts = Object.fromEntries(
    Array.from({ length: ARTIFACTS }, (_, index) => [
      digestOf(`artifact ${index}`),
      factsOf(index),
    ]),
  );
  const rules = {
    archiveAfter: { text: "9000d", ms: 9_000 * DAY },
    retain: { text: "3y", ms: 1_095 * DAY },
    since: "end-of-production",
    holds: [],
    onExpiry: "report",
    release: "never",
  } as const;
  const entries = planRetention({
    facts,
    recorded: {},
    rules,
    asOf: Date.parse("2023-01-01"),
    marking: true,
  });
  return JSON.stringify({ ...args, asOf: "2023-01-01T00:00:00Z", entries });
}

const measuredSchema = z.object({
  seconds: z.number(),
  connections: z.number(),
  baseline: z.number(),
  peak: z.number(),
  decisions: z.record(z.string(), z.number()),
});

function main(): void {
  const acme = party("ACME Rockets");
  const args = {
    sources: ["registry.example/app"],
    archive: "archive.example/app",
    archiveAfter: "30d",
    retain: { for: "3y" },
    onExpiry: "purge",
    observe: "refresh",
    signer: acme.signer,
    trust: trustOf(acme),
  };
  const file = join(tempDir("bench"), "state.json");
  const state = recorded(args);
  writeFileSync(file, JSON.stringify({ args, state: JSON.parse(state) as unknown }));
  // A process of its own, as a provider's is, with what is installed: no TypeScript, nothing that
  // made the state.
  const output = execFileSync(process.execPath, [join(__dirname, "retention-provider.mjs"), file], {
    encoding: "utf8",
    maxBuffer: 1024 * 1024,
  });
  const { seconds, connections, baseline, peak, decisions } = measuredSchema.parse(
    JSON.parse(output),
  );
  const cases = [
    {
      name: `plan ${ARTIFACTS} artifacts with 5 claims each, from state: check and diff`,
      unit: "s",
      consign: seconds,
      peers: {},
      goal: "< 5",
      met: seconds < 5,
    },
    {
      name: "connections opened for it",
      unit: "connections",
      consign: connections,
      peers: {},
      goal: "0",
      met: connections === 0,
    },
    {
      name: `peak memory of the provider's process, ${baseline} MB of it before any work`,
      unit: "MB",
      consign: peak,
      peers: {},
      goal: "< 300",
      met: peak < 300,
    },
    {
      name: "recorded inputs",
      unit: "MB",
      consign: Number((state.length / 1024 / 1024).toFixed(1)),
      peers: {},
      goal: "reported",
      met: true,
    },
  ];
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? "", node: process.version };
  if (process.argv.includes("--json"))
    process.stdout.write(`${JSON.stringify({ bench: "retention", machine, cases, decisions })}\n`);
  else
    for (const { name, consign, unit, goal, met } of cases)
      process.stdout.write(
        `${met ? "met " : "MISS"}  ${name}: ${consign} ${unit} (goal: ${goal})\n`,
      );
}

main();
