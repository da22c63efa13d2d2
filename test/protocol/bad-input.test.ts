// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import { claim } from "../../provider/claim/claim";
import type { Properties, Reconciler } from "../../provider/world/reconciler";
import { signedArtifact } from "../../provider/artifact/artifact";
import { authority, codeSigner, wrongCodeSigners } from "../harness/certificates";
import { writeKeyFiles } from "../harness/keys";
import { tempDir } from "../harness/temp";
import { Life, Refused } from "../harness/life";

const folder = tempDir("bad-input");
const keys = writeKeyFiles(codeSigner(authority()), folder);
const others = writeKeyFiles(codeSigner(authority()), tempDir("others"));
for (const name of ["app.sh", "text.txt"]) writeFileSync(join(folder, name), "plain text\n");
mkdirSync(join(folder, "directory"));
const signer = { keyFile: keys.keyFile, certificateChainFile: keys.certificateChainFile };
const digest = `sha256:${"ab".repeat(32)}`;
const artifact = { repository: "oci:out", tags: ["v1"], files: ["app.sh"], signer };
const statement = {
  subject: {
    reference: `oci:out@${digest}`,
    descriptor: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 10 },
  },
  type: "test-result",
  predicate: { result: "PASSED", configuration: [{ name: "x" }] },
  signer,
};

type Case = [change: Properties, property: string, code: string];

const signing: Record<string, Case> = {
  "no signer": [{ signer: undefined }, "signer", "INPUT_INVALID"],
  "no certificate chain": [
    { signer: { keyFile: "k" } },
    "signer.certificateChainFile",
    "INPUT_INVALID",
  ],
  "an unknown member of signer": [
    { signer: { ...signer, key: "x" } },
    "signer.key",
    "INPUT_INVALID",
  ],
  "a missing chain": [
    { signer: { ...signer, certificateChainFile: "none.pem" } },
    "signer.certificateChainFile",
    "FILE_NOT_FOUND",
  ],
  "an unreadable key": [
    { signer: { ...signer, keyFile: "text.txt" } },
    "signer.keyFile",
    "KEY_UNREADABLE",
  ],
  "a key that is a directory": [
    { signer: { ...signer, keyFile: "directory" } },
    "signer.keyFile",
    "FILE_UNREADABLE",
  ],
  "a chain that is text": [
    { signer: { ...signer, certificateChainFile: "text.txt" } },
    "signer.certificateChainFile",
    "CERTIFICATE_INVALID",
  ],
  "a key of another certificate": [
    { signer: { ...signer, keyFile: others.keyFile } },
    "signer.keyFile",
    "KEY_MISMATCH",
  ],
  "no such plugin": [{ signer: { plugin: "none", keyId: "k" } }, "signer", "PLUGIN_NOT_FOUND"],
  "a bad plugin name": [
    { signer: { plugin: "../x", keyId: "k" } },
    "signer.plugin",
    "INPUT_INVALID",
  ],
  "no such notation key": [
    { signer: { notationKey: "none", configDir: "." } },
    "signer.notationKey",
    "SIGNER_UNKNOWN",
  ],
  "a bad duration": [{ validFor: "soon" }, "validFor", "INPUT_INVALID"],
  "renewal before it is signed": [
    { validFor: "7d", renewBefore: "7d" },
    "renewBefore",
    "INPUT_INVALID",
  ],
  "a bad timestamp address": [{ timestamp: { url: "nowhere" } }, "timestamp.url", "INPUT_INVALID"],
  "a timestamp address with a password": [
    { timestamp: { url: "https://ci:hunter2@tsa.example/" } },
    "timestamp.url",
    "INPUT_INVALID",
  ],
  "a missing timestamp root": [
    { timestamp: { url: "http://tsa.example", roots: ["none.pem"] } },
    "timestamp.roots[0]",
    "FILE_NOT_FOUND",
  ],
  "a timestamp root that is none": [
    { timestamp: { url: "http://tsa.example", roots: ["text.txt"] } },
    "timestamp.roots[0]",
    "CERTIFICATE_INVALID",
  ],
  "reserved metadata": [
    { userMetadata: { "io.cncf.notary.x": "y" } },
    "userMetadata",
    "INPUT_INVALID",
  ],
  "an unknown form": [{ signatureForm: "old" }, "signatureForm", "INPUT_INVALID"],
  "an unknown argument": [{ colour: "red" }, "colour", "INPUT_INVALID"],
};

