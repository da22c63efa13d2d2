// SPDX-License-Identifier: Apache-2.0
// ACME Rockets judges for itself: its own claims on Wabbit's artifact, which count more than
// Wabbit's.
import * as pulumi from "@pulumi/pulumi";
import {
  Claim,
  Mirror,
  SignedArtifact,
  Verification,
  type Signer,
  type TrustPolicy,
} from "pulumi-consign";

/** `pulumi config set examined true`: ACME's security people have looked at it. */
const examined = new pulumi.Config().getBoolean("examined") ?? false;

const signer = (name: string): Signer => ({
  keyFile: `.run/keys/${name}.key`,
  certificateChainFile: `.run/keys/${name}.chain.pem`,
});
const wabbit = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const acme = "x509.subject: C=US, ST=WA, O=ACME Rockets";
const trust: TrustPolicy = {
  signatureVerification: { level: "strict" },
  roots: { ca: [".run/keys/wabbit.root.pem", ".run/keys/acme.root.pem"] },
  trustedIdentities: [wabbit, acme],
};

const vex = (
  author: string,
  statement: Record<string, unknown>,
  timestamp: string,
): Record<string, unknown> => ({
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": `https://${author}.example/vex/1`,
  author,
  timestamp,
  version: 1,
  statements: [{ vulnerability: { name: "CVE-2026-1000" }, ...statement }],
});
const tested = (result: "PASSED" | "FAILED"): Record<string, unknown> => ({
  result,
  configuration: [{ name: "load test, 10 000 sockets" }],
});

// Wabbit: found a vulnerability, has not said yet what it means; its load test passed.
const netMonitor = new SignedArtifact("net-monitor", {
  repository: "oci:.run/registries/wabbit/net-monitor",
  tags: ["v1"],
  files: [{ path: "files/net-monitor.sh", mediaType: "text/x-shellscript" }],
  signer: signer("wabbit"),
});
const scan = new Claim("scan", {
  subject: netMonitor,
  type: "vulnerabilities",
  predicate: {
    scanner: {
      uri: "https://wabbit.example/scanner",
      db: { lastUpdate: "2026-11-20T06:00:00Z" },
      result: [{ id: "CVE-2026-1000", severity: [{ method: "nvd", score: "7.5" }] }],
    },
    metadata: { scanStartedOn: "2026-11-20T08:00:00Z", scanFinishedOn: "2026-11-20T08:01:00Z" },
  },
  audience: "public",
  signer: signer("wabbit"),
});
const unsure = new Claim("unsure", {
  subject: netMonitor,
  type: "vex",
  predicate: vex("wabbit", { status: "under_investigation" }, "2026-11-20T09:00:00Z"),
  audience: "public",
  signer: signer("wabbit"),
});
const loadTest = new Claim("load-test", {
  subject: netMonitor,
  type: "test-result",
  predicate: tested("PASSED"),
  audience: "public",
  signer: signer("wabbit"),
});

const subscription = new Mirror("subscription", {
  source: netMonitor,
  sourceClaims: [scan, unsure, loadTest],
  destinations: ["oci:.run/registries/acme/net-monitor"],
  tags: ["v1"],
  trust: { ...trust, trustedIdentities: [wabbit] },
});

// ACME: has examined the finding, and tested under its own load. The claims lie in ACME's registry
// and survive every later mirroring.
const subject = subscription.artifact("v1");
const own = !examined
  ? []
  : [
      new Claim("not-affected", {
        subject,
        type: "vex",
        predicate: vex(
          "acme",
          { status: "not_affected", justification: "vulnerable_code_not_in_execute_path" },
          "2026-11-21T09:00:00Z",
        ),
        signer: signer("acme"),
      }),
      new Claim("own-load-test", {
        subject,
        type: "test-result",
        predicate: tested("PASSED"),
        signer: signer("acme"),
      }),
    ];

// Whose word counts: ACME's before Wabbit's. Every finding of the scan must be explained as not
// affecting us, and our own test counts.
const gate = new Verification(
  "gate",
  {
    artifact: subject,
    trust,
    // Each under its own root, so that no namesake under the other's can speak for it.
    precedence: [
      { identity: acme, roots: [".run/keys/acme.root.pem"] },
      { identity: wabbit, roots: [".run/keys/wabbit.root.pem"] },
    ],
    require: [
      {
        type: "vulnerabilities",
        issuer: wabbit,
        condition:
          'predicate.scanner.result.all(found, vex.exists(said, said.vulnerability == found.id && said.status == "not_affected"))',
      },
      { type: "test-result", issuer: acme, condition: 'predicate.result == "PASSED"' },
    ],
  },
  { dependsOn: own },
);

export const deploy = gate.reference;
export const counts = gate.claims.apply((claims) =>
  Object.values(claims)
    .map(({ type, status }) => `${type}: ${status.replace(/ sha256:.*/, "")}`)
    .sort(),
);
