// SPDX-License-Identifier: Apache-2.0
import * as batch from "@pulumi/kubernetes/batch/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Deep } from "../stub";
import {
  driftOf,
  subscriptionOf,
  type DriftCronJobSettings,
  type SubscriptionCronJobSettings,
} from "./cron-job-manifests";
import type { CronJobManifest } from "./objects";
import { imageAndSettings, named, type ImageSource } from "./verified-image";

type Settings<Of> = { [Key in keyof Omit<Of, "name">]: Deep<NonNullable<Of[Key]>> };

export type DriftCronJobArgs = ImageSource & {
  /** Name of the CronJob. @default the resource's name */
  name?: string;
} & Settings<DriftCronJobSettings>;

export type SubscriptionCronJobArgs = ImageSource & {
  /** Name of the CronJob. @default the resource's name */
  name?: string;
} & Settings<SubscriptionCronJobSettings>;

/**
 * Looks for drift on a schedule and changes nothing: `pulumi preview --refresh --expect-no-changes`
 * on a stack, or `consign verify` on an artifact. The image that runs it is verified like any
 * other.
 *
 * Errors: those of {@link Verification}; `REFERENCE_INVALID`, `INPUT_INVALID`.
 *
 * @example
 * ```ts
 * new DriftCronJob("verify-net-monitor", {
 *   verification: consignImage,
 *   namespace: "monitoring",
 *   schedule: "@hourly",
 *   verify: { reference: gate.reference, policy: { configMap: "trust", key: "policy.json" } },
 * });
 * ```
 */
export class DriftCronJob extends pulumi.ComponentResource {
  readonly image: pulumi.Output<string>;
  readonly cronJob: batch.CronJob;

  constructor(name: string, args: DriftCronJobArgs, options?: pulumi.ComponentResourceOptions) {
    super("consign:kubernetes:DriftCronJob", name, {}, options);
    const { image, settings } = imageAndSettings(name, args, this);
    this.image = image;
    this.cronJob = cronJob(
      name,
      pulumi
        .output(settings)
        .apply((known) => driftOf(image, named(name, known as DriftCronJobSettings))),
      this,
    );
    this.registerOutputs({ image });
  }
}

/**
 * Follows other registries on a schedule: tells of news in a stack's mirrors, or takes it over.
 *
 * Errors: those of {@link Verification}; `REFERENCE_INVALID`, `INPUT_INVALID`.
 *
 * @example
 * ```ts
 * new SubscriptionCronJob("follow-wabbit", {
 *   verification: consignImage,
 *   schedule: "@daily",
 *   program: { stack: "acme/mirrors", backend: "s3://acme-stacks" },
 *   onNews: "apply",
 * });
 * ```
 */
export class SubscriptionCronJob extends pulumi.ComponentResource {
  readonly image: pulumi.Output<string>;
  readonly cronJob: batch.CronJob;

  constructor(
    name: string,
    args: SubscriptionCronJobArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("consign:kubernetes:SubscriptionCronJob", name, {}, options);
    const { image, settings } = imageAndSettings(name, args, this);
    this.image = image;
    this.cronJob = cronJob(
      name,
      pulumi
        .output(settings)
        .apply((known) => subscriptionOf(image, named(name, known as SubscriptionCronJobSettings))),
      this,
    );
    this.registerOutputs({ image });
  }
}

function cronJob(
  name: string,
  manifest: pulumi.Output<CronJobManifest<pulumi.Output<string>>>,
  parent: pulumi.Resource,
): batch.CronJob {
  return new batch.CronJob(
    name,
    {
      metadata: manifest.apply(({ metadata }) => metadata),
      spec: manifest.apply(({ spec }) => spec),
    },
    { parent },
  );
}
