// SPDX-License-Identifier: Apache-2.0
/**
 * Kubernetes workloads whose images a verification vouches for: `pulumi-consign/kubernetes`. Needs
 * the peer dependency `@pulumi/kubernetes`.
 */
export {
  DriftCronJob,
  SubscriptionCronJob,
  type DriftCronJobArgs,
  type SubscriptionCronJobArgs,
} from "./cron-jobs";
export * from "./manifests";
export { StackManifests, type StackManifestsArgs } from "./stack-objects";
export { VerifiedDeployment, type VerifiedDeploymentArgs } from "./verified-deployment";
export { VerifiedImage, type ImageSource } from "./verified-image";
