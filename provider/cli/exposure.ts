// SPDX-License-Identifier: Apache-2.0
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConsignError } from "../errors";
import { cacheIn, exposureOf, opener } from "../exposure/exposure-of";
import type { ExposureAnswer } from "../exposure/answer/answer";
import { exposurePage } from "../exposure/answer/page";
import { renderExposure } from "../exposure/answer/text";
import { exposureSchema } from "../exposure/question";
import { revocationChecker } from "../notation";
import { jsonText } from "../printable";
import { RegistryClient, httpFetch } from "../registry";
import { readArguments } from "../report/arguments";
import { Stores } from "../world/context";
import type { Flags } from "./command-line";
import { environmentFrom, registriesFrom } from "./inspection";
import { trustFrom } from "./trust";
import type { ExitCode, World } from "./world";

/**
 * `consign exposure`: which artifacts at some places are affected, and on whose word. Reads only.
 */
export async function exposure(flags: Flags, world: World): Promise<ExitCode> {
  const env = environmentFrom(flags, world);
  const registries = new RegistryClient({
    settings: await registriesFrom(flags, world),
    baseDir: world.cwd,
    env,
  });
  const stores = new Stores(registries, world.cwd);
  try {
    const answer = await exposureOf(questionIn(flags), {
      baseDir: world.cwd,
      now: world.now,
      revocation: revocationChecker({ fetch: httpFetch() }),
      open: opener(stores, cacheIn(flags.exposure.cache, world.cwd, env)),
      trustAt: async (location) => {
        const trust = await trustFrom("exposure", flags, flags.scope ?? location, world);
        if (trust !== undefined) return trust;
        throw new ConsignError(
          "INPUT_INVALID",
          "whose claims count? say it with --policy, --root or --config-dir",
        );
      },
      progress: (message) => world.tell(`consign: ${message}`),
    });
    await show(answer, flags, world);
    return EXIT_CODES[answer.status];
  } finally {
    await stores.close();
  }
}

const EXIT_CODES: Readonly<Record<ExposureAnswer["status"], ExitCode>> = {
  none: 0,
  some: 1,
  unknown: 2,
};

/** The one member that flags do not have is whose word counts, which is told place by place. */
function questionIn({ exposure: asked }: Flags) {
  const { claim, condition, in: places, environment, cache: _cache, ...rest } = asked;
  if (condition !== undefined && claim === undefined)
    throw new ConsignError("INPUT_INVALID", "--condition is about a claim: say --claim TYPE too");
  return readArguments(exposureSchema, {
    ...rest,
    places,
    trust: { notationConfig: "default" },
    ...(environment === undefined ? {} : { environments: environment }),
    ...(claim === undefined
      ? {}
      : { claim: { type: claim, ...(condition === undefined ? {} : { condition }) } }),
  });
}

async function show(answer: ExposureAnswer, flags: Flags, world: World): Promise<void> {
  if (flags.html === undefined) {
    world.print(flags.json ? jsonText(answer) : renderExposure(answer, world.color));
    return;
  }
  const { vulnerability, package: named, claim, osv } = flags.exposure;
  const title = `Exposure to ${vulnerability ?? named ?? claim ?? osv ?? ""}`;
  try {
    await writeFile(resolve(world.cwd, flags.html), exposurePage(answer, title));
  } catch (cause) {
    throw new ConsignError(
      "INPUT_INVALID",
      `--html ${flags.html} cannot be written: ${(cause as Error).message}`,
      { cause },
    );
  }
  world.tell(`consign: wrote ${flags.html}`);
}
