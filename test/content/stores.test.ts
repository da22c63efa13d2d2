// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  MemoryStore,
  OciLayout,
  bytesBlob,
  packManifest,
  pushArtifact,
  readSmall,
  type Store,
} from "../../provider/content/index";
import { plainDescriptor } from "../../provider/oci/descriptor";
import { digestOf } from "../../provider/oci/digest";
import { parseManifest, referrerDescriptor } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { tempDir } from "../harness/temp";
import { artifact, codeOf, digestsOf, indexOf, pushSampleGraph, signatureOf } from "./sample-graph";

const STORES: Record<string, () => Store> = {
  memory: () => new MemoryStore("test"),
  "an OCI image layout": () =>
    OciLayout.open(join(tempDir("layout"), "made", "on-demand"), { create: true }),
};

for (const [kind, open] of Object.entries(STORES)) {
  describe(`a store that is ${kind}`, () => {
    test("is empty at first", async () => {
      const store = open();
      const { manifest } = artifact("absent");
      assert.deepEqual(await store.tags(), []);
      assert.deepEqual(await store.referrers(manifest.descriptor.digest), []);
      assert.equal(await store.has(manifest.descriptor), false);
      assert.equal(await codeOf(store.resolve("v1")), "MANIFEST_UNKNOWN");
      assert.equal(await codeOf(store.resolve(manifest.descriptor.digest)), "MANIFEST_UNKNOWN");
      assert.equal(await codeOf(store.manifest(manifest.descriptor)), "MANIFEST_UNKNOWN");
      assert.equal(
        await codeOf(store.blob(bytesBlob(Buffer.from("x"), "text/plain").descriptor)),
        "BLOB_UNKNOWN",
      );
      await store.untag("v1");
      await store.deleteManifest(manifest.descriptor);
      await store.deleteBlob(manifest.descriptor);
    });

    test("gives back what was pushed, by tag, digest and descriptor", async () => {
      const store = open();
      const { root, images } = await pushSampleGraph(store);
      assert.deepEqual(await store.resolve("v1"), plainDescriptor(root.descriptor));
      for (const target of ["v1", root.descriptor.digest, root.descriptor]) {
        const read = await store.manifest(target);
        assert.deepEqual(Buffer.from(read.bytes), Buffer.from(root.bytes));
        assert.deepEqual(read.descriptor, root.descriptor);
      }
      const [image] = images;
      assert.ok(image?.kind === "manifest" && image.value.layers[0]);
      assert.deepEqual(await store.resolve(image.descriptor.digest), image.descriptor);
      assert.equal(
        Buffer.from(await readSmall(store, image.value.layers[0], 100)).toString(),
        "net-monitor amd64",
      );
    });

    test("shows referrers with their types and annotations, sorted, also of subjects that are not there", async () => {
      const store = open();
      const subject = artifact("never pushed").manifest;
      const claims = ["a", "b", "c"].map((text) =>
        artifact(text, {
          subject: subject.descriptor,
          annotations: { text, "org.opencontainers.image.ref.name": "not-a-tag" },
        }),
      );
      for (const claim of claims) await pushArtifact(store, claim);
      const listed = await store.referrers(subject.descriptor.digest);
      assert.deepEqual(
        listed.map(({ digest }) => digest),
        digestsOf(claims.map(({ manifest }) => manifest.descriptor)),
      );
      assert.deepEqual(
        listed,
        claims
          .map(({ manifest }) => referrerDescriptor(manifest))
          .sort((a, b) => (a.digest < b.digest ? -1 : 1)),
      );
      assert.deepEqual(await store.tags(), []);
    });

    test("moves tags only from where they are expected", async () => {
      const store = open();
      const [one, two] = [artifact("one"), artifact("two")];
      for (const each of [one, two]) await pushArtifact(store, each);
      await store.tag(one.manifest, "v1", { expected: undefined });
      assert.equal(
        await codeOf(store.tag(two.manifest, "v1", { expected: undefined })),
        "TAG_MOVED",
      );
      assert.equal(
        await codeOf(
          store.tag(two.manifest, "v1", {
            expected: two.manifest.descriptor.digest.replace(/.$/, "0") as `sha256:${string}`,
          }),
        ),
        "TAG_MOVED",
      );
      await store.tag(one.manifest, "v1", { expected: undefined });
      await store.tag(two.manifest, "v1", { expected: one.manifest.descriptor.digest });
      assert.equal((await store.resolve("v1")).digest, two.manifest.descriptor.digest);
      await store.tag(one.manifest, "v1");
      assert.equal((await store.resolve("v1")).digest, one.manifest.descriptor.digest);
      assert.equal(await codeOf(store.tag(artifact("absent").manifest, "v1")), "MANIFEST_UNKNOWN");
      assert.equal(await codeOf(store.tag(one.manifest, "no/tag")), "REFERENCE_INVALID");
    });

    test("lists tags sorted, without the fallback tags of referrers", async () => {
      const store = open();
      const { manifest } = artifact("x");
      await store.pushManifest(manifest);
      for (const tag of [
        "v2",
        "v10",
        "latest",
        manifest.descriptor.digest.replace(":", "-"),
        "sha256-abc",
      ])
        await store.tag(manifest, tag);
      assert.deepEqual(await store.tags(), ["latest", "sha256-abc", "v10", "v2"]);
    });

    test("untags without losing the manifest or what refers to it", async () => {
      const store = open();
      const { root, sbom } = await pushSampleGraph(store);
      await store.untag("v1");
      await store.untag("v1");
      assert.deepEqual(await store.tags(), []);
      assert.equal((await store.manifest(root.descriptor.digest)).kind, "index");
      assert.deepEqual(digestsOf(await store.referrers(root.descriptor.digest)), [
        sbom.descriptor.digest,
      ]);
    });

    test("deletes a manifest with its tags and its place among the referrers, twice if asked", async () => {
      const store = open();
      const { root, sbom } = await pushSampleGraph(store);
      for (const target of [sbom, root, root]) await store.deleteManifest(target.descriptor);
      assert.deepEqual(await store.referrers(root.descriptor.digest), []);
      assert.deepEqual(await store.tags(), []);
      assert.equal(await store.has(root.descriptor), false);
      assert.equal(await codeOf(store.manifest(root.descriptor.digest)), "MANIFEST_UNKNOWN");
    });

    test("does not take blobs or manifests that are not what they are said to be", async () => {
      const store = open();
      const good = bytesBlob(Buffer.from("good"), "text/plain");
      const evil = bytesBlob(Buffer.from("evil"), "text/plain");
      assert.equal(await codeOf(store.pushBlob(good.descriptor, evil.open)), "DIGEST_MISMATCH");
      assert.equal(
        await codeOf(store.pushBlob({ ...good.descriptor, size: 3 }, good.open)),
        "SIZE_MISMATCH",
      );
      assert.equal(await store.has(good.descriptor), false);
      const { manifest } = artifact("x");
      assert.equal(
        await codeOf(store.pushManifest({ ...manifest, bytes: Buffer.from("{}") })),
        "SIZE_MISMATCH",
      );
      assert.equal(await store.pushBlob(good.descriptor, good.open), true);
      assert.equal(
        await store.pushBlob(good.descriptor, () => assert.fail("opened for nothing")),
        false,
      );
    });

    test("refuses manifests that are too large, on both ways", async () => {
      const store = open();
      const big = bytesBlob(Buffer.alloc(5 * 1024 * 1024, " "), MEDIA_TYPES.manifest);
      assert.throws(
        () =>
          packManifest({
            artifactType: "a/b",
            layers: [],
            annotations: { big: "x".repeat(5 * 1024 * 1024) },
          }),
        { code: "MANIFEST_TOO_LARGE" },
      );
      assert.equal(await codeOf(store.manifest(big.descriptor)), "MANIFEST_TOO_LARGE");
    });

    test("holds Docker's manifests, and content under sha512", async () => {
      const store = open();
      const config = bytesBlob(Buffer.from("{}"), "application/vnd.docker.container.image.v1+json");
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: MEDIA_TYPES.dockerManifest,
          config: config.descriptor,
          layers: [],
        }),
      );
      const docker = parseManifest(bytes, MEDIA_TYPES.dockerManifest, digestOf(bytes, "sha512"));
      await store.pushManifest(docker);
      await store.tag(docker, "docker");
      assert.deepEqual((await store.manifest("docker")).descriptor, docker.descriptor);
    });

    test("shows an index that refers, and what refers to something below an index", async () => {
      const store = open();
      const image = artifact("image").manifest;
      const signature = signatureOf(image).manifest;
      const bundle = indexOf([signature], { subject: image.descriptor });
      for (const manifest of [image, signature, bundle]) await store.pushManifest(manifest);
      assert.deepEqual(
        digestsOf(await store.referrers(image.descriptor.digest)),
        digestsOf([signature.descriptor, bundle.descriptor]),
      );
    });
  });
}
