// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { bytesBlob } from "../../provider/content/pack";
import { readSmall } from "../../provider/content/verify";
import { isConsignError } from "../../provider/errors";
import { digestOf } from "../../provider/oci/digest";
import { parseManifest, type Manifest } from "../../provider/oci/manifest";
import { RegistryClient, type Repository } from "../../provider/registry/index";
import { pushImage, pushReferrer, pushSampleGraph } from "../harness/artifacts";
import { tempDir } from "../harness/temp";
import { forEachRegistry, type TestRegistry } from "../harness/registries";

function connect(
  registry: TestRegistry,
  context: TestContext,
  name = "wabbit/net-monitor",
): { client: RegistryClient; repository: Repository } {
  const client = new RegistryClient({
    baseDir: ".",
    env: { DOCKER_CONFIG: tempDir("docker") },
    limits: { backoffMs: 20, readBackMs: 10 },
  });
  context.after(() => client.close());
  return { client, repository: client.repository(registry.host, name) };
}

forEachRegistry(
  "an artifact that is pushed can be resolved, read and listed",
  async (registry, context) => {
    const { repository } = connect(registry, context);
    assert.deepEqual(await repository.tags(), []);
    const image = await pushImage(repository, { tag: "v1" });
    assert.deepEqual(await repository.resolve("v1"), image.descriptor);
    repository.forget();
    assert.deepEqual(await repository.resolve("v1"), image.descriptor);
    assert.deepEqual(await repository.tags(), ["v1"]);
    const { repository: other } = connect(registry, context);
    const read = await other.manifest("v1");
    assert.equal(Buffer.compare(read.bytes, image.bytes), 0);
    assert.equal(read.kind, "manifest");
    const layer = read.kind === "manifest" ? read.value.layers[0] : undefined;
    assert.ok(layer);
    assert.equal(Buffer.from(await readSmall(other, layer, 1000)).toString(), "a layer\n");
  },
);

forEachRegistry("what is not there is unknown, and nothing else", async (registry, context) => {
  const { repository } = connect(registry, context);
  await pushImage(repository, { tag: "v1" });
  const digest = digestOf("nowhere");
  await assert.rejects(repository.resolve("v2"), (error) =>
    isConsignError(error, "MANIFEST_UNKNOWN"),
  );
  await assert.rejects(repository.manifest(digest), (error) =>
    isConsignError(error, "MANIFEST_UNKNOWN"),
  );
  await assert.rejects(repository.blob({ mediaType: "application/x", digest, size: 7 }), (error) =>
    isConsignError(error, "BLOB_UNKNOWN"),
  );
  assert.equal(await repository.has({ mediaType: "application/x", digest, size: 7 }), false);
  assert.deepEqual(await repository.referrers(digest), []);
});

forEachRegistry(
  "referrers at two depths are listed complete, with the fallback tag only where the API is missing",
  async (registry, context) => {
    const { repository } = connect(registry, context);
    const graph = await pushSampleGraph(repository);
    for (const look of [repository, connect(registry, context).repository]) {
      const [sbom] = await look.referrers(graph.index.descriptor.digest);
      assert.equal(sbom?.digest, graph.sbom.descriptor.digest);
      assert.equal(sbom?.artifactType, "application/spdx+json");
      assert.deepEqual(
        (await look.referrers(graph.sbom.descriptor.digest)).map(({ digest }) => digest),
        [graph.sbomSignature.descriptor.digest],
      );
      assert.equal(
        look.referrersSupport.support,
        registry.referrersApi ? "supported" : "unsupported",
      );
      assert.deepEqual(await look.tags(), ["v1"]);
    }
    const listed = await fetch(`http://${registry.direct}/v2/wabbit/net-monitor/tags/list`);
    const { tags } = (await listed.json()) as { tags: string[] };
    assert.equal(
      tags.some((tag) => tag.startsWith("sha256-")),
      !registry.referrersApi,
    );
  },
);

