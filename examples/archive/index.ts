// SPDX-License-Identifier: Apache-2.0
// An archive that a scheduled `pulumi up` keeps, and a legal hold.
import * as pulumi from "@pulumi/pulumi";
import {
  ArchivePolicy,
  Claim,
  Promotion,
  SignedArtifact,
  Verification,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const config = new pulumi.Config();
/**
 * For the story only, and for the archive. Without it each run plans for now: the schedule is the
 * clock.
 */
const asOf = config.get("asOf");
const release = config.require("release");
const HOLD = "https://acme.example/claims/litigation/v1";

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
const clock = asOf === undefined ? {} : { asOf };

const v1 = new SignedArtifact("v1", {
  repository: place("build"),
  tags: ["v1"],
  files: ["files/v1.txt"],
  signer: acme,
});
const v2 = new SignedArtifact("v2", {
  repository: place("build"),
  tags: ["v2"],
  files: ["files/v2.txt"],
  signer: acme,
});
const gate = new Verification("gate", { artifact: release === "v1" ? v1 : v2, trust });
const production = new Promotion("production", {
  artifact: gate,
  environment: "production",
  to: place("production"),
  tag: "current",
  signer: acme,
});

// The court's order hangs on the artifact itself, where it is archived, so whoever looks at the
// artifact finds it.
const held = config.get("hold") ?? "none";
if (held !== "none") {
  new Claim("hold", {
    subject: held,
    type: HOLD,
    predicate: { case: "ACME v. Road Runner", ordered: "2026-06-01" },
    signer: acme,
  });
}

const archive = new ArchivePolicy("archive", {
  sources: [place("production")],
  archive: place("archive"),
  promotions: [production],
  archiveAfter: "30d",
  retain: { for: "180d", from: "end-of-production", holds: [{ claim: HOLD }] },
  onExpiry: "purge",
  // In this story what one run marks the next one takes; by default blobs wait for a day.
  purgeGrace: "0s",
  signer: acme,
  trust,
  ...clock,
});

export const running = production.reference;
export const archived = v1.digest.apply((digest) => `${place("archive")}@${digest}`);
export const plan = archive.plan;
export const entries = archive.entries;
