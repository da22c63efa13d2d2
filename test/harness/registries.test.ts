// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { forEachRegistry, type TestRegistry } from "./registries";

const sha256 = (text: string): string =>
  `sha256:${createHash("sha256").update(text).digest("hex")}`;
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

async function pushBlob(registry: TestRegistry, repository: string, text: string): Promise<void> {
  const opened = await fetch(`${registry.origin}/v2/${repository}/blobs/uploads/`, {
    method: "POST",
  });
  assert.equal(opened.status, 202);
  const location = new URL(opened.headers.get("location") ?? "", registry.origin);
  assert.equal(location.host, registry.host, "an upload stays behind the proxy");
  location.searchParams.set("digest", sha256(text));
  const sent = await fetch(location, {
    method: "PUT",
    body: text,
    headers: { "content-type": "application/octet-stream" },
  });
  assert.equal(sent.status, 201, await sent.text());
}

async function pushManifest(
  registry: TestRegistry,
  repository: string,
  value: object,
  reference?: string,
): Promise<string> {
  const text = JSON.stringify(value);
  const answer = await fetch(
    `${registry.origin}/v2/${repository}/manifests/${reference ?? sha256(text)}`,
    { method: "PUT", body: text, headers: { "content-type": MANIFEST } },
  );
  assert.equal(answer.status, 201, await answer.text());
  return sha256(text);
}

forEachRegistry(
  "takes an image and a referrer, and counts what went over the wire",
  async (registry) => {
    await pushBlob(registry, "demo/app", "{}");
    const empty = { mediaType: "application/vnd.oci.empty.v1+json", digest: sha256("{}"), size: 2 };
    const image = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: "application/x.test",
      config: empty,
      layers: [empty],
    };
    const digest = await pushManifest(registry, "demo/app", image, "v1");
    await pushManifest(registry, "demo/app", {
      ...image,
      subject: { mediaType: MANIFEST, digest, size: JSON.stringify(image).length },
    });

    const read = await fetch(`${registry.origin}/v2/demo/app/manifests/v1`, {
      headers: { accept: MANIFEST },
    });
    assert.deepEqual(await read.json(), image);
    const referrers = await fetch(`${registry.origin}/v2/demo/app/referrers/${digest}`);
    assert.equal(referrers.status, registry.referrersApi ? 200 : 404);
    if (registry.referrersApi)
      assert.equal(((await referrers.json()) as { manifests: unknown[] }).manifests.length, 1);

    assert.deepEqual(
      registry.requests().map(({ method, status }) => `${method} ${status}`),
      [
        "POST 202",
        "PUT 201",
        "PUT 201",
        "PUT 201",
        "GET 200",
        `GET ${registry.referrersApi ? 200 : 404}`,
      ],
    );
    assert.equal(registry.requests("PUT", /\/manifests\//)[0]?.sent, JSON.stringify(image).length);
    registry.clear();
    assert.deepEqual(registry.requests(), []);
  },
);

forEachRegistry("deletes a manifest", async (registry) => {
  await pushBlob(registry, "demo/app", "{}");
  const empty = { mediaType: "application/vnd.oci.empty.v1+json", digest: sha256("{}"), size: 2 };
  const digest = await pushManifest(registry, "demo/app", {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: "application/x.test",
    config: empty,
    layers: [empty],
  });
  const gone = await fetch(`${registry.origin}/v2/demo/app/manifests/${digest}`, {
    method: "DELETE",
  });
  assert.equal(gone.status, 202);
  assert.equal((await fetch(`${registry.origin}/v2/demo/app/manifests/${digest}`)).status, 404);
});
