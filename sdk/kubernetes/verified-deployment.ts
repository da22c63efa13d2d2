// SPDX-License-Identifier: Apache-2.0
import * as apps from "@pulumi/kubernetes/apps/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Deep } from "../stub";
import { deploymentOf, type DeploymentSettings } from "./deployment-manifest";
import { imageAndSettings, named, type ImageSource } from "./verified-image";

export type VerifiedDeploymentArgs = ImageSource & {
  /** Name of the Deployment. @default the resource's name */
  name?: string;
} & {
  [Key in keyof Omit<DeploymentSettings, "name">]?: Deep<NonNullable<DeploymentSettings[Key]>>;
};

/**
 * A Deployment whose image is what a verification vouches for, in a pod that the `restricted` Pod
 * Security Standard admits.
 *
 * Errors: those of {@link Verification}; `REFERENCE_INVALID`, `INPUT_INVALID`.
 *
 * @example
 * ```ts
 * new VerifiedDeployment("net-monitor", {
 *   verification: gate,
 *   namespace: "monitoring",
 *   replicas: 2,
 *   container: { ports: [8080], readyPath: "/ready" },
 * });
 * ```
 */
export class VerifiedDeployment extends pulumi.ComponentResource {
  readonly image: pulumi.Output<string>;
  readonly deployment: apps.Deployment;

  constructor(
    name: string,
    args: VerifiedDeploymentArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("consign:kubernetes:VerifiedDeployment", name, {}, options);
    const { image, settings } = imageAndSettings(name, args, this);
    const manifest = pulumi
      .output(settings)
      .apply((known) => deploymentOf(image, named(name, known as Partial<DeploymentSettings>)));
    this.image = image;
    this.deployment = new apps.Deployment(
      name,
      {
        metadata: manifest.apply(({ metadata }) => metadata),
        spec: manifest.apply(({ spec }) => spec),
      },
      { parent: this },
    );
    this.registerOutputs({ image });
  }
}
