// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import { Verification, type VerificationArgs } from "../verification";
import { pinnedImage } from "./pinned-image";

/**
 * What puts an image into a workload: a verification of this program, or what to verify. There is
 * no way around it.
 */
export type ImageSource = { verification: Verification | VerifiedImage } | VerificationArgs;

/**
 * A verification with what workloads want of it: `image`, pinned by digest. While the artifact is
 * not verified, `image` does not exist: nothing that uses it is created or changed.
 *
 * Errors: those of {@link Verification}; `REFERENCE_INVALID` if what was verified lies where a node
 * cannot pull it.
 *
 * @example
 * ```ts
 * const { image } = new VerifiedImage("net-monitor", {
 *   artifact: "registry.acme-rockets.io/net-monitor:v1",
 *   trust,
 * });
 * ```
 */
export class VerifiedImage extends pulumi.ComponentResource {
  readonly verification: Verification;
  /** `registry/repository@sha256:…` */
  readonly image: pulumi.Output<string>;

  constructor(name: string, args: ImageSource, options?: pulumi.ComponentResourceOptions) {
    super("consign:kubernetes:VerifiedImage", name, {}, options);
    this.verification = verificationOf(name, args, this);
    this.image = imageOf(this.verification, name);
    this.registerOutputs({ image: this.image });
  }
}

function verificationOf(name: string, args: ImageSource, parent: pulumi.Resource): Verification {
  if (!("verification" in args)) return new Verification(name, args, { parent });
  return args.verification instanceof VerifiedImage
    ? args.verification.verification
    : args.verification;
}

/** Depends on the verification, also where a preview knows the reference already. */
function imageOf(verification: Verification, name: string): pulumi.Output<string> {
  return pulumi
    .output(verification.reference)
    .apply((reference: string | undefined) => pinnedImage(reference, `the image of ${name}`));
}

/** Every argument of a verification, so that none is taken for one of the workload. */
const SOURCE: Readonly<Record<keyof VerificationArgs | "verification", true>> = {
  verification: true,
  artifact: true,
  trust: true,
  require: true,
  deny: true,
  precedence: true,
  lifecycleIssuers: true,
  followRedirects: true,
  mirror: true,
};

/** Splits a component's arguments into where its image comes from and all the rest. */
export function imageAndSettings<Args extends ImageSource>(
  name: string,
  args: Args,
  parent: pulumi.Resource,
): { image: pulumi.Output<string>; settings: Omit<Args, keyof VerificationArgs | "verification"> } {
  const settings = Object.fromEntries(
    Object.entries(args).filter(([key]) => !Object.hasOwn(SOURCE, key)),
  ) as Omit<Args, keyof VerificationArgs | "verification">;
  return { image: imageOf(verificationOf(name, args, parent), name), settings };
}

/** An object is called as its resource, unless it says otherwise. */
export function named<Settings extends { name?: string }>(
  name: string,
  settings: Settings,
): Settings & { name: string } {
  return { ...settings, name: settings.name ?? name };
}
