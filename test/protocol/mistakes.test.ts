// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { archivePolicy } from "../../provider/archive/archive";
import { signedArtifact } from "../../provider/artifact/artifact";
import { claim } from "../../provider/claim/claim";
import { OciLayout } from "../../provider/content/oci-layout";
import { mirror } from "../../provider/mirror/mirror";
import { promotion } from "../../provider/promotion/promotion";
import { verification } from "../../provider/verification/verification";
import type { Properties, Reconciler } from "../../provider/world/reconciler";
import { pushImage } from "../harness/artifacts";
import { authority, tlsServer } from "../harness/certificates";
import { Life, Refused } from "../harness/life";
import { quickParty, sign, trustOf } from "../harness/memory-world";
import { startProxy } from "../harness/proxy";
import { tempDir } from "../harness/temp";

const folder = tempDir("mistakes");
const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const { signer } = wabbit;
for (const name of ["app.sh", "text.txt"]) writeFileSync(join(folder, name), "plain text\n");
writeFileSync(join(folder, "acme.key"), acme.issued.keyPem);

const DIGEST = `sha256:${"ab".repeat(32)}`;
const DEAD = "127.0.0.1:1";
const artifact = { repository: "oci:out", tags: ["v1"], files: ["app.sh"], signer };
const statement = {
  subject: {
    reference: `oci:out@${DIGEST}`,
    descriptor: {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: DIGEST,
      size: 10,
    },
  },
  type: "test-result",
  predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
  signer,
};
const copying = { source: "oci:out", destinations: ["oci:copy"] };
const trusting = { artifact: `oci:out@${DIGEST}`, trust: trustOf(wabbit) };
const promoting = { ...trusting, environment: "production", to: "oci:prod", tag: "prod", signer };
const archiving = {
  sources: ["oci:out"],
  archive: "oci:archive",
  archiveAfter: "30d",
  retain: { for: "1y" },
  signer,
  trust: trustOf(wabbit),
};

interface Mistake {
  kind: Reconciler;
  args: Properties;
  config?: Record<string, unknown>;
  /** The argument at which a person is told. */
  at: string;
  code: string;
  /** What to do next. */
  next: RegExp;
}

const wrong =
  (kind: Reconciler, good: Properties) =>
  (change: Properties, at: string, code: string, next: RegExp): Mistake => ({
    kind,
    args: { ...good, ...change },
    at,
    code,
    next,
  });
const artifacts = wrong(signedArtifact, artifact);
const claims = wrong(claim, statement);
const mirrors = wrong(mirror, copying);
const verifications = wrong(verification, trusting);
const promotions = wrong(promotion, promoting);
const archives = wrong(archivePolicy, archiving);

