// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import { ConsignError } from "../errors";
import { revocationChecker } from "../notation";
import { formatLocation, parseReference } from "../oci/reference";
import { RegistryClient, httpFetch } from "../registry";
import { archiveSchema, checkPlaces, rulesOf } from "../archive/arguments";
import { surveyFacts } from "../archive/survey";
import { asOfSchema } from "../world/as-of";
import { Stores, type ResourceContext } from "../world/context";
import { jsonText, oneLine } from "../printable";
import { Run } from "../world/run";
import { planRetention, planTable, type Entries } from "../retention";
import type { Flags } from "./command-line";
import { environmentFrom, registriesFrom } from "./inspection";
import { readJsonFile } from "./json-file";
import { trustFrom } from "./trust";
import type { ExitCode, World } from "./world";

/** The part of an ArchivePolicy's arguments that says what becomes of artifacts. */
const rulesSchema = archiveSchema.pick({
  archive: true,
  policy: true,
  deployments: true,
  archiveAfter: true,
  retain: true,
  onExpiry: true,
  release: true,
  releaseTags: true,
  releaseUnverified: true,
  purgeGrace: true,
  freeBlobs: true,
  lifecycleIssuers: true,
});

/**
 * `consign retention`: what an ArchivePolicy with these rules would decide about the artifacts of a
 * repository at a time. Reads only. Without the state of a stack nothing is marked yet, so what
 * would be removed later is told as marked.
 */
export async function retention(reference: string, flags: Flags, world: World): Promise<ExitCode> {
  const source = formatLocation(parseReference(reference).location);
  const rules = await readRules(flags, world);
  const trust = await trustFrom("retention", flags, flags.scope ?? source, world);
  if (trust === undefined)
    throw new ConsignError(
      "INPUT_INVALID",
      "whose claims count? say it with --policy, --root or --config-dir",
    );
  const asOf = asOfFrom(flags, world);
  const registries = new RegistryClient({
    settings: await registriesFrom(flags, world),
    baseDir: world.cwd,
    env: environmentFrom(flags, world),
  });
  const fetch = httpFetch();
  const context: ResourceContext = {
    baseDir: world.cwd,
    stores: new Stores(registries, world.cwd),
    fetch,
    revocation: revocationChecker({ fetch }),
    run: new Run(),
    now: () => world.now,
    warn: (message) => world.tell(`consign: ${message}`),
    progress: () => undefined,
  };
  try {
    await checkPlaces({ sources: [source], ...rules }, context);
    const facts = await surveyFacts(
      { ...rules, sources: [source], trust: { notationConfig: "default" } },
      {},
      context,
      { trust },
    );
    const entries = planRetention({
      facts,
      recorded: {},
      rules: rulesOf(rules),
      asOf: asOf.getTime(),
      now: world.now.getTime(),
      marking: false,
    });
    if (flags.json) world.print(jsonText({ reference: source, asOf: asOf.toISOString(), entries }));
    else for (const line of lines(entries)) world.print(oneLine(line));
    return 0;
  } finally {
    await context.stores.close();
  }
}

function lines(entries: Entries): string[] {
  return Object.keys(entries).length === 0
    ? ["nothing here was ever in use, as far as trusted claims say"]
    : planTable(entries);
}

async function readRules({ rules }: Flags, { cwd }: World): Promise<z.infer<typeof rulesSchema>> {
  if (rules === undefined)
    throw new ConsignError(
      "INPUT_INVALID",
      "--rules says what is to become of artifacts: a JSON file with an ArchivePolicy's archive, archiveAfter, retain, onExpiry",
    );
  const parsed = rulesSchema.safeParse(await readJsonFile(cwd, rules, "INPUT_INVALID"));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ConsignError(
    "INPUT_INVALID",
    `${rules}: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`,
  );
}

function asOfFrom({ asOf }: Flags, { now }: World): Date {
  if (asOf === undefined) return now;
  const parsed = asOfSchema.safeParse(asOf);
  if (parsed.success) return new Date(parsed.data);
  throw new ConsignError("INPUT_INVALID", `--as-of ${asOf}: ${parsed.error.issues[0]?.message}`);
}
