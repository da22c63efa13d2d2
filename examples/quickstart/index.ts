// SPDX-License-Identifier: Apache-2.0
// Wabbit Networks publishes net-monitor:v1; ACME Rockets subscribes to it, approves it, and takes
// into use only what is verified.
import * as pulumi from "@pulumi/pulumi";
import {
  Claim,
  Mirror,
  SignedArtifact,
  Verification,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const config = new pulumi.Config();

/** A repository: in the registry given as `registry`, else an OCI image layout in this folder. */
function repository(name: string): string {
  const registry = config.get("registry");
  return registry === undefined ? `oci:.run/registries/${name}` : `${registry}/${name}`;
}

function signer(name: string): Signer {
  return { keyFile: `.run/keys/${name}.key`, certificateChainFile: `.run/keys/${name}.chain.pem` };
}

const wabbit = signer("wabbit");
const acme = signer("acme");
const wabbitIdentity = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const acmeIdentity = "x509.subject: C=US, ST=WA, O=ACME Rockets";

const trustWabbit: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem"] },
  trustedIdentities: [wabbitIdentity],
};
const trustBoth: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem", ".run/keys/acme.root.pem"] },
  trustedIdentities: [wabbitIdentity, acmeIdentity],
};

// 1. Creation: the artifact, signed.
const netMonitor = new SignedArtifact("net-monitor", {
  repository: repository("wabbit/internal/net-monitor"),
  tags: ["v1"],
  artifactType: "application/vnd.wabbit.net-monitor.v1",
  files: [{ path: "files/net-monitor.sh", mediaType: "text/x-shellscript" }],
  signer: wabbit,
});

// 2. Verification: what Wabbit says about it, each claim signed too. The build evidence is not for
// the public.
const sbom = new Claim("sbom", {
  subject: netMonitor,
  type: "sbom/spdx",
  document: "files/net-monitor.spdx.json",
  audience: "public",
  signer: wabbit,
});

const buildEvidence = new Claim("build-evidence", {
  subject: netMonitor,
  type: "provenance",
  predicate: {
    buildDefinition: {
      buildType: "https://wabbit.example/builds/v1",
      externalParameters: { source: "git+https://wabbit.example/net-monitor@v1" },
    },
    runDetails: { builder: { id: "https://wabbit.example/builder" } },
  },
  signer: wabbit,
});

const scan = new Claim("scan", {
  subject: netMonitor,
  type: "vulnerabilities",
  predicate: {
    scanner: {
      uri: "https://wabbit.example/scanner",
      version: "3.1",
      db: { uri: "https://wabbit.example/db", lastUpdate: "2026-11-20T06:00:00Z" },
      result: [],
    },
    metadata: { scanStartedOn: "2026-11-20T08:00:00Z", scanFinishedOn: "2026-11-20T08:01:00Z" },
  },
  audience: "public",
  signer: wabbit,
});

// 3. Distribution: only the public subset leaves the house.
const published = new Mirror("published", {
  source: netMonitor,
  sourceClaims: [sbom, buildEvidence, scan],
  destinations: [repository("wabbit/public/net-monitor")],
  tags: ["v1"],
  claims: { audience: "public" },
  trust: trustWabbit,
});

// 4. Consumer distribution: ACME takes everything Wabbit published.
const subscription = new Mirror("subscription", {
  source: published,
  destinations: [repository("acme/net-monitor")],
  tags: ["v*"],
  trust: trustWabbit,
});

// 5. Consumer verification: ACME's own claim on what it received.
const approval = new Claim("approval", {
  subject: subscription.artifact("v1"),
  type: "vsa",
  predicate: {
    verifier: { id: "https://acme.example/intake" },
    timeVerified: "2026-11-21T09:00:00Z",
    resourceUri: "net-monitor:v1",
    policy: { uri: "https://acme.example/policies/intake/v3" },
    verificationResult: "PASSED",
    verifiedLevels: ["SLSA_BUILD_LEVEL_2"],
  },
  signer: acme,
});

// 6. Consumption: signature and claims are verified; the reference exists only if they hold.
const gate = new Verification(
  "gate",
  {
    artifact: subscription.artifact("v1"),
    trust: trustBoth,
    require: [
      { type: "sbom/spdx", issuer: wabbitIdentity },
      { type: "vulnerabilities", issuer: wabbitIdentity },
      { type: "vsa", issuer: acmeIdentity, condition: 'predicate.verificationResult == "PASSED"' },
    ],
  },
  { dependsOn: approval },
);

export const artifact = netMonitor.reference;
export const scanClaim = scan.reference;
export const deploy = gate.reference;
