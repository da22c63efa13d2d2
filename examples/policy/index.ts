// SPDX-License-Identifier: Apache-2.0
// A small supply chain that the policy pack in pack/ looks at. `pulumi config set careless true`
// breaks three of its rules.
import * as pulumi from "@pulumi/pulumi";
import {
  Mirror,
  SignedArtifact,
  Verification,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const careless = new pulumi.Config().getBoolean("careless") ?? false;

const wabbit: Signer = {
  keyFile: ".run/keys/wabbit.key",
  certificateChainFile: ".run/keys/wabbit.chain.pem",
};
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem"] },
  trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"],
};

const netMonitor = new SignedArtifact("net-monitor", {
  repository: "oci:.run/registries/wabbit/net-monitor",
  tags: ["v1"],
  files: ["files/net-monitor.sh"],
  signer: wabbit,
});

// Whatever is there, or what Wabbit has signed.
new Mirror("subscription", {
  source: netMonitor,
  destinations: ["oci:.run/registries/acme/net-monitor"],
  tags: ["v1"],
  ...(careless ? {} : { trust }),
});

const gate = new Verification("gate", { artifact: netMonitor.signedReference, trust });

/**
 * Stands for a Deployment of @pulumi/kubernetes, so that this example needs no cluster; the pack
 * cannot tell them apart.
 */
class Workload extends pulumi.ComponentResource {
  constructor(name: string, image: pulumi.Input<string>) {
    const spec = { template: { spec: { containers: [{ name, image }] } } };
    super("kubernetes:apps/v1:Deployment", name, { spec });
    this.registerOutputs({ spec });
  }
}

// A tag, which anybody may move, or what the gate let through.
new Workload("web", careless ? "registry.acme.example/net-monitor:v1" : gate.reference);

export const deploy = gate.reference;
