// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  MemoryStore,
  OciLayout,
  bytesBlob,
  copy,
  packManifest,
  pushArtifact,
  readSmall,
  type ReadStore,
  type Store,
} from "../../provider/content/index";
import { WholeContent } from "../../provider/content/whole-content";
import { ConsignError } from "../../provider/errors";
import type { Descriptor } from "../../provider/oci/descriptor";
import { referrerDescriptor, type Manifest } from "../../provider/oci/manifest";
import { tempDir } from "../harness/temp";
import {
  SIGNATURE,
  artifact,
  codeOf,
  digestsOf,
  indexOf,
  pushSampleGraph,
  signatureOf,
} from "./sample-graph";

/** A store whose calls are recorded as `verb what`, and may be replaced. */
function recorded<T extends ReadStore>(
  store: T,
  replaced: Partial<Store> = {},
): { store: T; calls: string[] } {
  const calls: string[] = [];
  const proxy = new Proxy(store, {
    get(target, property) {
      const member: unknown = Reflect.get(replaced, property) ?? Reflect.get(target, property);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const [first, second] = args;
        calls.push(
          `${String(property)} ${named(first)}${typeof second === "string" ? ` ${second}` : ""}`,
        );
        return Reflect.apply(
          member,
          Reflect.has(replaced, property) ? replaced : target,
          args,
        ) as unknown;
      };
    },
  });
  return { store: proxy, calls };
}

function named(argument: unknown): string {
  if (typeof argument !== "object" || argument === null) return String(argument);
  return "digest" in argument ? String(argument.digest) : (argument as Manifest).descriptor.digest;
}

const writes = (calls: string[]) => calls.filter((call) => /^(push|tag|delete|untag)/.test(call));

test("a copy takes everything along, writes in order, and tags last", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const { store, calls } = recorded(new MemoryStore("destination"));
  const report = await copy(source, store, graph.root.descriptor, {
    tags: [{ tag: "v1", expected: undefined }, { tag: "stable" }],
  });
  assert.deepEqual(report, {
    manifests: 6,
    manifestsSkipped: 0,
    blobs: 6,
    blobsSkipped: 0,
    bytes: report.bytes,
    referrersIgnored: 0,
    repaired: 0,
    tagsMoved: 2,
  });
  for (const manifest of graph.all)
    assert.deepEqual(
      Buffer.from((await store.manifest(manifest.descriptor)).bytes),
      Buffer.from(manifest.bytes),
    );
  const at = (manifest: Manifest) => calls.indexOf(`pushManifest ${manifest.descriptor.digest}`);
  for (const image of graph.images) assert.ok(at(image) < at(graph.root));
  assert.ok(at(graph.root) < at(graph.sbomSignature));
  assert.ok(at(graph.sbomSignature) < at(graph.sbom), "a claim is there before its signature");
  assert.deepEqual(writes(calls).slice(-2), [
    `tag ${graph.root.descriptor.digest} v1`,
    `tag ${graph.root.descriptor.digest} stable`,
  ]);
  assert.ok(
    calls.lastIndexOf(`has ${graph.root.descriptor.digest}`) > at(graph.sbom),
    "the root was not read back",
  );
});

test("nothing moves twice: neither within a copy nor in the next one", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const from = recorded(source);
  const to = recorded(new MemoryStore("destination"));
  await copy(from.store, to.store, graph.root.descriptor, { tags: [{ tag: "v1" }] });
  const reads = from.calls.filter((call) => /^(blob|manifest) /.test(call));
  assert.equal(new Set(reads).size, reads.length);
  assert.equal(new Set(writes(to.calls)).size, writes(to.calls).length);
  from.calls.length = to.calls.length = 0;
  const report = await copy(from.store, to.store, graph.root.descriptor, { tags: [{ tag: "v1" }] });
  assert.deepEqual(writes(to.calls), []);
  assert.deepEqual(
    from.calls.filter((call) => /^(blob|manifest) /.test(call)),
    [`manifest ${graph.root.descriptor.digest}`],
  );
  assert.deepEqual([report.manifests, report.manifestsSkipped, report.blobs], [0, 6, 0]);
});