const MISTAKES: Record<string, Mistake> = {
  "no signer": artifacts(
    { signer: undefined },
    "signer",
    "INPUT_INVALID",
    /is missing: give an object with keyFile and certificateChainFile/,
  ),
  "an empty signer": artifacts(
    { signer: {} },
    "signer",
    "INPUT_INVALID",
    /must be an object with keyFile and certificateChainFile/,
  ),
  "a signer that is a path": artifacts(
    { signer: "signer.key" },
    "signer",
    "INPUT_INVALID",
    /must be an object with keyFile and certificateChainFile/,
  ),
  "a key without its certificates": artifacts(
    { signer: { keyFile: signer.keyFile } },
    "signer.certificateChainFile",
    "INPUT_INVALID",
    /is missing: give a string/,
  ),
  "a passphrase in the program": artifacts(
    { signer: { ...signer, passphrase: "s3cret" } },
    "signer.passphrase",
    "INPUT_INVALID",
    /no such argument/,
  ),
  "certificates that are not there": artifacts(
    { signer: { ...signer, certificateChainFile: "none.pem" } },
    "signer.certificateChainFile",
    "FILE_NOT_FOUND",
    /looked in the Pulumi project's folder/,
  ),
  "a certificate for a key": artifacts(
    { signer: { ...signer, keyFile: signer.certificateChainFile } },
    "signer.keyFile",
    "KEY_UNREADABLE",
    /must be PEM with a PKCS #8, SEC1 or PKCS #1 private key/,
  ),
  "somebody else's key": artifacts(
    { signer: { ...signer, keyFile: "acme.key" } },
    "signer.keyFile",
    "KEY_MISMATCH",
    /give the key of that certificate/,
  ),
  "a plugin that is not installed": artifacts(
    { signer: { plugin: "kms", keyId: "key-1" } },
    "signer",
    "PLUGIN_NOT_FOUND",
    /notation plugin install/,
  ),
  "an argument that is misspelt": artifacts(
    { tag: ["v1"] },
    "tag",
    "INPUT_INVALID",
    /did you mean tags\?/,
  ),
  "one tag for a list": artifacts(
    { tags: "v1" },
    "tags",
    "INPUT_INVALID",
    /must be a list, and is a string/,
  ),
  "a tag with a colon": artifacts({ tags: ["app:v1"] }, "tags[0]", "INPUT_INVALID", /letters/),
  "a file that is not there": artifacts(
    { files: ["dist/app.sh"] },
    "files[0]",
    "FILE_NOT_FOUND",
    /looked in the Pulumi project's folder/,
  ),
  "files and a layout": artifacts({ layout: "oci:out:v1" }, "layout", "INPUT_INVALID", /one of/),
  "neither files nor a layout": artifacts(
    { files: undefined },
    "files",
    "INPUT_INVALID",
    /give .*files/,
  ),
  "a repository with a tag": artifacts(
    { repository: "registry.example/app:v1" },
    "repository",
    "REFERENCE_INVALID",
    /must not have a tag or digest/,
  ),
  "a repository with a scheme": artifacts(
    { repository: "https://registry.example/app" },
    "repository",
    "REFERENCE_INVALID",
    /it is a URL; write host\/repository/,
  ),
  "a duration in words": artifacts(
    { validFor: "30 days" },
    "validFor",
    "INPUT_INVALID",
    /as 90s, 15m, 12h, 7d/,
  ),
  "a renewal that is due at once": artifacts(
    { validFor: "7d", renewBefore: "7d" },
    "renewBefore",
    "INPUT_INVALID",
    /must be shorter than validFor/,
  ),
  "a timestamp authority with a password": artifacts(
    { timestamp: { url: "https://ci:hunter2@tsa.example/" } },
    "timestamp.url",
    "INPUT_INVALID",
    /use an authority that asks for none/,
  ),
  "a registry that does not run": artifacts(
    { files: undefined, from: `${DEAD}/app:v1` },
    "from",
    "REGISTRY_UNREACHABLE",
    /check the port, and whether the registry runs/,
  ),
  "a proxy that does not run": {
    ...artifacts(
      { files: undefined, from: "registry.example/app:v1" },
      "from",
      "REGISTRY_UNREACHABLE",
      /goes through the proxy 127\.0\.0\.1:1.*check the setting proxy/,
    ),
    config: { "consign:registries": { "registry.example": { proxy: `http://ci:pw@${DEAD}` } } },
  },
  "a claim of no type": claims({ type: "sbom" }, "type", "INPUT_INVALID", /sbom\/spdx/),
  "a predicate of another shape": claims(
    { predicate: { result: "GOOD", configuration: [] } },
    "predicate.result",
    "PREDICATE_INVALID",
    /PASSED/,
  ),
  "a subject that is a repository": claims(
    { subject: "oci:out" },
    "subject",
    "INPUT_INVALID",
    /by @digest or :tag/,
  ),
  "a document that is not there": claims(
    { type: "sbom/spdx", predicate: undefined, document: "sbom.json" },
    "document",
    "FILE_NOT_FOUND",
    /looked in the Pulumi project's folder/,
  ),
  "one destination for a list": mirrors(
    { destinations: "oci:copy" },
    "destinations",
    "INPUT_INVALID",
    /must be a list, and is a string/,
  ),
  "a mirror into itself": mirrors(
    { destinations: ["oci:./out"] },
    "destinations[0]",
    "INPUT_INVALID",
    /source/,
  ),
  "a range that is none": mirrors(
    { tags: { semver: "newest" } },
    "tags.semver",
    "INPUT_INVALID",
    />=1\.2\.0 <2/,
  ),
  "issuers without trust": mirrors(
    { claims: { issuers: ["x509.subject: C=US, ST=WA, O=x"] } },
    "claims.issuers",
    "INPUT_INVALID",
    /give claims\.trust/,
  ),
  "a derived index without a signer": mirrors(
    { platforms: { only: ["linux/amd64"], index: "derived" } },
    "signer",
    "INPUT_INVALID",
    /give a signer/,
  ),
  "trust without identities": verifications(
    { trust: { ...trustOf(wabbit), trustedIdentities: undefined } },
    "trust.trustedIdentities",
    "TRUST_POLICY_INVALID",
    /"\*"/,
  ),
  "a root that is no certificate": verifications(
    { trust: { ...trustOf(wabbit), roots: { ca: ["text.txt"] } } },
    "trust.roots.ca[0]",
    "TRUST_STORE_INVALID",
    /give PEM text/,
  ),
  "a promotion by tag": promotions(
    { artifact: "oci:out:v1" },
    "artifact",
    "INPUT_INVALID",
    /as repository@sha256:/,
  ),
  "a promotion of what nobody verified": promotions(
    { trust: undefined },
    "trust",
    "INPUT_INVALID",
    /give trust.*or pass a Verification/,
  ),
  "an archive that is its own source": archives(
    { archive: "oci:./out" },
    "archive",
    "INPUT_INVALID",
    /source/,
  ),
};

