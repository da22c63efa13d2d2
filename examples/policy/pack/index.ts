// SPDX-License-Identifier: Apache-2.0
// A policy pack (Pulumi CrossGuard) for stacks that use Consign: `pulumi up --policy-pack
// examples/policy/pack`.
import {
  PolicyPack,
  type ReportViolation,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
} from "@pulumi/policy";
import {
  distrustlessMirror,
  plainHttpRegistries,
  shortRetention,
  unsignedArtifacts,
  unverifiedImages,
  type Violation,
} from "./rules";

function reportAll(violations: readonly Violation[], report: ReportViolation): void {
  for (const { message, urn } of violations) report(message, urn);
}

const imagesAreVerified: StackValidationPolicy = {
  name: "images-are-verified",
  description:
    "Container images are pinned by digest and vouched for by a Verification of the same stack.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => reportAll(unverifiedImages(resources), report),
};

const artifactsAreSigned: StackValidationPolicy = {
  name: "artifacts-are-signed",
  description: "What is published carries a signature that was read back and verified.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => reportAll(unsignedArtifacts(resources), report),
};

const mirrorsHaveTrust: ResourceValidationPolicy = {
  name: "mirrors-have-trust",
  description: "A Mirror has a trust policy that refuses what is unsigned.",
  enforcementLevel: "mandatory",
  validateResource: (resource, report) => {
    const message = distrustlessMirror(resource);
    if (message !== undefined) report(message);
  },
};

const retentionHasAFloor: ResourceValidationPolicy = {
  name: "retention-has-a-floor",
  description: "An ArchivePolicy purges nothing before a least age.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: { floor: { type: "string", default: "365d", description: "As 90d or 7y" } },
  },
  validateResource: (resource, report) => {
    const message = shortRetention(resource, resource.getConfig<{ floor: string }>().floor);
    if (message !== undefined) report(message);
  },
};

const registriesUseTls: StackValidationPolicy = {
  name: "registries-use-tls",
  description: "Registries are spoken to over TLS, but for those on this machine.",
  enforcementLevel: "advisory",
  validateStack: ({ resources }, report) => reportAll(plainHttpRegistries(resources), report),
};

new PolicyPack("consign", {
  policies: [
    imagesAreVerified,
    artifactsAreSigned,
    mirrorsHaveTrust,
    retentionHasAFloor,
    registriesUseTls,
  ],
});
