// SPDX-License-Identifier: Apache-2.0
// Manifests as plain values: functions of their arguments alone, for the components and for whoever
// wants YAML.
export {
  driftCronJob,
  subscriptionCronJob,
  type DriftCronJobSettings,
  type StackRun,
  type SubscriptionCronJobSettings,
  type VerifyRun,
} from "./cron-job-manifests";
export type { ContainerSettings, PodSettings, SecretKey } from "./container";
export { deploymentManifest, type DeploymentSettings } from "./deployment-manifest";
export type {
  Container,
  CronJobManifest,
  DeploymentManifest,
  EnvironmentVariable,
  Manifest,
  Metadata,
  PodSpec,
  PodTemplate,
  Resources,
} from "./objects";
export { pinnedImage } from "./pinned-image";
export type { ScheduleSettings } from "./scheduled-run";
export {
  stackChain,
  stackObject,
  type StackChainSettings,
  type StackObject,
  type StackSettings,
  type StackSource,
  type StackSpec,
  type StackStep,
} from "./stack-manifests";
export { toYaml } from "./yaml";
