// SPDX-License-Identifier: Apache-2.0
// With `wrong`, a stack that breaks every rule of the policy pack; without, the same done right.
import * as pulumi from "@pulumi/pulumi";
import {
  Mirror,
  SignedArtifact,
  Verification,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const wrong = new pulumi.Config().requireBoolean("wrong");

/**
 * Stands for a Deployment, as Pulumi's Kubernetes plugin cannot be had here; to a policy it is the
 * same.
 */
class Deployment extends pulumi.ComponentResource {
  constructor(name: string, image: pulumi.Input<string>) {
    const spec = { template: { spec: { containers: [{ name, image }] } } };
    super("kubernetes:apps/v1:Deployment", name, { spec });
    this.registerOutputs({ spec });
  }
}

/** Stands for a resource that only its arguments matter of. */
class Declared extends pulumi.CustomResource {
  constructor(kind: string, name: string, args: pulumi.Inputs) {
    super(`pulumi-nodejs:dynamic/consign:${kind}`, name, {
      ...args,
      __provider:
        "exports.handler=()=>({check:async(o,inputs)=>({inputs}),create:async(outs)=>({id:'one',outs})})",
    });
  }
}

const signer: Signer = {
  keyFile: "keys/wabbit.key",
  certificateChainFile: "keys/wabbit.chain.pem",
};
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: ["keys/wabbit.root.pem"] },
  trustedIdentities: ["*"],
};

const artifact = new SignedArtifact("net-monitor", {
  repository: "oci:registries/wabbit",
  tags: ["v1"],
  files: ["net-monitor.sh"],
  signer,
});
new Mirror("subscription", {
  source: artifact,
  destinations: ["oci:registries/acme"],
  tags: ["v1"],
  ...(wrong ? {} : { trust }),
});
const gate = new Verification("gate", { artifact: artifact.signedReference, trust });
new Declared("ArchivePolicy", "archive", {
  retain: { for: wrong ? "30d" : "7y" },
  onExpiry: "purge",
});
new Deployment("web", wrong ? "registry.acme.example/net-monitor:v1" : gate.reference);