test("a copy between layouts is complete on disk", async () => {
  const source = OciLayout.open(join(tempDir("copy"), "a"), { create: true });
  const graph = await pushSampleGraph(source);
  const path = join(tempDir("copy"), "b");
  await copy(source, OciLayout.open(path, { create: true }), graph.root.descriptor, {
    tags: [{ tag: "v1" }],
  });
  const read = OciLayout.open(path);
  assert.deepEqual(await read.tags(), ["v1"]);
  assert.deepEqual(digestsOf(await read.referrers(graph.sbom.descriptor.digest)), [
    graph.sbomSignature.descriptor.digest,
  ]);
  assert.equal((await copy(read, new MemoryStore(), graph.root.descriptor)).manifests, 6);
});

test("only the chosen referrers come along, and leaf types are not asked for theirs", async () => {
  const source = recorded(new MemoryStore("source"));
  const graph = await pushSampleGraph(source.store);
  source.calls.length = 0;
  const destination = new MemoryStore("destination");
  const isPublic = async (subject: Descriptor) =>
    (await source.store.referrers(subject.digest)).filter(
      ({ artifactType }) => artifactType === SIGNATURE,
    );
  await copy(source.store, destination, graph.root.descriptor, {
    referrers: isPublic,
    leafTypes: [SIGNATURE],
  });
  assert.equal(await destination.has(graph.imageSignature.descriptor), true);
  assert.equal(await destination.has(graph.sbom.descriptor), false);
  assert.equal(source.calls.includes(`referrers ${graph.imageSignature.descriptor.digest}`), false);
});

test("what is listed as a referrer and is none is left out and counted", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const unrelated = artifact("unrelated");
  await pushArtifact(source, unrelated);
  const hostile = recorded(source, {
    referrers: async (subject) => [
      ...(await source.referrers(subject)),
      referrerDescriptor(unrelated.manifest),
      referrerDescriptor(graph.root),
    ],
  });
  const destination = new MemoryStore("destination");
  const report = await copy(hostile.store, destination, graph.root.descriptor);
  assert.equal(report.manifests, 6);
  assert.equal(report.referrersIgnored > 0, true);
  assert.equal(await destination.has(unrelated.manifest.descriptor), false);
});

test("new claims on a digest that is there already are added, and only they", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const to = recorded(new MemoryStore("destination"));
  await copy(source, to.store, graph.root.descriptor);
  const scan = artifact("scan", { subject: graph.root.descriptor });
  for (const each of [scan, signatureOf(scan.manifest)]) await pushArtifact(source, each);
  to.calls.length = 0;
  assert.equal((await copy(source, to.store, graph.root.descriptor)).manifests, 2);
  assert.deepEqual(
    writes(to.calls).filter((call) => call.startsWith("pushManifest")),
    [signatureOf(scan.manifest), scan].map(
      ({ manifest }) => `pushManifest ${manifest.descriptor.digest}`,
    ),
  );
});

test("a referrer that is there and not listed is sent again, and does not count as copied", async () => {
  const source = new MemoryStore("source");
  const root = artifact("root");
  const scan = artifact("scan", { subject: root.manifest.descriptor });
  for (const each of [root, scan]) await pushArtifact(source, each);
  const destination = new MemoryStore("destination");
  let isListed = false;
  const to = recorded(destination, {
    referrers: async (subject) => (isListed ? destination.referrers(subject) : []),
    pushManifest: async (manifest) => {
      isListed = true;
      return destination.pushManifest(manifest);
    },
  });
  for (const each of [root, scan]) await pushArtifact(destination, each);
  const report = await copy(source, to.store, root.manifest.descriptor, { certain: true });
  assert.deepEqual([isListed, report.manifests], [true, 0]);
});

