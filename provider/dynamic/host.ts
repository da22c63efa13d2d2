// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { revocationChecker } from "../notation";
import {
  RegistryClient,
  httpFetch,
  parseRegistriesSettings,
  settingsFile,
  type RegistriesSettings,
} from "../registry";
import { Stores, type ResourceContext } from "../world/context";
import { Run } from "../world/run";
import { engineLog } from "./progress";

interface Config {
  get(key: string): string | undefined;
}

let configured: Config | undefined;
let context: ResourceContext | undefined;

/**
 * Remembers the stack's configuration. One process serves one provider instance, so there is only
 * one.
 */
export function configureHost(config: Config): void {
  configured = config;
}

/**
 * The world as this provider process sees it: made once, at first use, so that a bad setting is an
 * error of the resource that needs it.
 */
export function hostContext(): ResourceContext {
  context ??= makeContext(process.cwd(), configured);
  return context;
}

export function makeContext(
  baseDir: string,
  config: Config | undefined,
  env: NodeJS.ProcessEnv = process.env,
): ResourceContext {
  const registries = new RegistryClient({
    settings: registrySettings(config?.get("consign:registries")),
    override: settingsFile(baseDir, env),
    baseDir,
    env,
  });
  const fetch = httpFetch();
  return {
    baseDir,
    stores: new Stores(registries, baseDir),
    fetch,
    revocation: revocationChecker({ fetch }),
    run: new Run(),
    now: () => new Date(),
    warn: (message) => engineLog("warning", message),
    progress: (message) => engineLog("info", message),
  };
}

function registrySettings(text: string | undefined): RegistriesSettings {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConsignError(
      "CREDENTIALS_INVALID",
      "stack config consign:registries is not JSON: set it with `pulumi config set --path 'consign:registries[\"host\"].…'`",
    );
  }
  return parseRegistriesSettings(value, "stack config consign:registries");
}