forEachRegistry("40 referrers pushed at once are all listed", async (registry, context) => {
  const { client, repository } = connect(registry, context);
  const image = await pushImage(repository, { tag: "v1" });
  const pushed = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      pushReferrer(repository, image.descriptor, { content: `evidence ${i}` }),
    ),
  );
  const expected = pushed.map(({ descriptor }) => descriptor.digest).sort();
  repository.forget();
  assert.deepEqual(
    (await repository.referrers(image.descriptor.digest)).map(({ digest }) => digest),
    expected,
  );
  const { repository: other } = connect(registry, context);
  assert.deepEqual(
    (await other.referrers(image.descriptor.digest)).map(({ digest }) => digest),
    expected,
  );
  context.diagnostic(
    `${client.counters.requests()} requests, ${client.counters.repairs} repairs ${JSON.stringify(client.counters.byHost())}`,
  );
});

forEachRegistry(
  "a blob is mounted from another repository without being sent",
  async (registry, context) => {
    const { client, repository } = connect(registry, context);
    const blob = bytesBlob(Buffer.alloc(200_000, 7), "application/octet-stream");
    assert.equal(await repository.pushBlob(blob.descriptor, blob.open), true);
    assert.equal(await repository.pushBlob(blob.descriptor, blob.open), false);
    const sent = client.counters.bytesSent;
    const target = client.repository(registry.host, "acme/net-monitor");
    const bytesSent = await target.pushBlob(blob.descriptor, blob.open, {
      from: repository,
      absent: true,
    });
    if (!bytesSent) assert.equal(client.counters.bytesSent, sent);
    assert.equal((await readSmall(target, blob.descriptor, 200_000)).byteLength, 200_000);
    context.diagnostic(
      bytesSent
        ? "not mounted: sent through the session that the registry opened instead"
        : "mounted",
    );
  },
);

forEachRegistry(
  "a large blob goes whole, and in chunks once that broke",
  async (registry, context) => {
    const client = new RegistryClient({
      baseDir: ".",
      env: { DOCKER_CONFIG: tempDir("docker") },
      limits: { chunkedFromBytes: 1000, chunkBytes: 300_000 },
    });
    context.after(() => client.close());
    const repository = client.repository(registry.host, "wabbit/large");
    const blob = bytesBlob(Buffer.alloc(1_000_000, "large"), "application/octet-stream");
    assert.equal(await repository.pushBlob(blob.descriptor, blob.open), true);
    assert.equal(client.counters.requests(registry.host, "PATCH"), 0);
    assert.equal((await readSmall(repository, blob.descriptor, 1_000_000)).byteLength, 1_000_000);
    const another = bytesBlob(Buffer.alloc(1_000_000, "another"), "application/octet-stream");
    registry.setFaults([{ method: "PUT", nth: 1, fault: { kind: "reset", when: "before" } }]);
    assert.equal(await repository.pushBlob(another.descriptor, another.open), true);
    assert.ok(client.counters.requests(registry.host, "PATCH") >= 4);
    assert.equal(
      (await readSmall(repository, another.descriptor, 1_000_000)).byteLength,
      1_000_000,
    );
  },
);

forEachRegistry("a tag moves only from where it is expected", async (registry, context) => {
  const { client, repository } = connect(registry, context);
  const one = await pushImage(repository, { layers: ["one"] });
  const two = await pushImage(repository, { layers: ["two"] });
  await repository.tag(one, "prod", { expected: undefined });
  await assert.rejects(repository.tag(two, "prod", { expected: undefined }), (error) =>
    isConsignError(error, "TAG_MOVED"),
  );
  await assert.rejects(repository.tag(two, "prod", { expected: digestOf("elsewhere") }), (error) =>
    isConsignError(error, "TAG_MOVED"),
  );
  assert.equal((await repository.resolve("prod")).digest, one.descriptor.digest);
  await repository.tag(two, "prod", { expected: one.descriptor.digest });
  assert.equal((await repository.resolve("prod")).digest, two.descriptor.digest);
  const puts = client.counters.requests(registry.host, "PUT");
  await repository.tag(two, "prod", { expected: one.descriptor.digest });
  assert.equal(client.counters.requests(registry.host, "PUT"), puts);
});

