// SPDX-License-Identifier: Apache-2.0
export { RegistryClient, type RegistryClientOptions } from "./client";
export { Repository } from "./repository";
export { parseRegistrySettings, registrySettingsSchema, type RegistrySettings } from "./settings";
export { DEFAULT_LIMITS, type Limits } from "./transport/limits";
export type { Counters } from "./transport/counters";
export type { ReferrersEvidence, ReferrersSupport } from "./capabilities";
export { httpFetch } from "./transport/http-fetch";
