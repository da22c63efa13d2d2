// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import type { Digest } from "../../provider/oci/digest";
import type { HtmlOptions } from "../../provider/report/html/html";
import type { ClaimReport, ObservedArtifact } from "../../provider/report/observation";
import type { SignatureReport } from "../../provider/report/signature-report";

const WABBIT = "CN=Wabbit Networks Release,O=Wabbit Networks,L=Seattle,ST=WA,C=US";
const ACME = "CN=Intake,OU=Supply Chain,O=ACME Rockets,ST=WA,C=US";

export const digestFor = (text: string): Digest =>
  `sha256:${createHash("sha256").update(text).digest("hex")}`;
export const ARTIFACT = digestFor("net-monitor:v1");

export function signature(
  subject: string,
  signedAt: string,
  of: string,
  more: Partial<SignatureReport> = {},
): SignatureReport {
  return {
    digest: digestFor(`signature of ${of}`),
    status: "verified",
    signer: { subject, issuer: "CN=Root", thumbprint: "00" },
    signedAt,
    checks: [],
    ...more,
  };
}

export function claim(
  key: string,
  issuedAt: string,
  more: Partial<ClaimReport> = {},
  issuer = WABBIT,
): ClaimReport {
  return {
    digest: digestFor(key),
    name: key,
    scope: "",
    audience: "public",
    subject: ARTIFACT,
    status: "effective",
    reason: "nothing says otherwise",
    issuer,
    issuedAt,
    signatures: [signature(issuer, issuedAt, key)],
    claims: [],
    related: [],
    ...more,
  };
}

export function artifact(
  place: string,
  claims: ClaimReport[],
  more: Partial<ObservedArtifact> = {},
): ObservedArtifact {
  return {
    reference: `${place}@${ARTIFACT}`,
    digest: ARTIFACT,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType: "application/vnd.wabbit.net-monitor.v1",
    size: 612,
    contentSize: 48_211_331,
    policy: "wabbit-and-acme",
    verdict: { outcome: "verified", warnings: [] },
    signatures: [signature(WABBIT, "2026-02-03T09:12:00Z", "artifact")],
    claims,
    vex: [],
    foreign: [],
    related: [],
    manifests: [],
    ...more,
  };
}

/** Five registries that hold one artifact with so many claims, or a few more. */
export function sample(claims: number): { observed: ObservedArtifact[]; options: HtmlOptions } {
  const day = (index: number) =>
    new Date(
      Date.UTC(2026, 1, 4) +
        Math.floor(index * (280 / Math.max(claims, 9))) * 86_400_000 +
        index * 3_600_000,
    )
      .toISOString()
      .replace(".000", "");
  const scans = Array.from({ length: Math.max(2, claims - 4) }, (_, index) => {
    const next = digestFor(`scan ${index + 1}`);
    const old = index < Math.max(2, claims - 4) - 1;
    return claim(`scan ${index}`, day(index + 1), {
      name: "vulnerabilities",
      scope: "https://wabbit.example/scanner",
      expiresAt: new Date(Date.parse(day(index + 1)) + 30 * 86_400_000).toISOString(),
      ...(old
        ? {
            status: "superseded" as const,
            by: next,
            reason: "the same issuer says something newer of the same type and scope",
          }
        : {}),
    });
  });
  const sbom = claim("sbom/spdx", "2026-02-03T09:13:00Z");
  const evidence = claim("provenance", "2026-02-03T09:14:00Z", {
    audience: "internal",
    scope: "https://wabbit.example/builds/v1",
  });
  const withdrawn = claim("test-result", "2026-02-05T10:00:00Z", {
    status: "revoked",
    by: digestFor("revocation"),
    reason: "revoked: the test environment was not the one that is claimed",
    claims: [claim("revocation", "2026-03-02T08:30:00Z", { digest: digestFor("revocation") })],
  });
  const approval = claim(
    "vsa",
    "2026-02-20T12:00:00Z",
    { audience: "internal", scope: "https://acme.example/policies/intake/v3 net-monitor:v1" },
    ACME,
  );
  const deployment = (environment: string, from: string, until?: string) =>
    claim(
      `deployment ${environment}`,
      from,
      {
        name: "deployment",
        scope: environment,
        audience: "internal",
        predicate: { environment, from, ...(until === undefined ? {} : { until }) },
      },
      ACME,
    );
  const production = [
    deployment("staging", "2026-02-21T08:00:00Z", "2026-03-15T08:00:00Z"),
    deployment("production", "2026-03-10T06:00:00Z", "2026-10-20T06:00:00Z"),
  ];
  const endOfLife = claim("endOfLife", "2026-09-01T00:00:00Z", {
    predicate: { date: "2026-12-31", reason: "v2 replaces it" },
  });
  const published = [sbom, withdrawn, ...scans, endOfLife];
  const consumed = [...published, approval, ...production];
  const observed = [
    artifact("registry.wabbit.example/internal/net-monitor", [evidence, ...published]),
    artifact("registry.wabbit.example/public/net-monitor", published),
    artifact("registry.acme.example/wabbit/net-monitor", consumed),
    artifact("eu.registry.acme.example:5000/wabbit/net-monitor", consumed.slice(0, -2)),
    artifact("archive.acme.example/wabbit/net-monitor", consumed),
  ];
  const retention = new Map([
    [
      ARTIFACT,
      {
        state: "archived",
        archivedAt: "2026-10-21T02:00:00Z",
        retainUntil: "2033-10-20T06:00:00Z",
        reason: "left production on 2026-10-20, kept for 7 years",
      },
    ],
  ]);
  return {
    observed,
    options: {
      now: new Date("2026-11-24T15:00:00Z"),
      title: "net-monitor:v1",
      labels: ["internal", "public", "ACME", "ACME Europe", "archive"],
      retention,
    },
  };
}
