// SPDX-License-Identifier: Apache-2.0
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import { chainOf, type StackChainSettings } from "./stack-manifests";
import { imageAndSettings, type ImageSource } from "./verified-image";

export type StackManifestsArgs = ImageSource & StackChainSettings;

/**
 * Stacks for the Pulumi Kubernetes Operator, one waiting for the other: mirror, then verify, then
 * promote. The image of their workspaces is verified. Settings are plain values, since they decide
 * which resources there are.
 *
 * Errors: those of {@link Verification}; `REFERENCE_INVALID`, `INPUT_INVALID`.
 *
 * @example
 * ```ts
 * new StackManifests("intake", {
 *   verification: consignImage,
 *   steps: [
 *     { name: "mirror", stack: "acme/mirror", source: { program: "mirror" } },
 *     { name: "promote", stack: "acme/promote", source: { program: "promote" } },
 *   ],
 * });
 * ```
 */
export class StackManifests extends pulumi.ComponentResource {
  readonly image: pulumi.Output<string>;
  /** By the name of the `Stack`. */
  readonly stacks: Readonly<Record<string, CustomResource>>;

  constructor(name: string, args: StackManifestsArgs, options?: pulumi.ComponentResourceOptions) {
    super("consign:kubernetes:StackManifests", name, {}, options);
    const { image, settings } = imageAndSettings(name, args, this);
    this.image = image;
    const objects = chainOf(image, settings as StackChainSettings);
    this.stacks = Object.fromEntries(
      objects.map((object) => [
        object.metadata.name,
        new CustomResource(`${name}-${object.metadata.name}`, { ...object }, { parent: this }),
      ]),
    );
    this.registerOutputs({ image });
  }
}
