// SPDX-License-Identifier: Apache-2.0
// Releases go through dev and staging to production, are archived when production is done with
// them, and purged when their time is over.
import * as pulumi from "@pulumi/pulumi";
import {
  ArchivePolicy,
  Promotion,
  SignedArtifact,
  Verification,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const config = new pulumi.Config();
/**
 * The day it is for the archive, in this story; a program of your own leaves it out, and it is now.
 */
const asOf = config.require("asOf");
/** Which release runs where, as `{"dev":"v2","staging":"v1","production":"v1"}`. */
const runs = config.requireObject<Record<string, string>>("runs");

const acme: Signer = {
  keyFile: ".run/keys/acme.key",
  certificateChainFile: ".run/keys/acme.chain.pem",
};
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/acme.root.pem"] },
  trustedIdentities: ["x509.subject: C=US, ST=WA, O=ACME Rockets"],
};
const place = (name: string): string => `oci:.run/registries/${name}/net-monitor`;

// What was built. Each release is signed, and verified before anything is done with it.
const built: Record<string, Verification> = {};
for (const release of new Set(Object.values(runs))) {
  const artifact = new SignedArtifact(release, {
    repository: place("build"),
    tags: [release],
    files: [`files/${release}.txt`],
    signer: acme,
  });
  built[release] = new Verification(`${release}-gate`, { artifact, trust });
}

// What runs where. An older release is a rollback, and nothing but a promotion.
const environments = Object.entries(runs).map(([environment, release]) => {
  const artifact = built[release];
  if (artifact === undefined) throw new Error(`${environment} runs ${release}, which nobody built`);
  return new Promotion(environment, {
    artifact,
    environment,
    to: place(environment),
    tag: "current",
    signer: acme,
  });
});

// What becomes of it when nobody runs it any more.
const archive = new ArchivePolicy("archive", {
  sources: Object.keys(runs).map(place),
  archive: place("archive"),
  promotions: environments,
  archiveAfter: "60d",
  retain: { for: "1y", from: "end-of-production" },
  onExpiry: "purge-content",
  // In this story what one run marks the next one takes; by default blobs wait for a day.
  purgeGrace: "0s",
  release: "after-archive",
  signer: acme,
  trust,
  asOf,
});

export const moves = pulumi.all(environments.map(({ move }) => move));
export const history = environments.at(-1)?.history;
export const plan = archive.plan;
export const entries = archive.entries;
