// SPDX-License-Identifier: Apache-2.0
// ACME Rockets follows Wabbit's net-monitor in two regions: one mirror, two destinations, one plan.
import {
  Claim,
  Mirror,
  SignedArtifact,
  Verification,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const wabbitPublic = "oci:.run/registries/wabbit/net-monitor";
const regions = ["eu", "us"] as const;

const wabbit: Signer = {
  keyFile: ".run/keys/wabbit.key",
  certificateChainFile: ".run/keys/wabbit.chain.pem",
};
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem"] },
  trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"],
};

// What Wabbit publishes; elsewhere, and by other hands, in real life (see the example `publisher`).
const netMonitor = new SignedArtifact("net-monitor", {
  repository: wabbitPublic,
  tags: ["v1.0.0"],
  files: [{ path: "files/net-monitor.sh", mediaType: "text/x-shellscript" }],
  signer: wabbit,
});

const tests = new Claim("tests", {
  subject: netMonitor,
  type: "test-result",
  predicate: {
    result: "PASSED",
    configuration: [{ name: "smoke tests", uri: "https://wabbit.example/net-monitor/tests" }],
  },
  audience: "public",
  signer: wabbit,
});

// ACME: every 1.x, with all that refers to it, in both regions. What does not verify stays out of
// the plan.
const subscription = new Mirror("subscription", {
  source: netMonitor,
  sourceClaims: [tests],
  destinations: regions.map((region) => `oci:.run/registries/acme-${region}/net-monitor`),
  tags: { semver: ">=1 <2" },
  trust,
});

// Each region is verified on its own: what is in one says nothing of the other.
const gates = regions.map(
  (region) =>
    new Verification(
      `gate-${region}`,
      {
        artifact: subscription.plan.apply(
          ({ tags }) => `oci:.run/registries/acme-${region}/net-monitor@${tags["v1.0.0"]}`,
        ),
        trust,
        require: [{ type: "test-result", condition: 'predicate.result == "PASSED"' }],
      },
      { dependsOn: subscription },
    ),
);

export const published = netMonitor.reference;
export const status = subscription.status;
export const eu = gates[0]?.reference;
export const us = gates[1]?.reference;
export const claim = tests.reference;
