// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout, bytesBlob, pushArtifact, readVerified } from "../../provider/content/index";
import { blobPath } from "../../provider/content/layout-files";
import { forEachBounded } from "../../provider/content/bounded";
import { digester } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { tempDir } from "../harness/temp";
import { artifact, codeOf, digestsOf, indexOf, pushSampleGraph, signatureOf } from "./sample-graph";
import { LOAD_TYPESCRIPT } from "../harness/typescript";

interface Entry {
  digest: string;
  artifactType?: string;
  annotations?: Record<string, string>;
}

function entriesOf(path: string): Entry[] {
  return (JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as { manifests: Entry[] })
    .manifests;
}

function freshLayout(): { path: string; layout: OciLayout } {
  const path = tempDir("layout");
  return { path, layout: OciLayout.open(path, { create: true }) };
}

function startWriter(
  path: string,
  name: string,
  count: number,
): { child: ChildProcess; tags: string[]; ended: Promise<number | null> } {
  const child = spawn(
    process.execPath,
    [...LOAD_TYPESCRIPT, join(__dirname, "layout-writer.ts"), path, name, String(count)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const tags: string[] = [];
  child.stdout?.on("data", (text: Buffer) =>
    tags.push(...text.toString().split("\n").filter(Boolean)),
  );
  return { child, tags, ended: new Promise((done) => child.once("close", done)) };
}

test("reading does not create anything", async () => {
  const path = join(tempDir("layout"), "absent");
  assert.deepEqual(await OciLayout.open(path, { create: true }).tags(), []);
  assert.equal(existsSync(path), false);
});

test("writing needs `create` where there is no layout", async () => {
  const path = join(tempDir("layout"), "absent");
  assert.equal(await codeOf(pushArtifact(OciLayout.open(path), artifact("x"))), "LAYOUT_INVALID");
  assert.equal(existsSync(path), false);
});

test("index.json lists entry points: tags, and untagged referrers with what a list of them shows", async () => {
  const { path, layout } = freshLayout();
  const { root, sbom, sbomSignature, imageSignature } = await pushSampleGraph(layout);
  const entries = entriesOf(path);
  assert.deepEqual(
    entries.map(({ digest }) => digest).sort(),
    digestsOf([
      root.descriptor,
      sbom.descriptor,
      sbomSignature.descriptor,
      imageSignature.descriptor,
    ]),
  );
  const of = (digest: string) => entries.find((entry) => entry.digest === digest);
  assert.deepEqual(of(root.descriptor.digest)?.annotations, {
    "org.opencontainers.image.ref.name": "v1",
  });
  assert.equal(of(sbom.descriptor.digest)?.artifactType, "application/spdx+json");
  assert.deepEqual(of(sbom.descriptor.digest)?.annotations, { "org.example.kind": "sbom" });
});

test("entries of other tools stay as they are", async () => {
  const { path, layout } = freshLayout();
  const { root } = await pushSampleGraph(layout);
  const file = join(path, "index.json");
  const index = JSON.parse(readFileSync(file, "utf8")) as { manifests: object[] };
  const foreign = {
    ...root.descriptor,
    annotations: {
      "org.opencontainers.image.ref.name": "registry.example/app:v1",
      "com.example": "kept",
    },
    "x-member": [1],
  };
  writeFileSync(
    file,
    JSON.stringify({
      ...index,
      manifests: [foreign, ...index.manifests],
      annotations: { whole: "kept" },
    }),
  );
  await pushArtifact(layout, artifact("another"));
  await layout.tag(artifact("another").manifest, "another");
  const after = JSON.parse(readFileSync(file, "utf8")) as {
    manifests: object[];
    annotations: object;
  };
  assert.deepEqual(after.manifests[0], foreign);
  assert.deepEqual(after.annotations, { whole: "kept" });
  assert.deepEqual(await layout.tags(), ["another", "v1"]);
  assert.equal((await layout.resolve("registry.example/app:v1")).digest, root.descriptor.digest);
});

test("what another instance wrote is seen at once", async () => {
  const { path, layout } = freshLayout();
  const other = OciLayout.open(path, { create: true });
  const { root, sbom } = await pushSampleGraph(layout);
  const listed = digestsOf(await other.referrers(root.descriptor.digest));
  assert.deepEqual(listed, [sbom.descriptor.digest]);
  const signature = signatureOf(root);
  await pushArtifact(other, signature);
  assert.deepEqual(
    digestsOf(await layout.referrers(root.descriptor.digest)),
    digestsOf([sbom.descriptor, signature.manifest.descriptor]),
  );
});

test("pushing again writes nothing", async () => {
  const { path, layout } = freshLayout();
  const graph = await pushSampleGraph(layout);
  const before = readFileSync(join(path, "index.json"));
  rmSync(join(path, ".consign.lock"), { recursive: true, force: true });
  for (const manifest of graph.all) await layout.pushManifest(manifest);
  await layout.tag(graph.root, "v1");
  for (const manifest of graph.all) await OciLayout.open(path).pushManifest(manifest);
  assert.deepEqual(readFileSync(join(path, "index.json")), before);
});

test("broken layouts are named as such, with their path", async () => {
  const cases: Record<string, (path: string) => void> = {
    "no oci-layout beside an index.json": (path) => rmSync(join(path, "oci-layout")),
    "no index.json beside blobs": (path) => rmSync(join(path, "index.json")),
    "another version": (path) =>
      writeFileSync(join(path, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'),
    "an index.json that is no JSON": (path) => writeFileSync(join(path, "index.json"), "{"),
    "an index.json of another form": (path) =>
      writeFileSync(
        join(path, "index.json"),
        '{"schemaVersion":2,"manifests":[{"digest":"../../etc"}]}',
      ),
  };
  for (const [name, damage] of Object.entries(cases)) {
    const { path, layout } = freshLayout();
    await pushSampleGraph(layout);
    damage(path);
    await assert.rejects(
      OciLayout.open(path).tags(),
      (error: { code: string; message: string }) =>
        error.code === "LAYOUT_INVALID" && error.message.includes(path),
      name,
    );
    assert.equal(await codeOf(OciLayout.open(path).resolve("v1")), "LAYOUT_INVALID", name);
    assert.equal(
      await codeOf(pushArtifact(OciLayout.open(path, { create: true }), artifact("x"))),
      "LAYOUT_INVALID",
      name,
    );
  }
});

test("a directory with other files, and a file, are no layouts", async () => {
  const path = tempDir("layout");
  writeFileSync(join(path, "package.json"), "{}");
  assert.equal(await codeOf(OciLayout.open(path).tags()), "LAYOUT_INVALID");
  assert.equal(
    await codeOf(pushArtifact(OciLayout.open(path, { create: true }), artifact("x"))),
    "LAYOUT_INVALID",
  );
  assert.deepEqual(readdirSync(path), ["package.json"]);
  assert.equal(await codeOf(OciLayout.open(join(path, "package.json")).tags()), "LAYOUT_INVALID");
});

test("a layout that cannot be written says so", async () => {
  const { path, layout } = freshLayout();
  await pushSampleGraph(layout);
  rmSync(join(path, "blobs", "sha512"), { recursive: true, force: true });
  symlinkSync(join(path, "nowhere", "at-all"), join(path, "blobs", "sha512"));
  const blob = { mediaType: "text/plain", digest: `sha512:${"0".repeat(128)}` as const, size: 1 };
  assert.equal(
    await codeOf(layout.pushBlob(blob, bytesBlob(Buffer.from("x"), "text/plain").open)),
    "LAYOUT_UNWRITABLE",
  );
});

test("a digest cannot lead out of the directory", async () => {
  const { layout } = freshLayout();
  const evil = {
    mediaType: "text/plain",
    digest: "sha256:../../../etc/passwd" as `sha256:${string}`,
    size: 1,
  };
  for (const attempt of [
    layout.blob(evil),
    layout.has(evil),
    layout.deleteBlob(evil),
    layout.manifest({ ...evil, mediaType: MEDIA_TYPES.manifest }),
  ]) {
    assert.equal(await codeOf(attempt), "DIGEST_INVALID");
  }
});

test("damaged files are noticed when read, and mended by a push", async () => {
  const { path, layout } = freshLayout();
  const packed = artifact("precious");
  await pushArtifact(layout, packed);
  const layer = packed.blobs[1];
  assert.ok(layer);
  const file = blobPath(path, layer.descriptor.digest);
  writeFileSync(file, "gracious");
  assert.equal(
    await codeOf(
      layout.blob(layer.descriptor).then((content) => readVerified(content, layer.descriptor, 100)),
    ),
    "DIGEST_MISMATCH",
  );
  truncateSync(file, 3);
  assert.equal(await layout.has(layer.descriptor), false);
  assert.equal(await layout.pushBlob(layer.descriptor, layer.open), true);
  assert.equal(readFileSync(file, "utf8"), "precious");
});

test("a damaged manifest among the entries is the layout's fault", async () => {
  const { path, layout } = freshLayout();
  const { root, sbom } = await pushSampleGraph(layout);
  const file = blobPath(path, sbom.descriptor.digest);
  writeFileSync(file, readFileSync(file).fill(32));
  await assert.rejects(
    OciLayout.open(path).referrers(root.descriptor.digest),
    (error: { code: string; message: string }) =>
      error.code === "LAYOUT_INVALID" && error.message.includes(file),
  );
});

test("a damaged referrer is listed where it says it belongs, and nowhere else", async () => {
  const { path, layout } = freshLayout();
  const { root, sbom } = await pushSampleGraph(layout);
  const other = artifact("other");
  await pushArtifact(layout, other);
  const file = blobPath(path, sbom.descriptor.digest);
  for (const damaged of [
    `${readFileSync(file, "utf8")} `,
    readFileSync(file, "utf8").slice(0, -9),
  ]) {
    writeFileSync(file, damaged);
    const opened = OciLayout.open(path);
    assert.deepEqual(digestsOf(await opened.referrers(root.descriptor.digest)), [
      sbom.descriptor.digest,
    ]);
    assert.deepEqual(await opened.referrers(other.manifest.descriptor.digest), []);
    // Who takes for granted what is listed is told.
    assert.equal(
      await codeOf(opened.referrers(root.descriptor.digest, { settled: () => true })),
      "LAYOUT_INVALID",
    );
  }
});

test("a listed referrer that is not there may refer to anything", async () => {
  const { path, layout } = freshLayout();
  const { root, sbom } = await pushSampleGraph(layout);
  const other = artifact("other");
  await pushArtifact(layout, other);
  rmSync(blobPath(path, sbom.descriptor.digest));
  const opened = OciLayout.open(path);
  for (const { digest } of [root.descriptor, other.manifest.descriptor]) {
    assert.deepEqual(digestsOf(await opened.referrers(digest)), [sbom.descriptor.digest]);
    assert.deepEqual(await opened.referrers(digest, { present: true }), []);
  }
  await opened.tag(other.manifest, "other");
  rmSync(blobPath(path, other.manifest.descriptor.digest));
  assert.deepEqual(
    digestsOf(await OciLayout.open(path).referrers(root.descriptor.digest)),
    [sbom.descriptor.digest],
    "an image that is gone refers to nothing",
  );
});

test("a listed referrer whose bytes are missing is mended by a push", async () => {
  const { path, layout } = freshLayout();
  const { root, sbom } = await pushSampleGraph(layout);
  rmSync(blobPath(path, sbom.descriptor.digest));
  const mended = OciLayout.open(path);
  const present = { settled: () => true };
  assert.deepEqual(await mended.referrers(root.descriptor.digest, present), []);
  await mended.pushManifest(sbom);
  assert.deepEqual(digestsOf(await mended.referrers(root.descriptor.digest)), [
    sbom.descriptor.digest,
  ]);
});

test("an index that is half written by a tool without the lock is read again", async () => {
  const { path, layout } = freshLayout();
  await pushSampleGraph(layout);
  const file = join(path, "index.json");
  const whole = readFileSync(file);
  writeFileSync(file, whole.subarray(0, 100));
  setTimeout(() => writeFileSync(file, whole), 30);
  assert.deepEqual(await OciLayout.open(path).tags(), ["v1"]);
});

test("what is pushed survives a tool that writes index.json without the lock", async () => {
  const { path, layout } = freshLayout();
  const { root } = await pushSampleGraph(layout);
  const file = join(path, "index.json");
  const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
  for (const name of names) {
    const pushing = pushArtifact(layout, artifact(name)).then(() =>
      layout.tag(artifact(name).manifest, name),
    );
    await new Promise((done) => setTimeout(done, Math.random() * 4));
    const index = JSON.parse(readFileSync(file, "utf8")) as { manifests: object[] };
    index.manifests.push({
      ...root.descriptor,
      annotations: { "org.opencontainers.image.ref.name": `foreign-${name}` },
    });
    writeFileSync(file, JSON.stringify(index));
    await pushing;
  }
  const tags = await layout.tags();
  assert.deepEqual(tags.filter((tag) => tag.startsWith("n")).length, 20);
});

test("two processes that write one layout lose nothing", async () => {
  const { path, layout } = freshLayout();
  const writers = ["a", "b"].map((name) => startWriter(path, name, 25));
  assert.deepEqual(await Promise.all(writers.map(({ ended }) => ended)), [0, 0]);
  assert.equal((await layout.tags()).length, 50);
  assert.equal((await layout.referrers(artifact("subject").manifest.descriptor.digest)).length, 50);
});

test("a process killed while it writes leaves a readable layout, and its lock is taken over", async () => {
  const { path, layout } = freshLayout();
  for (let round = 0; round < 4; round++) {
    const { child, tags, ended } = startWriter(path, `r${round}`, 10_000);
    while (tags.length < 3 + round) await new Promise((done) => setTimeout(done, 3));
    child.kill("SIGKILL");
    await ended;
    const seen = await layout.tags();
    for (const tag of tags) assert.ok(seen.includes(tag), `${tag} was reported and is lost`);
    for (const tag of seen) await layout.manifest(tag);
  }
  mkdirSync(join(path, ".consign.lock"), { recursive: true });
  utimesSync(
    join(path, ".consign.lock"),
    new Date(Date.now() - 11_000),
    new Date(Date.now() - 11_000),
  );
  await layout.tag(await layout.manifest("r0-0"), "after");
  assert.equal((await layout.tags()).includes("after"), true);
});

test("a lock that is held is waited for, and reported after the wait", async () => {
  const { path, layout } = freshLayout();
  await pushSampleGraph(layout);
  mkdirSync(join(path, ".consign.lock"));
  const impatient = OciLayout.open(path, { lockWaitMs: 100 });
  assert.equal(await codeOf(impatient.pushManifest(artifact("x").manifest)), "LAYOUT_LOCKED");
  setTimeout(() => rmSync(join(path, ".consign.lock"), { recursive: true }), 150);
  await layout.pushManifest(artifact("x").manifest);
});

test("a layout in which there can be no lock cannot be written", async () => {
  const { path, layout } = freshLayout();
  const { root } = await pushSampleGraph(layout);
  writeFileSync(join(path, ".consign.lock"), "");
  utimesSync(join(path, ".consign.lock"), 1, 1);
  assert.equal(await codeOf(layout.tag(root, "v2")), "LAYOUT_UNWRITABLE");
});

test("temporary files of killed runs are left out of everything, and swept after a day", async () => {
  const { path, layout } = freshLayout();
  await pushSampleGraph(layout);
  const stray = (name: string) => join(path, "blobs", "sha256", `.${name}.0123456789ab.tmp`);
  for (const name of ["old", "new"]) writeFileSync(stray(name), "half");
  utimesSync(stray("old"), new Date(0), new Date(0));
  await pushArtifact(OciLayout.open(path), artifact("next"));
  assert.deepEqual([existsSync(stray("old")), existsSync(stray("new"))], [false, true]);
});

test("the many pushes of one process share rewrites of index.json", async () => {
  const { path, layout } = freshLayout();
  const subject = artifact("subject").manifest.descriptor;
  const started = performance.now();
  await forEachBounded(
    Array.from({ length: 600 }, (_, at) => at),
    16,
    async (at) => {
      await pushArtifact(layout, artifact(`claim ${at}`, { subject }));
    },
  );
  assert.equal((await layout.referrers(subject.digest)).length, 600);
  assert.equal(entriesOf(path).length, 600);
  assert.ok(performance.now() - started < 30_000);
});

test("blobs stream through with little memory", async () => {
  const { layout } = freshLayout();
  const [chunk, count] = [Buffer.alloc(1024 * 1024), 256];
  const { hash, digest } = digester();
  for (let at = 0; at < count; at++) hash.update(chunk);
  const descriptor = {
    mediaType: "application/octet-stream",
    digest: digest(),
    size: chunk.byteLength * count,
  };
  let peak = 0;
  const watch = () =>
    (peak = Math.max(peak, process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed));
  const before = watch();
  await layout.pushBlob(descriptor, async () =>
    (async function* () {
      for (let at = 0; at < count; at++) yield (watch(), chunk);
    })(),
  );
  for await (const _chunk of await layout.blob(descriptor)) watch();
  assert.ok(peak - before < 96 * 1024 * 1024, `${(peak - before) / 1024 / 1024} MiB`);
});

test("an index takes over the listing of its manifests", async () => {
  const { path, layout } = freshLayout();
  const images = [artifact("a").manifest, artifact("b").manifest];
  for (const image of images) await layout.pushManifest(image);
  assert.equal(entriesOf(path).length, 2);
  const index = indexOf(images);
  await layout.pushManifest(index);
  assert.deepEqual(
    entriesOf(path).map(({ digest }) => digest),
    [index.descriptor.digest],
  );
  const again = OciLayout.open(path);
  for (const image of images) await again.pushManifest(image);
  assert.equal(entriesOf(path).length, 1);
});