test("a deep copy mends what a destination lost below a manifest", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const destination = new MemoryStore("destination");
  await copy(source, destination, graph.root.descriptor);
  const [image] = graph.images;
  const layer = image?.kind === "manifest" ? image.value.layers[0] : undefined;
  assert.ok(image && layer);
  await destination.deleteBlob(layer);
  await destination.deleteManifest(graph.images[1]?.descriptor ?? image.descriptor);
  assert.equal((await copy(source, destination, graph.root.descriptor)).manifests, 0);
  const report = await copy(source, destination, graph.root.descriptor, { deep: true });
  assert.deepEqual([report.manifests, report.blobs], [1, 1]);
  assert.equal(await destination.has(layer), true);
});

test("a graph that is too deep or too large is refused before anything is written", async () => {
  const source = new MemoryStore("source");
  const first = artifact("first").manifest;
  let last = artifact("first");
  for (let depth = 0; depth < 40; depth++) {
    await pushArtifact(source, last);
    last = artifact(`claim ${depth}`, { subject: last.manifest.descriptor });
  }
  const to = recorded(new MemoryStore("destination"));
  assert.equal(await codeOf(copy(source, to.store, first.descriptor)), "GRAPH_TOO_DEEP");
  assert.equal(
    await codeOf(copy(source, to.store, first.descriptor, { maxDepth: 50, maxNodes: 20 })),
    "GRAPH_TOO_LARGE",
  );
  assert.deepEqual(writes(to.calls), []);
  assert.equal((await copy(source, to.store, first.descriptor, { maxDepth: 50 })).manifests, 40);
});

test("manifests that refer to and contain each other's parts do not lock the copy up", async () => {
  const source = new MemoryStore("source");
  const subject = artifact("subject").manifest;
  const claim = artifact("claim", { subject: subject.descriptor });
  const bundle = indexOf([claim.manifest], { subject: claim.manifest.descriptor });
  const outer = indexOf([bundle, claim.manifest], { subject: subject.descriptor });
  await pushArtifact(source, artifact("subject"));
  await pushArtifact(source, claim);
  for (const index of [bundle, outer]) await source.pushManifest(index);
  const report = await copy(source, new MemoryStore("destination"), subject.descriptor, {
    concurrency: 1,
  });
  assert.equal(report.manifests, 4);
});

test("errors say at which end they happened, and the next copy goes on", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const memory = new MemoryStore("destination");
  const full = recorded(memory, {
    pushManifest: async (manifest) => {
      if (manifest.value.subject !== undefined) throw new ConsignError("REGISTRY_DENIED", "no");
      await memory.pushManifest(manifest);
    },
  });
  await assert.rejects(copy(source, full.store, graph.root.descriptor, { tags: [{ tag: "v1" }] }), {
    code: "REGISTRY_DENIED",
    side: "destination",
  });
  assert.deepEqual(await memory.tags(), []);
  assert.equal((await copy(source, memory, graph.root.descriptor)).manifests, 3);

  const [image] = graph.images;
  const layer = image?.kind === "manifest" ? image.value.layers[0] : undefined;
  assert.ok(layer);
  const lying = recorded(source, {
    blob: async () => bytesBlob(Buffer.from("x"), "text/plain").open(),
  });
  await assert.rejects(copy(lying.store, new MemoryStore("destination"), graph.root.descriptor), {
    code: "SIZE_MISMATCH",
  });
  await source.deleteBlob(layer);
  await assert.rejects(copy(source, new MemoryStore("destination"), graph.root.descriptor), {
    code: "BLOB_UNKNOWN",
    side: "source",
  });
});

test("foreign layers that the source does not hold are left out", async () => {
  const source = new MemoryStore("source");
  const layer = bytesBlob(
    Buffer.from("elsewhere"),
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  );
  const packed = packManifest({ artifactType: "application/vnd.example.thing", layers: [layer] });
  for (const blob of packed.blobs)
    if (blob.descriptor.digest !== layer.descriptor.digest)
      await source.pushBlob(blob.descriptor, blob.open);
  await source.pushManifest(packed.manifest);
  const report = await copy(source, new MemoryStore("destination"), packed.manifest.descriptor);
  assert.deepEqual([report.manifests, report.blobs, report.blobsSkipped], [1, 1, 1]);
});

