// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import type { Difference } from "../../provider/cli/diff/difference";
import {
  bytesBlob,
  OciLayout,
  packManifest,
  pushArtifact,
  type ReadStore,
} from "../../provider/content/index";
import { digestOf, hexOf, type Digest } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { json, scripted } from "../registry/scripted";
import { provenance, pushClaim, wabbit } from "../report/arrange";
import { consign, workplace, type Workplace } from "./arrange";

/** Two places with the same content. */
async function twins(): Promise<Workplace & { other: OciLayout }> {
  const place = await workplace();
  cpSync(join(place.folder, "net-monitor"), join(place.folder, "other"), { recursive: true });
  return { ...place, other: OciLayout.open(join(place.folder, "other")) };
}

async function compare(folder: string, ...args: string[]) {
  const { exitCode, stdout, stderr } = await consign(folder, ["diff", "--json", ...args]);
  return { exitCode, stderr, found: JSON.parse(stdout) as Difference };
}

const PLACES = ["oci:net-monitor", "oci:other"];

async function pushTagged(layout: OciLayout, tag: string, text = tag) {
  const packed = packManifest({
    artifactType: "application/vnd.wabbit.net-monitor.v1",
    layers: [bytesBlob(Buffer.from(text), "text/plain")],
  });
  await pushArtifact(layout, packed);
  await layout.tag(packed.manifest, tag);
  return packed.manifest.descriptor;
}

