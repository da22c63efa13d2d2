// SPDX-License-Identifier: Apache-2.0
// Two companies, two stacks, each with its own half of the program: `wabbit` publishes and revokes,
// `acme` mirrors, verifies and deploys.
import * as pulumi from "@pulumi/pulumi";
import {
  Mirror,
  Redirect,
  Revocation,
  SignedArtifact,
  Verification,
  type Claim,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const config = new pulumi.Config();
const repository = (name: string): string => `oci:.run/registries/${name}/net-monitor`;

const wabbitIdentity = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem"] },
  trustedIdentities: [wabbitIdentity],
};

/**
 * Wabbit Networks: `pulumi config set revoked true` on the day when v1 turns out to be dangerous.
 */
function wabbit(): pulumi.Inputs {
  const signer: Signer = {
    keyFile: ".run/keys/wabbit.key",
    certificateChainFile: ".run/keys/wabbit.chain.pem",
  };
  const revoked = config.getBoolean("revoked") ?? false;
  const release = (version: string): SignedArtifact =>
    new SignedArtifact(`net-monitor-${version}`, {
      repository: repository("wabbit-internal"),
      tags: [version],
      files: [
        {
          path: `files/net-monitor-${version}.sh`,
          mediaType: "text/x-shellscript",
          title: "net-monitor.sh",
        },
      ],
      signer,
    });
  const v1 = release("v1");
  const claims: Claim[] = [];
  if (revoked) {
    const v2 = release("v2");
    claims.push(
      new Revocation("v1-is-revoked", {
        subject: v1,
        reason: "CVE-2026-2000: reads any file of the host",
        signer,
      }),
      new Redirect("v2-instead", { subject: v1, to: v2.digest, reason: "v2 has the fix", signer }),
    );
  }
  const published = new Mirror(
    "published",
    {
      source: repository("wabbit-internal"),
      destinations: [repository("wabbit-public")],
      tags: ["v*"],
      claims: { audience: "public" },
      trust,
    },
    { dependsOn: [v1, ...claims] },
  );
  return { v1: v1.reference, published: published.plan.apply(({ tags }) => tags) };
}

/**
 * ACME Rockets: two regions. `pulumi config set follow true` lets redirects of Wabbit's decide what
 * replaces what.
 */
function acme(): pulumi.Inputs {
  const regions = ["eu", "us"].map((region) => ({ region, home: repository(`acme-${region}`) }));
  const subscription = new Mirror("subscription", {
    source: repository("wabbit-public"),
    destinations: regions.map(({ home }) => home),
    tags: ["v*"],
    trust,
  });
  const gates = regions.map(({ region, home }) => {
    const gate = new Verification(
      `gate-${region}`,
      {
        artifact: pulumi.interpolate`${home}:v1`,
        trust,
        lifecycleIssuers: {
          revocation: [wabbitIdentity],
          redirect: [wabbitIdentity],
          endOfLife: [wabbitIdentity],
        },
        followRedirects: config.getBoolean("follow") === true ? "verify" : "never",
      },
      { dependsOn: subscription },
    );
    return [region, gate.reference] as const;
  });
  return { deploy: Object.fromEntries(gates) };
}

const outputs = pulumi.getStack() === "wabbit" ? wabbit() : acme();
module.exports = outputs;
