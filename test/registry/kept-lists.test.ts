// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { packManifest } from "../../provider/content/pack";
import type { Digest } from "../../provider/oci/digest";
import type { Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { fallbackTag } from "../../provider/registry/tags";
import { pushImage, pushReferrer } from "../harness/artifacts";
import type { FaultRule } from "../harness/faults";
import { forEachRegistry, type TestRegistry } from "../harness/registries";
import { json, quickClient, scripted } from "./scripted";
import { failsWith } from "../harness/failure";

const kinds = ["distribution", "olareg-fallback"] as const;
const REPOSITORY = "wabbit/a";

const digestsOf = (...manifests: readonly Manifest[]): Digest[] =>
  manifests.map(({ descriptor }) => descriptor.digest).sort();

async function listedAt(registry: TestRegistry, subject: Digest): Promise<string[]> {
  const answer = await fetch(
    `http://${registry.direct}/v2/${REPOSITORY}/manifests/${fallbackTag(subject)}`,
    { headers: { accept: MEDIA_TYPES.index } },
  );
  const { manifests } = (await answer.json()) as { manifests: { digest: string }[] };
  return manifests.map(({ digest }) => digest).sort();
}

/** As a client that knows nothing of the list does it. */
async function removeBehind(registry: TestRegistry, manifest: Manifest): Promise<void> {
  const answer = await fetch(
    `http://${registry.direct}/v2/${REPOSITORY}/manifests/${manifest.descriptor.digest}`,
    { method: "DELETE" },
  );
  assert.equal(answer.status, 202);
}

async function writeBehind(
  registry: TestRegistry,
  subject: Digest,
  entries: readonly unknown[],
): Promise<void> {
  const answer = await fetch(
    `http://${registry.direct}/v2/${REPOSITORY}/manifests/${fallbackTag(subject)}`,
    {
      method: "PUT",
      headers: { "content-type": MEDIA_TYPES.index },
      body: JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: entries }),
    },
  );
  assert.equal(answer.status, 201);
}

forEachRegistry(
  "an entry that dangles goes when the list is written, and no other",
  async (registry, context) => {
    const repository = quickClient(context).repository(registry.host, REPOSITORY);
    const image = await pushImage(repository);
    const { digest } = image.descriptor;
    const stays = await pushReferrer(repository, image.descriptor, { content: "one" });
    const goes = await pushReferrer(repository, image.descriptor, { content: "two" });
    await removeBehind(registry, goes);
    assert.deepEqual(await listedAt(registry, digest), digestsOf(stays, goes));
    for (const place of [repository, quickClient(context).repository(registry.host, REPOSITORY)]) {
      const added = await pushReferrer(place, image.descriptor, { content: place.name });
      assert.deepEqual(
        (await place.referrers(digest, { fresh: true, present: true })).map(
          (entry) => entry.digest,
        ),
        digestsOf(stays, added),
      );
    }
    const third = await pushReferrer(
      quickClient(context).repository(registry.host, REPOSITORY),
      image.descriptor,
      { content: "three" },
    );
    assert.ok(!(await listedAt(registry, digest)).includes(goes.descriptor.digest));
    assert.ok((await listedAt(registry, digest)).includes(third.descriptor.digest));
  },
  { kinds },
);

const missedOnce = (path: RegExp): FaultRule => ({
  path,
  times: 1,
  fault: {
    kind: "status",
    status: 404,
    body: JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN" }] }),
  },
});

