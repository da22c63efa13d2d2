// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { openTrust } from "../judging/trust";
import { revocationChecker } from "../notation/index";
import { RegistryClient, httpFetch, parseRegistriesSettings } from "../registry/index";
import { readArguments } from "../report/arguments";
import type { Asking } from "../report/functions";
import { Stores } from "../world/context";
import type { ExposureAnswer } from "./answer/answer";
import { cacheIn, exposureOf, opener } from "./exposure-of";
import { exposureSchema } from "./question";

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
