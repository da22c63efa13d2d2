// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { readIssuers } from "../claims/index";
import { formatLocation, parseLocation } from "../oci/reference";
import type { Stores } from "../world/context";
import { NO_ADVISORIES, readAdvisories } from "./advisories/folder";
import { answer, type ExposureAnswer } from "./answer/answer";
import { caching, ContentCache, defaultCacheFolder } from "./places/content-cache";
import type { Looking } from "./places/places";
import { scopeOf, subjectOf, type ExposureArguments } from "./question";

/**
 * Which artifacts are affected, in a world that is given. @throws ConsignError as `askExposure` does
 */
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
