// SPDX-License-Identifier: Apache-2.0

/** What the programs here have at hand. */
export const PREAMBLE = `
import * as pulumi from "@pulumi/pulumi";
import * as consign from "pulumi-consign";
import * as kubernetes from "pulumi-consign/kubernetes";
import * as provider from "pulumi-consign/provider";
import * as dynamic from "pulumi-consign/dynamic";
declare const signer: consign.Signer;
declare const trust: consign.TrustPolicy;
declare const artifact: consign.SignedArtifact;
declare const gate: consign.Verification;
export const used = [pulumi, consign, kubernetes, provider, dynamic];
`;

/** Uses that must go on compiling. */
export const ALLOWED: Readonly<Record<string, string>> = {
  "arguments may be outputs at any depth": `
    const tag = pulumi.output("v1");
    new consign.SignedArtifact("a", {
      repository: pulumi.interpolate\`host/\${tag}\`, tags: [tag], files: ["a"],
      signer: { keyFile: pulumi.output("key.pem"), certificateChainFile: "chain.pem" },
    });`,
  "an artifact is named by a reference, an output or a resource": `
    for (const subject of ["host/a@sha256:00", pulumi.output("host/a:v1"), artifact])
      new consign.Verification("v", { artifact: subject, trust });`,
  "a claim's type is a short name or any URI": `
    const types: consign.ClaimType[] = ["sbom/spdx", "https://example.com/claims/v1"];
    for (const type of types)
      new consign.Claim("c", { subject: artifact, type, predicate: {}, signer });
    new consign.Claim("c", { subject: artifact, type: pulumi.output("vsa"), predicate: {}, signer });`,
  "outputs have their types": `
    const digest: pulumi.Output<string> = artifact.digest;
    const signature: pulumi.Output<string> = gate.verdict.signature;
    const reasons: pulumi.Output<Record<string, string>> = gate.verdict.requirements;
    export { digest, signature, reasons };`,
  "a promotion takes a verification along": `
    new consign.Promotion("p", { artifact: gate, environment: "prod", to: "host/a", tag: "v1", signer });`,
  "a verdict is a claim's predicate": `
    new consign.Claim("c", { subject: artifact, type: "vsa", predicate: gate.summary, signer });`,
  "functions answer in their two forms": `
    const now: Promise<consign.VerifyResult> = consign.verify({ artifact: "host/a:v1", trust });
    const later: pulumi.Output<consign.VerifyResult> = consign.verifyOutput({ artifact: artifact.reference, trust });
    export { now, later };`,
  "the library works without Pulumi": `
    export async function read(): Promise<string> {
      const client = new provider.RegistryClient({ baseDir: "." });
      const store = client.repository("host", "a");
      const found: provider.Descriptor = await store.resolve("v1");
      const digest: provider.Digest = provider.parseDigest(found.digest);
      const policy: provider.TrustPolicy = provider.parseTrustPolicy({});
      const settings: provider.RegistrySettings = provider.registrySettingsSchema.parse({});
      return \`\${digest} \${policy.signatureVerification.level} \${settings.proxy}\`;
    }
    export function code(error: unknown): provider.ErrorCode | undefined {
      return provider.isConsignError(error, "MANIFEST_UNKNOWN") ? error.code : undefined;
    }`,
  "a schema says what it checks": `
    const checked = provider.descriptorSchema.safeParse({});
    export const size: number | undefined = checked.success ? checked.data.size : undefined;`,
};

/** Uses that must not compile, each with the compiler's code. */
export const REFUSED: Readonly<Record<string, { code: number; text: string }>> = {
  "an artifact without a repository": {
    code: 2345,
    text: `new consign.SignedArtifact("a", { files: ["a"], signer });`,
  },
  "an artifact that nobody signs": {
    code: 2345,
    text: `new consign.SignedArtifact("a", { repository: "host/a", files: ["a"] });`,
  },
  "a signer with a key and no certificate": {
    code: 2322,
    text: `new consign.SignedArtifact("a", { repository: "host/a", signer: { keyFile: "key.pem" } });`,
  },
  "a claim's type that is no text": {
    code: 2322,
    text: `new consign.Claim("c", { subject: artifact, type: 7, predicate: {}, signer });`,
  },
  "a known type that is not": {
    code: 2820,
    text: `export const type: consign.KnownClaimType = "sbom/spdy";`,
  },
  "a verification without trust": {
    code: 2345,
    text: `new consign.Verification("v", { artifact });`,
  },
  "a requirement with a member that does not exist": {
    code: 2353,
    text: `new consign.Verification("v", { artifact, trust, require: [{ type: "vsa", maxage: "7d" }] });`,
  },
  "a denial with an age": {
    code: 2353,
    text: `new consign.Verification("v", { artifact, trust, deny: [{ type: "vsa", maxAge: "7d" }] });`,
  },
  "one destination that is no list": {
    code: 2322,
    text: `new consign.Mirror("m", { source: "host/a", destinations: "host/b" });`,
  },
  "a promotion without an environment": {
    code: 2345,
    text: `new consign.Promotion("p", { artifact: gate, to: "host/a", tag: "v1", signer });`,
  },
  "an expiry that is none": {
    code: 2322,
    text: `new consign.ArchivePolicy("a", {
      sources: ["host/a"], archive: "host/b", onExpiry: "delete", signer, trust });`,
  },
  "a revocation with no reason": {
    code: 2345,
    text: `new consign.Revocation("r", { subject: artifact, signer });`,
  },
  "an output that is written to": {
    code: 2540,
    text: `gate.reference = pulumi.output("host/a@sha256:00");`,
  },
  "an output where a function wants a value": {
    code: 2322,
    text: `void consign.verify({ artifact: artifact.reference, trust });`,
  },
  "a workload with an image that nobody verifies": {
    code: 2353,
    text: `new kubernetes.VerifiedDeployment("d", { image: "nginx:latest" });`,
  },
  "text for a digest": {
    code: 2322,
    text: `export const digest: provider.Digest = "latest";`,
  },
  "an error code that does not exist": {
    code: 2345,
    text: `provider.isConsignError(new Error(), "NO_SUCH_CODE");`,
  },
};