forEachRegistry(
  "one 404 takes nothing out of a list, and hides nothing that is listed",
  async (registry, context) => {
    const first = quickClient(context).repository(registry.host, REPOSITORY);
    const image = await pushImage(first);
    const { digest } = image.descriptor;
    const one = await pushReferrer(first, image.descriptor, { content: "one" });
    const two = await pushReferrer(first, image.descriptor, { content: "two" });
    for (const [method, path] of [
      ["GET", /\/referrers\//],
      ["GET", /\/manifests\/sha256-/],
      ["HEAD", new RegExp(`/manifests/${one.descriptor.digest}`)],
    ] as const) {
      registry.setFaults([{ method, ...missedOnce(path) }]);
      const place = quickClient(context).repository(registry.host, REPOSITORY);
      assert.deepEqual(
        (await place.referrers(digest, { present: true })).map((entry) => entry.digest),
        digestsOf(one, two),
        `${method} ${path.source}`,
      );
    }
    registry.setFaults([
      { method: "HEAD", ...missedOnce(new RegExp(`/manifests/${one.descriptor.digest}`)) },
      { method: "GET", ...missedOnce(/\/manifests\/sha256-/) },
    ]);
    const place = quickClient(context).repository(registry.host, REPOSITORY);
    const three = await pushReferrer(place, image.descriptor, { content: "three" });
    registry.setFaults([]);
    assert.deepEqual(await listedAt(registry, digest), digestsOf(one, two, three));
  },
  { kinds },
);

forEachRegistry(
  "what another client's list leaves out comes back with the next write, if it is there",
  async (registry, context) => {
    const repository = quickClient(context).repository(registry.host, REPOSITORY);
    const image = await pushImage(repository);
    const { digest } = image.descriptor;
    const lost = await pushReferrer(repository, image.descriptor, { content: "lost" });
    const gone = await pushReferrer(repository, image.descriptor, { content: "gone" });
    const removed = await pushReferrer(repository, image.descriptor, { content: "removed" });
    await repository.referrers(digest, { fresh: true });
    await repository.deleteManifest(removed.descriptor);
    await writeBehind(registry, digest, []);
    await removeBehind(registry, gone);
    const added = await pushReferrer(repository, image.descriptor, { content: "added" });
    assert.deepEqual(await listedAt(registry, digest), digestsOf(lost, added));
  },
  { kinds },
);

forEachRegistry(
  "fresh asks the registry: what was read, pushed and found before is no answer",
  async (registry, context) => {
    const repository = quickClient(context).repository(registry.host, REPOSITORY);
    const image = await pushImage(repository, { tag: "v1" });
    assert.equal(image.kind, "manifest");
    const { descriptor } = image;
    const blob = image.kind === "manifest" ? image.value.config : descriptor;
    const fresh = { fresh: true };
    const looks: [() => Promise<unknown>, RegExp][] = [
      [() => repository.has(descriptor, fresh), /HEAD .*\/manifests\/sha256:/],
      [() => repository.has(blob, fresh), /HEAD .*\/blobs\/sha256:/],
      [() => repository.resolve("v1", fresh), /HEAD .*\/manifests\/v1/],
      [() => repository.resolve(descriptor.digest, fresh), /HEAD .*\/manifests\/sha256:/],
      [() => repository.manifest("v1", fresh), /GET .*\/manifests\/v1/],
      [() => repository.manifest(descriptor.digest, fresh), /GET .*\/manifests\/sha256:/],
      [() => repository.manifest(descriptor, fresh), /GET .*\/manifests\/sha256:/],
    ];
    for (const [look, expected] of looks) {
      for (let time = 0; time < 2; time += 1) {
        registry.clear();
        await look();
        const asked = registry.requests().map(({ method, path }) => `${method} ${path}`);
        assert.equal(asked.length, 1, asked.join());
        assert.match(asked[0] ?? "", expected);
      }
    }
    await removeBehind(registry, image);
    assert.equal(await repository.has(descriptor, fresh), false);
    await assert.rejects(repository.manifest(descriptor, fresh), failsWith("MANIFEST_UNKNOWN"));
  },
);

const entryOf = (n: number) => ({
  mediaType: MEDIA_TYPES.manifest,
  digest: `sha256:${n.toString(16).padStart(64, "0")}`,
  size: 3,
  artifactType: "application/vnd.t",
});

for (const [name, limits] of [
  ["entries", { referrers: 250, tags: 250 }],
  ["bytes", { referrersBytes: 40_000, tagsBytes: 2_500 }],
] as const) {
  test(`lists are bounded by their ${name}, all pages together`, async (context) => {
    const page = (url: string): number => Number(/page=(\d+)/.exec(url)?.[1] ?? 0);
    const server = await scripted(context, (request, response) => {
      const n = page(request.url);
      const path = request.url.split("?")[0];
      const numbers = Array.from({ length: 100 }, (_, at) => n * 100 + at);
      const list = request.url.includes("/referrers/")
        ? { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: numbers.map(entryOf) }
        : { name: "a", tags: numbers.map((number) => `tag-${number}`) };
      json(response, 200, list, {
        "content-type": MEDIA_TYPES.index,
        link: `<${path}?page=${n + 1}>; rel="next"`,
      });
    });
    const repository = quickClient(context, { limits }).repository(server.host, "a");
    const subject = packManifest({ artifactType: "a/b", layers: [] }).manifest.descriptor.digest;
    await assert.rejects(repository.referrers(subject), failsWith("GRAPH_TOO_LARGE"));
    assert.equal(server.requests.splice(0).length, 3);
    await assert.rejects(repository.tags(), failsWith("GRAPH_TOO_LARGE"));
    assert.equal(server.requests.length, 3);
  });
}