const artifacts: Record<string, Case> = {
  ...signing,
  "no repository": [{ repository: undefined }, "repository", "INPUT_INVALID"],
  "a bad repository": [{ repository: "Not A Reference" }, "repository", "REFERENCE_INVALID"],
  "a repository with a tag": [
    { repository: "registry.example/app:v1" },
    "repository",
    "REFERENCE_INVALID",
  ],
  "a bad tag": [{ tags: ["v1", "-"] }, "tags[1]", "INPUT_INVALID"],
  "a tag that lists referrers": [
    { tags: ["v1", `sha256-${"ab".repeat(32)}`] },
    "tags[1]",
    "INPUT_INVALID",
  ],
  "a missing file": [{ files: ["app.sh", "none.sh"] }, "files[1]", "FILE_NOT_FOUND"],
  "a directory as a file": [{ files: ["directory"] }, "files[0]", "FILE_UNREADABLE"],
  "no files": [{ files: [] }, "files", "INPUT_INVALID"],
  "a file's unknown media type": [
    { files: [{ path: "app.sh", mediaType: "nonsense" }] },
    "files[0].mediaType",
    "INPUT_INVALID",
  ],
  "an unknown media type": [{ artifactType: "nonsense" }, "artifactType", "INPUT_INVALID"],
  "files and layout": [{ layout: "oci:out:v1" }, "layout", "INPUT_INVALID"],
  neither: [{ files: undefined }, "files", "INPUT_INVALID"],
  "artifactType with layout": [
    { files: undefined, layout: "oci:out:v1", artifactType: "application/x" },
    "artifactType",
    "INPUT_INVALID",
  ],
  "a layout that is not there": [
    { files: undefined, layout: "oci:none:v1" },
    "layout",
    "MANIFEST_UNKNOWN",
  ],
  "a layout that names nothing": [
    { files: undefined, layout: "oci:out" },
    "layout",
    "INPUT_INVALID",
  ],
  "a layout that is none": [
    { files: undefined, layout: "oci:text.txt:v1" },
    "layout",
    "LAYOUT_INVALID",
  ],
  "from nowhere": [
    { files: undefined, from: "127.0.0.1:1/app:v1" },
    "from",
    "REGISTRY_UNREACHABLE",
  ],
  "a bad reference": [{ files: undefined, from: "::" }, "from", "REFERENCE_INVALID"],
  "a bad onDelete": [{ onDelete: "burn" }, "onDelete", "INPUT_INVALID"],
};

const claims: Record<string, Case> = {
  ...signing,
  "no subject": [{ subject: undefined }, "subject", "INPUT_INVALID"],
  "a bad subject": [{ subject: "Not A Reference" }, "subject", "REFERENCE_INVALID"],
  "a subject that is a repository": [{ subject: "oci:out" }, "subject", "INPUT_INVALID"],
  "a subject that is two things": [
    { subject: { ...statement.subject, reference: `oci:out@sha256:${"cd".repeat(32)}` } },
    "subject.descriptor.digest",
    "INPUT_INVALID",
  ],
  "an unreachable subject": [{ subject: "127.0.0.1:1/app:v1" }, "subject", "REGISTRY_UNREACHABLE"],
  "an unknown type": [{ type: "gossip" }, "type", "INPUT_INVALID"],
  "a predicate that does not fit": [
    { predicate: { result: "PASSED", configuration: "x" } },
    "predicate.configuration",
    "PREDICATE_INVALID",
  ],
  "predicate and document": [{ document: "app.sh" }, "document", "INPUT_INVALID"],
  "neither predicate nor document": [{ predicate: undefined }, "predicate", "INPUT_INVALID"],
  "a missing document": [
    { predicate: undefined, type: "sbom/spdx", document: "none.json" },
    "document",
    "FILE_NOT_FOUND",
  ],
  "a document that is a directory": [
    { predicate: undefined, type: "sbom/spdx", document: "directory" },
    "document",
    "FILE_UNREADABLE",
  ],
  "a document that is none": [
    { predicate: undefined, type: "sbom/spdx", document: "text.txt" },
    "document",
    "PREDICATE_INVALID",
  ],
  "an unknown media type": [
    {
      predicate: undefined,
      type: "sbom/spdx",
      document: { path: "text.txt", mediaType: "nonsense" },
    },
    "document.mediaType",
    "INPUT_INVALID",
  ],
  "a bad audience": [{ audience: "everybody" }, "audience", "INPUT_INVALID"],
  "supersedes by tag": [
    { supersedes: [digest, "registry.example/app:v1"] },
    "supersedes[1]",
    "INPUT_INVALID",
  ],
  "supersedes nonsense": [{ supersedes: ["?"] }, "supersedes[0]", "REFERENCE_INVALID"],
  "an annotation of ours": [
    { annotations: { "dev.consign.claim.type": "x" } },
    'annotations["dev.consign.claim.type"]',
    "INPUT_INVALID",
  ],
};

async function refusal(kind: Reconciler, args: Properties): Promise<Refused> {
  return new Life(kind, { folder }).preview(args).then(
    ({ op }) => assert.fail(`accepted: ${op}`),
    (error: unknown) => (error instanceof Refused ? error : assert.fail(String(error))),
  );
}

function each(kind: Reconciler, good: Properties, cases: Record<string, Case>): void {
  describe(`${kind.kind}: each mistake is told in the preview, at its property, with its code`, () => {
    for (const [name, [change, property, code]] of Object.entries(cases)) {
      test(name, async () => {
        const { failures } = await refusal(kind, { ...good, ...change });
        assert.deepEqual(
          [failures[0]?.property, /\[(\w+)\]$/.exec(failures[0]?.reason ?? "")?.[1]],
          [property, code],
          JSON.stringify(failures),
        );
      });
    }
  });
}

each(signedArtifact, artifact, artifacts);
each(claim, statement, claims);

test("a certificate that breaks the profile", async () => {
  for (const [name, issued] of Object.entries(wrongCodeSigners(authority()))) {
    const files = writeKeyFiles(issued, tempDir("wrong"));
    const { failures } = await refusal(signedArtifact, {
      ...artifact,
      signer: { keyFile: files.keyFile, certificateChainFile: files.certificateChainFile },
    });
    assert.match(
      `${failures[0]?.property} ${failures[0]?.reason}`,
      /^signer\.(?:certificateChainFile .*\[CERTIFICATE_INVALID\]|(?:keyFile|certificateChainFile) .*\[KEY_UNSUPPORTED\])$/s,
      name,
    );
  }
});

test("nothing was written by any of it", async () => {
  assert.deepEqual(await OciLayout.open(join(folder, "out"), { create: true }).tags(), []);
});
