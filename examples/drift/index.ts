// SPDX-License-Identifier: Apache-2.0
// An artifact, two claims, and a gate: what somebody changes behind Pulumi's back shows under its
// own name.
import { Claim, SignedArtifact, Verification, type Signer, type TrustPolicy } from "pulumi-consign";

const signer: Signer = {
  keyFile: ".run/keys/wabbit.key",
  certificateChainFile: ".run/keys/wabbit.chain.pem",
};
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem"] },
  trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"],
};

const netMonitor = new SignedArtifact("net-monitor", {
  repository: "oci:.run/registries/net-monitor",
  tags: ["v1", "stable"],
  files: [{ path: "files/net-monitor.sh", mediaType: "text/x-shellscript" }],
  signer,
});

const tests = new Claim("tests", {
  subject: netMonitor,
  type: "test-result",
  predicate: { result: "PASSED", configuration: [{ name: "smoke tests" }] },
  signer,
});

const deployment = new Claim("deployment", {
  subject: netMonitor,
  type: "deployment",
  predicate: { environment: "production", from: "2026-11-20T09:00:00Z" },
  signer,
});

const gate = new Verification(
  "gate",
  {
    artifact: netMonitor,
    trust,
    require: [{ type: "test-result", condition: 'predicate.result == "PASSED"' }],
  },
  { dependsOn: [tests, deployment] },
);

export const deploy = gate.reference;
export const testsClaim = tests.reference;
export const deploymentClaim = deployment.reference;