forEachRegistry(
  "untag removes the tag alone, or says that the registry cannot",
  async (registry, context) => {
    const { repository } = connect(registry, context);
    const image = await pushImage(repository, { tag: "v1" });
    await repository.tag(image, "v2");
    try {
      await repository.untag("v1");
      await repository.untag("v1");
      assert.deepEqual(await repository.tags(), ["v2"]);
    } catch (error) {
      assert.ok(isConsignError(error, "REGISTRY_UNSUPPORTED"), String(error));
      context.diagnostic("not supported");
    }
    repository.forget();
    assert.equal((await repository.resolve("v2")).digest, image.descriptor.digest);
    assert.equal(await repository.has(image.descriptor), true);
  },
);

forEachRegistry(
  "a deleted referrer leaves its subject's list, and deleting twice is fine",
  async (registry, context) => {
    const { repository } = connect(registry, context);
    const image = await pushImage(repository, { tag: "v1" });
    const keep = await pushReferrer(repository, image.descriptor, { content: "keep" });
    const drop = await pushReferrer(repository, image.descriptor, { content: "drop" });
    const { repository: other } = connect(registry, context);
    await other.deleteManifest(drop.descriptor);
    await other.deleteManifest(drop.descriptor);
    assert.deepEqual(
      (await other.referrers(image.descriptor.digest)).map(({ digest }) => digest),
      [keep.descriptor.digest],
    );
    assert.equal(await other.has(drop.descriptor), false);
    await assert.rejects(other.manifest(drop.descriptor), (error) =>
      isConsignError(error, "MANIFEST_UNKNOWN"),
    );
  },
);

const SHA512_KINDS = { kinds: ["olareg", "olareg-fallback", "ggcr"] } as const;

forEachRegistry(
  "a manifest that goes by sha512 is resolved, read and referred to by it",
  async (registry, context) => {
    const manifest = await pushSha512(connect(registry, context).repository);
    const { digest } = manifest.descriptor;
    const { repository } = connect(registry, context);
    assert.deepEqual(await repository.resolve(digest), manifest.descriptor);
    assert.deepEqual((await repository.manifest(digest)).descriptor, manifest.descriptor);
    assert.deepEqual(await repository.tags(), [], "it is no tag");
    const referrer = await pushReferrer(repository, manifest.descriptor);
    repository.forget();
    assert.deepEqual(
      (await repository.referrers(digest)).map((found) => found.digest),
      [referrer.descriptor.digest],
    );
  },
  { ...SHA512_KINDS },
);

forEachRegistry(
  "no tag is put on the sha256 twin of a manifest that goes by sha512",
  async (registry, context) => {
    const { repository } = connect(registry, context);
    const manifest = await pushSha512(repository);
    await assert.rejects(repository.tag(manifest, "v1"), (error) =>
      isConsignError(error, "REGISTRY_UNSUPPORTED"),
    );
    await assert.rejects(repository.tag(manifest, "v1", { expected: undefined }), (error) =>
      isConsignError(error, "REGISTRY_UNSUPPORTED"),
    );
    assert.deepEqual(await connect(registry, context).repository.tags(), []);
  },
  { ...SHA512_KINDS },
);

async function pushSha512(repository: Repository): Promise<Manifest> {
  const { bytes, descriptor } = await pushImage(repository);
  const manifest = parseManifest(bytes, descriptor.mediaType, digestOf(bytes, "sha512"));
  await repository.pushManifest(manifest);
  return manifest;
}

forEachRegistry(
  "where deletes are off, it is said, and the list stays as it was",
  async (registry, context) => {
    const { repository } = connect(registry, context);
    const image = await pushImage(repository, { tag: "v1" });
    const referrer = await pushReferrer(repository, image.descriptor);
    await assert.rejects(repository.deleteManifest(referrer.descriptor), (error) =>
      isConsignError(error, "REGISTRY_UNSUPPORTED"),
    );
    await assert.rejects(repository.untag("v1"), (error) =>
      isConsignError(error, "REGISTRY_UNSUPPORTED"),
    );
    const config = image.kind === "manifest" ? image.value.config : image.descriptor;
    await assert.rejects(repository.deleteBlob(config), (error) =>
      isConsignError(error, "REGISTRY_UNSUPPORTED"),
    );
    repository.forget();
    assert.deepEqual(
      (await repository.referrers(image.descriptor.digest)).map(({ digest }) => digest),
      [referrer.descriptor.digest],
    );
  },
  { deletes: false, kinds: ["distribution", "olareg", "olareg-fallback"] },
);