async function refusal({ kind, args, config = {} }: Mistake): Promise<Refused> {
  return new Life(kind, { folder, config }).preview(args).then(
    ({ op }) => assert.fail(`accepted: ${op}`),
    (error: unknown) => (error instanceof Refused ? error : assert.fail(String(error))),
  );
}

describe("a typical mistake is told in the preview: at its argument, with its code, and what to do next", () => {
  for (const [name, mistake] of Object.entries(MISTAKES))
    test(name, async () => {
      const { failures } = await refusal(mistake);
      const [first] = failures;
      const text = JSON.stringify(failures);
      assert.equal(first?.property, mistake.at, text);
      assert.equal(/\[(\w+)\]$/.exec(first?.reason ?? "")?.[1], mistake.code, text);
      assert.match(first?.reason ?? "", mistake.next, text);
      assert.doesNotMatch(text, /<nil>|undefined|Invalid input|hunter2|ci:pw|s3cret|\s+at \w+ \(/);
    });
});

test("TLS where there is none, and a client certificate that is asked for", async (context) => {
  const root = authority();
  writeFileSync(join(folder, "ca.pem"), root.pem);
  const plain = await startProxy({ upstream: DEAD });
  const { keyPem: key, pem: cert } = tlsServer(root);
  const secure = await startProxy({ upstream: DEAD, tls: { key, cert, clientCa: root.pem } });
  context.after(() => Promise.all([plain.stop(), secure.stop()]));
  for (const [host, settings, code, next] of [
    [plain.host, { plainHttp: false }, "TLS_FAILED", /does not speak TLS; .*set plainHttp/],
    [secure.host, {}, "REGISTRY_UNREACHABLE", /meant to be TLS, set plainHttp to false/],
    [secure.host, { plainHttp: false }, "TLS_FAILED", /set caFile/],
    [
      secure.host,
      { caFile: "ca.pem" },
      "TLS_FAILED|REGISTRY_UNREACHABLE",
      /client certificate.*set certFile and keyFile/,
    ],
  ] as const) {
    const { failures } = await refusal({
      ...artifacts({ files: undefined, from: `${host}/app:v1` }, "from", code, next),
      config: { "consign:registries": { [host]: settings } },
    });
    assert.equal(failures[0]?.property, "from");
    assert.match(failures[0].reason, new RegExp(`\\[(?:${code})\\]$`));
    assert.match(failures[0].reason, next);
  }
});

test("a tag that is no version of three numbers is left out of a range with a word", async () => {
  const source = OciLayout.open(join(folder, "versions"), { create: true });
  for (const tag of ["v1", "1.2.0", "latest"]) await pushImage(source, { tag, layers: [tag] });
  const life = new Life(mirror, { folder });
  await life.preview({ ...copying, source: "oci:versions", tags: { semver: ">=1" } });
  const said = life.warnings.filter((line) => /version/.test(line));
  assert.equal(said.length, 1, "what does not look like a version is not expected");
  assert.match(said[0] ?? "", /tags: v1 is no version of three numbers, as 1\.2\.0.*select by/);
});

test("who is not trusted is told beside the roots and identities that would be", async () => {
  const store = OciLayout.open(join(folder, "signed"), { create: true });
  const { descriptor } = await pushImage(store, { tag: "v1" });
  await sign(store, descriptor, wabbit);
  const verdict = async (trust: Properties): Promise<string> => {
    const life = new Life(verification, { folder });
    const asked = { artifact: `oci:signed@${descriptor.digest}`, trust };
    return life.up(asked).then(
      () => assert.fail("it is verified"),
      (error: unknown) => String(error),
    );
  };
  const stranger = await verdict(trustOf(acme));
  assert.match(stranger, /which ends in "[^"]*O=Wabbit Networks[^"]*" \(SHA-256 \w{16}…\)/);
  assert.match(stranger, /trusted ones .*: "[^"]*O=ACME Rockets[^"]*" \(SHA-256 \w{16}…\)/);
  const other = await verdict({
    ...trustOf(wabbit),
    trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks, CN=Release"],
  });
  assert.match(other, /none of the trusted identities .*: "x509\.subject: .*CN=Release.*"/);
});