describe("consign diff", () => {
  test("a copy is the same, down to its blobs", async () => {
    const { folder } = await twins();
    for (const flags of [[], ["--blobs"]]) {
      const { exitCode, found } = await compare(folder, ...PLACES, ...flags);
      assert.equal(exitCode, 0);
      assert.deepEqual(
        [found.answer, found.tags, found.graph, found.claims, found.blobs, found.untold],
        ["same", [], [], [], [], []],
      );
      // The artifact, its signature, the claim, and the claim's signature.
      assert.deepEqual([found.same.tags, found.same.manifests, found.same.claims], [1, 4, 1]);
    }
    const { stdout } = await consign(folder, ["diff", ...PLACES]);
    assert.match(stdout, /^✔ {2}the same$/m);
  });

  test("tags that moved or are at one place, and claims with their signatures", async () => {
    const { folder, layout, artifact, other } = await twins();
    const [a2, b2] = [await pushTagged(layout, "v2", "a"), await pushTagged(other, "v2", "b")];
    const v3 = await pushTagged(layout, "v3");
    const claim = await pushClaim(
      other,
      { type: "provenance", subject: artifact, predicate: { ...provenance, more: 1 } },
      wabbit,
    );
    const { exitCode, found } = await compare(folder, ...PLACES);
    assert.equal(exitCode, 1);
    assert.deepEqual(found.tags, [
      { tag: "v2", a: a2.digest, b: b2.digest },
      { tag: "v3", a: v3.digest },
    ]);
    assert.deepEqual(found.claims, [
      {
        only: "b",
        digest: claim.digest,
        kind: "claim",
        type: "provenance",
        from: [artifact.digest],
      },
    ]);
    assert.deepEqual(
      found.graph.filter(({ kind }) => kind === "signature").map(({ only, from }) => [only, from]),
      [["b", [claim.digest]]],
    );
    assert.deepEqual(
      found.graph
        .filter(({ kind }) => kind === "manifest")
        .map(({ only, digest }) => `${only} ${digest}`)
        .sort(),
      [`a ${a2.digest}`, `a ${v3.digest}`, `b ${b2.digest}`].sort(),
    );
    assert.ok(found.blobs.some(({ only, digest }) => only === "a" && digest === digestOf("a")));
    const { stdout } = await consign(folder, ["diff", ...PLACES]);
    assert.match(stdout, /^ {2}only B {2}claim {2}provenance {2}sha256:/m);
  });

  test("a blob that is gone is found where blobs are asked for", async () => {
    const { folder, other, artifact } = await twins();
    const manifest = await other.manifest(artifact);
    const [layer] = manifest.kind === "manifest" ? manifest.value.layers : [];
    assert.ok(layer !== undefined);
    rmSync(join(folder, "other", "blobs", "sha256", hexOf(layer.digest)));
    assert.equal((await compare(folder, ...PLACES)).exitCode, 0);
    const { exitCode, found } = await compare(folder, ...PLACES, "--blobs");
    assert.equal(exitCode, 1);
    assert.deepEqual(found.absentBlobs, [{ at: "b", digest: layer.digest }]);
  });

  test("one artifact with another, by tag and by digest", async () => {
    const { folder, layout, artifact } = await twins();
    const v2 = await pushTagged(layout, "v2");
    const same = await compare(folder, "oci:net-monitor:v1", `oci:other@${artifact.digest}`);
    assert.equal(same.exitCode, 0, "v2 is no part of it");
    const moved = await compare(folder, "oci:net-monitor:v2", "oci:other:v1");
    assert.equal(moved.exitCode, 1);
    assert.deepEqual(moved.found.tags, [{ tag: "v2 and v1", a: v2.digest, b: artifact.digest }]);
    const gone = await compare(folder, "oci:net-monitor:v2", "oci:other:v2");
    assert.deepEqual([gone.exitCode, gone.found.tags], [1, [{ tag: "v2", a: v2.digest }]]);
  });

  test("a registry that does not tell what refers to something is never the same", async (context) => {
    const { folder, layout, artifact, file } = await twins();
    const host = await served(context, layout, (digest) => digest === artifact.digest);
    const registries = file("registries.json", { [host]: { plainHttp: true } });
    for (const places of [
      ["oci:net-monitor", `${host}/app`],
      [`${host}/app`, "oci:other"],
    ]) {
      const { exitCode, found } = await compare(folder, ...places, "--registries", registries);
      assert.equal(exitCode, 2);
      assert.deepEqual([found.answer, found.claims, found.graph], ["unknown", [], []]);
      assert.ok(found.untold.some(({ code }) => code === "REGISTRY_DENIED"));
      assert.equal(found.untold.filter(({ code }) => code === "REFERRERS_UNKNOWN").length, 3);
    }
    // What is sure stays sure.
    await pushTagged(OciLayout.open(join(folder, "other")), "v2");
    const differs = await compare(folder, `${host}/app`, "oci:other", "--registries", registries);
    assert.deepEqual([differs.exitCode, differs.found.tags.length], [1, 1]);
  });

  test("a registry with the same content is the same", async (context) => {
    const { folder, layout, file } = await twins();
    const host = await served(context, layout, () => false);
    const registries = file("registries.json", { [host]: { plainHttp: true } });
    const { exitCode, found } = await compare(
      folder,
      `${host}/app`,
      "oci:other",
      "--registries",
      registries,
    );
    assert.equal(exitCode, 0, JSON.stringify(found.untold));
  });

  test("what cannot be compared ends with 2 and its code", async () => {
    const { folder } = await twins();
    const wrong: [string[], RegExp][] = [
      [["oci:net-monitor", "oci:other:v1"], /\[INPUT_INVALID\]$/],
      [["oci:net-monitor"], /say which two places.*\[INPUT_INVALID\]$/],
      [["oci:net-monitor", "oci:other", "oci:third"], /one too many.*\[INPUT_INVALID\]$/],
      [["oci:nowhere", "oci:neither"], /\[MANIFEST_UNKNOWN\]$/],
    ];
    for (const [places, says] of wrong) {
      const { exitCode, stdout, stderr } = await consign(folder, ["diff", ...places]);
      assert.deepEqual([exitCode, stdout], [2, ""]);
      assert.match(stderr, says);
    }
  });
});

/** A layout behind a registry that denies some lists of referrers. */
async function served(
  context: TestContext,
  store: ReadStore,
  denies: (subject: Digest) => boolean,
): Promise<string> {
  const { host } = await scripted(context, async ({ url, method }, response) => {
    const last = decodeURIComponent(url.split("?")[0]?.split("/").at(-1) ?? "");
    if (url === "/v2/") return json(response, 200, {});
    if (url.includes("/tags/list")) return json(response, 200, { tags: await store.tags() });
    if (url.includes("/referrers/")) {
      if (denies(last as Digest)) return json(response, 403, {});
      const manifests = await store.referrers(last as Digest);
      response.writeHead(200, { "content-type": MEDIA_TYPES.index });
      const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
      return void response.end(JSON.stringify(index));
    }
    try {
      const { descriptor, bytes } = await store.manifest(last);
      response.writeHead(200, {
        "content-type": descriptor.mediaType,
        "content-length": bytes.byteLength,
        "docker-content-digest": descriptor.digest,
      });
      response.end(method === "HEAD" ? undefined : bytes);
    } catch {
      json(response, 404, { errors: [{ code: "MANIFEST_UNKNOWN" }] });
    }
  });
  return host;
}
