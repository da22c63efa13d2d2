// SPDX-License-Identifier: Apache-2.0
export { RegistryClient, type RegistryClientOptions } from "./client";
export { Repository } from "./repository";
export {
  parseRegistriesSettings,
  parseRegistrySettings,
  registrySettingsSchema,
  type RegistriesSettings,
  type RegistrySettings,
} from "./settings";
export { settingsFile } from "./settings-file";
export { DEFAULT_LIMITS, type Limits } from "./transport/limits";
export type { Counters } from "./transport/counters";
export type { ReferrersEvidence, ReferrersSupport } from "./capabilities";
export { httpFetch } from "./transport/http-fetch";
