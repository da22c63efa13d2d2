// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Digest } from "../../provider/oci/digest";
import type { Life } from "../harness/life";
import { Scene, signer } from "./scene";

const PASSED = { result: "PASSED", configuration: [] };

/** SignedArtifact and Claim, in every state. */
export async function artifacts(): Promise<Scene> {
  const scene = new Scene();
  const files = [
    scene.file("files/app.sh", "echo 1\n"),
    { path: scene.file("files/notes.md", "# 1\n"), mediaType: "text/markdown", title: "README.md" },
  ];
  const repository = "oci:places/app";
  const by = { signer: signer("wabbit") };

  const purged = await scene.record("purged", "SignedArtifact", {
    repository,
    tags: ["v1", "latest"],
    files,
    ...by,
    onDelete: "purge",
  });
  await scene.record("retained", "SignedArtifact", {
    repository: "oci:places/copy",
    from: String(purged.outputs["reference"]),
    ...by,
  });
  const dated = {
    validFor: "90d",
    renewBefore: "30d",
    userMetadata: { build: "17" },
    signatureForm: "legacy",
  };
  await scene.record("untagged", "SignedArtifact", {
    repository: "oci:places/dated",
    tags: ["v1"],
    files,
    artifactType: "application/vnd.example.app",
    annotations: { "org.example.team": "net" },
    ...by,
    ...dated,
    onDelete: "untag",
  });

  const next = [scene.file("files/next.sh", "echo 2\n")];
  const moving = { repository: "oci:places/moving", tags: ["v1"], ...by, onDelete: "purge" };
  await scene.record(
    "replaced-content",
    "SignedArtifact",
    { ...moving, files },
    { ...moving, tags: ["v1", "v2"], files: next },
  );
  const resigned = { repository: "oci:places/resigned", files, onDelete: "purge" };
  await scene.record(
    "signed-again",
    "SignedArtifact",
    { ...resigned, ...by },
    { ...resigned, signer: signer("acme") },
  );
  const drifted = await scene.record("tag-moved-by-hand", "SignedArtifact", {
    repository: "oci:places/drifted",
    tags: ["v1", "v2"],
    files,
    ...by,
    onDelete: "purge",
  });
  const store = scene.layout("drifted");
  await scene.artifact("drifted", "other");
  await store.tag(await store.manifest("other"), "v1");
  await drifted.refresh();

  await claims(scene, purged);
  await interrupted(scene, files, purged);
  return scene;
}

/** What was pushed, and not signed as there is no timestamp to be had. */
async function interrupted(scene: Scene, files: unknown[], { outputs }: Life): Promise<void> {
  const signing = { signer: signer("wabbit"), timestamp: { url: "http://127.0.0.1:1/" } };
  const subject = String(outputs["reference"]);
  const repository = "oci:places/interrupted";
  const unfinished = {
    incomplete: [
      "SignedArtifact",
      { repository, tags: ["v1"], files, onDelete: "purge", ...signing },
    ],
    "claim-incomplete": [
      "Claim",
      { subject, type: "https://example.test/cut/v1", predicate: {}, ...signing },
    ],
  } as const;
  for (const [name, [kind, args]] of Object.entries(unfinished)) {
    const life = scene.born(kind);
    await assert.rejects(life.up(args), /\[TIMESTAMP_/);
    scene.keep(name, kind, life, args);
  }
}

async function claims(scene: Scene, { outputs: subject }: Life): Promise<void> {
  const about = String(subject["reference"]);
  const by = { signer: signer("wabbit") };
  const tests = {
    subject: { reference: about, descriptor: subject["descriptor"] },
    type: "test-result",
    predicate: PASSED,
    ...by,
  };
  await scene.record("claim", "Claim", tests);
  const sbom = scene.file(
    "files/sbom.spdx.json",
    JSON.stringify({ spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", name: "app" }),
  );
  await scene.record("claim-by-document", "Claim", {
    subject: about,
    type: "sbom/spdx",
    document: sbom,
    audience: "public",
    annotations: { "org.example.tool": "scan" },
    ...by,
    validFor: "90d",
    userMetadata: { build: "17" },
    onDelete: "retain",
  });
  const changed = await scene.record(
    "claim-changed",
    "Claim",
    { ...tests, type: "https://example.test/remark/v1", predicate: { note: "first" } },
    { ...tests, type: "https://example.test/remark/v1", predicate: { note: "second" } },
  );
  const type = "https://example.test/review/v1";
  const old = await scene.life("Claim", { ...tests, type, predicate: { review: 1 } });
  await scene.record("claim-superseding", "Claim", {
    ...tests,
    type,
    predicate: { review: 2 },
    supersedes: [old.outputs["digest"]],
  });
  await old.refresh();
  scene.keep("claim-superseded", "Claim", old, { ...tests, type, predicate: { review: 1 } });
  await scene.record("revocation", "Claim", {
    subject: about,
    type: "revocation",
    predicate: { target: changed.outputs["digest"], reason: "it was a mistake" },
    audience: "public",
    ...by,
  });
  await changed.refresh();
  const args = { ...tests, type: "https://example.test/lost/v1", predicate: {} };
  const lost = await scene.life("Claim", args);
  const app = scene.layout("app");
  for (const { digest } of await app.referrers(lost.outputs["digest"] as Digest))
    await app.deleteManifest(await app.resolve(digest));
  await lost.refresh();
  scene.keep("claim-unsigned", "Claim", lost, args);
}
