// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { z } from "zod";
import { readIssuers } from "../claims/index";
import { openTrust } from "../judging/trust";
import { revocationChecker } from "../notation/index";
import { formatLocation, parseLocation } from "../oci/reference";
import { RegistryClient, httpFetch, parseRegistriesSettings } from "../registry/index";
import { readArguments, type Asking } from "../report/functions";
import { Stores } from "../world/context";
import { NO_ADVISORIES, readAdvisories } from "./advisories/folder";
import { answer, type ExposureAnswer } from "./answer/answer";
import { caching, ContentCache, defaultCacheFolder } from "./places/content-cache";
import type { Looking } from "./places/places";
import { exposureSchema, scopeOf, subjectOf, type ExposureArguments } from "./question";

const askedSchema = exposureSchema.extend({ cache: z.string().min(1).optional() });

/**
 * Which artifacts at some places contain a package, are affected by a vulnerability, or have a
 * claim, and on whose word. A fault is part of the answer, and never makes it better.
 * @throws ConsignError `INPUT_INVALID`, `CONDITION_INVALID`, `REFERENCE_INVALID`, `TRUST_*`,
 * `FILE_*`, `GRAPH_TOO_LARGE`
 */
export async function askExposure(args: unknown, asking: Asking): Promise<ExposureAnswer> {
  const { cache, ...question } = readArguments(askedSchema, args);
  const registries = new RegistryClient({
    settings: parseRegistriesSettings(asking.registries, "consign:registries"),
    baseDir: asking.baseDir,
  });
  const stores = new Stores(registries, asking.baseDir);
  try {
    return await exposureOf(question, {
      baseDir: asking.baseDir,
      now: asking.now,
      revocation: revocationChecker({ fetch: httpFetch() }),
      open: opener(stores, cacheIn(cache, asking.baseDir, process.env)),
      trustAt: (location) => openTrust(question.trust, location, asking),
      progress: () => undefined,
    });
  } finally {
    await stores.close();
  }
}

/** As {@link askExposure}, in a world that is given. */
export async function exposureOf(
  question: ExposureArguments,
  looking: Omit<Looking, "precedence" | "lifecycleIssuers">,
): Promise<ExposureAnswer> {
  const { osv } = question;
  const issuers = await readIssuers(question, looking.baseDir);
  const advisories = osv === undefined ? NO_ADVISORIES : await readAdvisories(looking.baseDir, osv);
  return answer(
    {
      places: question.places.map((place) => formatLocation(parseLocation(place))),
      subject: subjectOf(question, advisories),
      scope: scopeOf(question),
      advisories,
    },
    { ...looking, ...issuers },
  );
}

export function cacheIn(
  folder: string | undefined,
  baseDir: string,
  env: NodeJS.ProcessEnv,
): ContentCache {
  return new ContentCache(
    folder === undefined ? defaultCacheFolder(env) : path.resolve(baseDir, folder),
  );
}

/** Layouts lie on the disk already; what registries have is kept. */
export function opener(stores: Stores, cache: ContentCache): Looking["open"] {
  return async (location) => {
    const store = await stores.observe(location);
    return parseLocation(location).kind === "registry" ? caching(store, cache) : store;
  };
}
