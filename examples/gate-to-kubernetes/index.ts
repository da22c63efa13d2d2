// SPDX-License-Identifier: Apache-2.0
// A gate before Kubernetes: what is not approved has no reference, and what has no reference does
// not run.
import * as pulumi from "@pulumi/pulumi";
import { Claim, SignedArtifact, Verification, type Signer, type TrustPolicy } from "pulumi-consign";
import {
  deploymentManifest,
  driftCronJob,
  toYaml,
  VerifiedDeployment,
} from "pulumi-consign/kubernetes";

const config = new pulumi.Config();
const registry = config.require("registry");

const signer = (name: string): Signer => ({
  keyFile: `.run/keys/${name}.key`,
  certificateChainFile: `.run/keys/${name}.chain.pem`,
});
const acme = "x509.subject: C=US, ST=WA, O=ACME Rockets";
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem", ".run/keys/acme.root.pem"] },
  trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks", acme],
};

const netMonitor = new SignedArtifact("net-monitor", {
  repository: `${registry}/net-monitor`,
  tags: ["v1"],
  files: ["files/net-monitor.sh"],
  signer: signer("wabbit"),
});

// `pulumi config set approved true`: ACME's intake has said yes.
const approvals =
  config.getBoolean("approved") !== true
    ? []
    : [
        new Claim("approval", {
          subject: netMonitor,
          type: "vsa",
          predicate: {
            verifier: { id: "https://acme.example/intake" },
            timeVerified: "2026-11-21T09:00:00Z",
            resourceUri: "net-monitor:v1",
            policy: { uri: "https://acme.example/policies/intake/v3" },
            verificationResult: "PASSED",
            verifiedLevels: ["SLSA_BUILD_LEVEL_2"],
          },
          signer: signer("acme"),
        }),
      ];

const gate = new Verification(
  "gate",
  {
    artifact: netMonitor,
    trust,
    require: [{ type: "vsa", issuer: acme, condition: 'predicate.verificationResult == "PASSED"' }],
  },
  { dependsOn: approvals },
);

const settings = {
  name: "net-monitor",
  namespace: "monitoring",
  replicas: 2,
  container: { ports: [8080], readyPath: "/ready" },
};

// `pulumi config set cluster true`: into the cluster of your kubeconfig, with Pulumi's Kubernetes
// plugin.
if (config.getBoolean("cluster") === true)
  new VerifiedDeployment("net-monitor", { verification: gate, ...settings });

// What runs `consign` in the cluster is verified too. Without an image for that, the manifest is
// only to be looked at.
const runner = config.get("runner");
const runnerGate =
  runner === undefined ? gate : new Verification("runner", { artifact: runner, trust });

export const image = gate.reference;

/**
 * The same without a cluster, as YAML: the workload, and a job that verifies what it runs, every
 * hour. Both are of the verified digest.
 */
export const manifests = pulumi
  .all([gate.reference, runnerGate.reference])
  .apply(([reference, runnerImage]) =>
    toYaml([
      deploymentManifest(reference, settings),
      driftCronJob(runnerImage, {
        name: "verify-net-monitor",
        namespace: "monitoring",
        schedule: "@hourly",
        verify: { reference, policy: { configMap: "trust", key: "policy.json" }, require: ["vsa"] },
      }),
    ]),
  );
