// SPDX-License-Identifier: Apache-2.0
// Wabbit Networks publishes net-monitor: signed, with claims, of which only the public ones leave
// the house.
import {
  Claim,
  EndOfLife,
  Mirror,
  SignedArtifact,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

const internal = "oci:.run/registries/internal/net-monitor";
const everyone = "oci:.run/registries/public/net-monitor";

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
  repository: internal,
  tags: ["v1", "v1.0.0"],
  artifactType: "application/vnd.wabbit.net-monitor.v1",
  files: [{ path: "files/net-monitor.sh", mediaType: "text/x-shellscript" }],
  signer,
});

// For the public: what is in it, what a scanner found, what that means, and until when it is
// supported.
const sbom = new Claim("sbom", {
  subject: netMonitor,
  type: "sbom/spdx",
  document: "files/net-monitor.spdx.json",
  audience: "public",
  signer,
});

const scan = new Claim("scan", {
  subject: netMonitor,
  type: "vulnerabilities",
  predicate: {
    scanner: {
      uri: "https://wabbit.example/scanner",
      version: "3.1",
      db: { uri: "https://wabbit.example/db", lastUpdate: "2026-11-20T06:00:00Z" },
      result: [{ id: "CVE-2026-1000", severity: [{ method: "nvd", score: "7.5" }] }],
    },
    metadata: { scanStartedOn: "2026-11-20T08:00:00Z", scanFinishedOn: "2026-11-20T08:01:00Z" },
  },
  audience: "public",
  signer,
});

const vex = new Claim("vex", {
  subject: netMonitor,
  type: "vex",
  predicate: {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://wabbit.example/vex/2026-1",
    author: "Wabbit Networks",
    timestamp: "2026-11-20T09:00:00Z",
    version: 1,
    statements: [
      {
        vulnerability: { name: "CVE-2026-1000" },
        status: "not_affected",
        justification: "vulnerable_code_not_in_execute_path",
      },
    ],
  },
  audience: "public",
  signer,
});

const endOfLife = new EndOfLife("end-of-life", {
  subject: netMonitor,
  date: "2099-06-30",
  reason: "v1 is mended for as long as v2 is new",
  signer,
});

// Not for the public: how it was built, and how it was tested.
const provenance = new Claim("provenance", {
  subject: netMonitor,
  type: "provenance",
  predicate: {
    buildDefinition: {
      buildType: "https://wabbit.example/builds/v1",
      externalParameters: { source: "git+https://wabbit.example/net-monitor@v1" },
    },
    runDetails: { builder: { id: "https://wabbit.example/builder" } },
  },
  signer,
});

const tests = new Claim("tests", {
  subject: netMonitor,
  type: "test-result",
  predicate: {
    result: "PASSED",
    configuration: [{ name: "smoke tests", uri: "https://wabbit.example/net-monitor/tests" }],
    passedTests: ["counts sockets"],
  },
  signer,
});

const published = new Mirror("published", {
  source: netMonitor,
  sourceClaims: [sbom, scan, vex, endOfLife, provenance, tests],
  destinations: [everyone],
  tags: ["v1", "v1.0.0"],
  claims: { audience: "public" },
  trust,
});

export const artifact = netMonitor.reference;
export const inPublic = published.artifact("v1").reference;