test("a destination that loses a write is given it again, and named if it loses it always", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const losing = (times: number) => {
    const memory = new MemoryStore("destination");
    let left = times;
    return recorded(memory, {
      pushManifest: async (manifest) =>
        manifest.descriptor.digest === graph.sbom.descriptor.digest && left-- > 0
          ? undefined
          : memory.pushManifest(manifest),
    }).store;
  };
  const once = losing(1);
  await copy(source, once, graph.root.descriptor, { tags: [{ tag: "v1" }] });
  assert.equal(await once.has(graph.sbom.descriptor), true);
  const always = losing(100);
  await assert.rejects(copy(source, always, graph.root.descriptor, { tags: [{ tag: "v1" }] }), {
    code: "READ_BACK_FAILED",
    side: "destination",
  });
  assert.deepEqual(await always.tags(), []);
});

test("a tag that moved meanwhile stays, and an abort stops the copy", async () => {
  const source = new MemoryStore("source");
  const graph = await pushSampleGraph(source);
  const destination = new MemoryStore("destination");
  await pushArtifact(destination, artifact("theirs"));
  await destination.tag(artifact("theirs").manifest, "v1");
  await assert.rejects(
    copy(source, destination, graph.root.descriptor, {
      tags: [{ tag: "v1", expected: undefined }],
    }),
    { code: "TAG_MOVED", side: "destination" },
  );
  assert.equal(
    await codeOf(
      copy(source, new MemoryStore(), graph.root.descriptor, { signal: AbortSignal.abort() }),
    ),
    "COPY_FAILED",
  );
});

test("a thousand referrers are copied with no more than the allowed requests under way", async () => {
  const source = new MemoryStore("source");
  const subject = artifact("subject");
  await pushArtifact(source, subject);
  for (let at = 0; at < 1000; at++)
    await pushArtifact(source, artifact(`claim ${at}`, { subject: subject.manifest.descriptor }));
  const memory = new MemoryStore("destination");
  let [now, most] = [0, 0];
  const slow = recorded(memory, {
    pushManifest: async (manifest) => {
      most = Math.max(most, ++now);
      await new Promise((done) => setImmediate(done));
      await memory.pushManifest(manifest);
      now--;
    },
  });
  assert.equal(
    (await copy(source, slow.store, subject.manifest.descriptor, { concurrency: 5 })).manifests,
    1001,
  );
  assert.ok(most <= 5 && most > 1, `${most} at once`);
});

test("of every blob it is told how much has gone by, in pieces or whole, and what fails in telling is not the source's failure", async () => {
  const source = new MemoryStore("source");
  const packed = packManifest({
    artifactType: "application/vnd.example",
    layers: [bytesBlob(Buffer.from("one layer"), "text/plain")],
  });
  await pushArtifact(source, packed);
  const whole = recorded(source, {
    blob: async (target) => new WholeContent(await readSmall(source, target, 100), target.digest),
  }).store;
  for (const from of [source, whole]) {
    const told = new Map<string, number>();
    await copy(from, new MemoryStore("destination"), packed.manifest.descriptor, {
      onProgress: (event) =>
        void (event.kind === "bytes" && told.set(event.descriptor.digest, event.bytes)),
    });
    assert.deepEqual(
      told,
      new Map(packed.blobs.map(({ descriptor }) => [descriptor.digest, descriptor.size])),
    );
    const failing = copy(from, new MemoryStore("destination"), packed.manifest.descriptor, {
      onProgress: (event) => {
        if (event.kind === "bytes") throw new Error("nobody listens");
      },
    });
    await assert.rejects(
      failing,
      (error) =>
        error instanceof ConsignError &&
        error.side === "destination" &&
        error.message.includes("nobody listens"),
    );
  }
});
