// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bytesBlob, MemoryStore, packManifest, pushArtifact } from "../../provider/content/index";
import { MAX_TAGS, tagsFound, type Listing } from "../../provider/cli/listing";
import { digestOf } from "../../provider/oci/digest";
import { json, scripted } from "../registry/scripted";
import { acme, provenance, pushClaim, pushNetMonitor, pushSignature } from "../report/arrange";
import { consign, workplace, type Workplace } from "./arrange";

const WABBIT = "CN=Wabbit Networks Release,O=Wabbit Networks,ST=WA,C=US";
const ACME = "CN=ACME Rockets Intake,O=ACME Rockets,ST=WA,C=US";

async function list(place: Workplace, ...flags: string[]) {
  const ended = await consign(place.folder, ["ls", "oci:net-monitor", "--json", ...flags]);
  return { ...ended, listing: JSON.parse(ended.stdout) as Listing };
}

/** `v1` as in the workplace, also `latest`; `v2` by nobody; `v3` by ACME. */
async function stocked(): Promise<Workplace> {
  const place = await workplace();
  const { layout, artifact } = place;
  await layout.tag(await layout.manifest(artifact), "latest");
  for (const tag of ["v2", "v3"]) {
    const packed = packManifest({
      artifactType: "application/vnd.wabbit.net-monitor.v1",
      layers: [bytesBlob(Buffer.from(tag), "text/plain")],
    });
    await pushArtifact(layout, packed);
    await layout.tag(packed.manifest, tag);
    const { descriptor } = packed.manifest;
    if (tag === "v3") await pushSignature(layout, descriptor, acme);
    await pushClaim(layout, { type: "provenance", subject: descriptor, predicate: provenance });
  }
  return place;
}

describe("consign ls", () => {
  test("tags, signers, claims by type and issuer, and what is unsigned", async () => {
    const place = await stocked();
    const { exitCode, listing } = await list(place, "--root", "wabbit.pem");
    assert.equal(exitCode, 1, "v2 and v3 are not verified");
    assert.deepEqual(
      listing.artifacts.map(({ tags, verified, unsigned, signatures, claims }) => ({
        tags,
        verified,
        unsigned,
        signatures,
        claims,
      })),
      [
        {
          tags: ["latest", "v1"],
          verified: "yes",
          unsigned: false,
          signatures: [{ status: "verified", by: WABBIT, count: 1 }],
          claims: [{ type: "provenance", by: [WABBIT], status: "effective", count: 1 }],
        },
        {
          tags: ["v2"],
          verified: "no",
          unsigned: true,
          signatures: [],
          claims: [{ type: "provenance", status: "unsigned", count: 1 }],
        },
        {
          tags: ["v3"],
          verified: "no",
          unsigned: false,
          signatures: [{ status: "untrusted", by: ACME, count: 1 }],
          claims: [{ type: "provenance", status: "unsigned", count: 1 }],
        },
      ],
    );
  });

  test("without a policy nobody is called trusted, and all that is whole is 0", async () => {
    const place = await stocked();
    const { exitCode, listing } = await list(place);
    assert.equal(exitCode, 0);
    assert.ok(listing.artifacts.every(({ verified }) => verified === undefined));
    assert.deepEqual(
      listing.artifacts.flatMap(({ signatures }) => signatures.map(({ status }) => status)),
      ["valid", "valid"],
    );
    const { stdout } = await consign(place.folder, ["ls", "oci:net-monitor"]);
    assert.match(stdout, /^• {2}latest, v1 {2}sha256:[0-9a-f]{12} {2}application\/vnd\.wabbit/m);
    assert.match(stdout, /^ {2}✘ {2}not signed$/m);
    assert.doesNotMatch(stdout, /✔|\bverified/);
  });

  test("what other tools attached is foreign, and their tags are no artifacts", async () => {
    const place = await workplace();
    const packed = packManifest({
      artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
      layers: [
        bytesBlob(Buffer.from("{}"), "application/vnd.dev.cosign.simplesigning.v1+json", {
          "dev.cosignproject.cosign/signature": "AA==",
        }),
      ],
    });
    await pushArtifact(place.layout, packed);
    await place.layout.tag(packed.manifest, `${place.artifact.digest.replace(":", "-")}.sig`);
    const { listing } = await list(place, "--root", "wabbit.pem");
    assert.deepEqual(
      listing.artifacts.map(({ tags, foreign }) => [tags, foreign.map(({ origin }) => origin)]),
      [[["v1"], ["cosign-signature"]]],
    );
    assert.equal(listing.beside.length, 1);
  });

  test("one artifact that cannot be told keeps nothing back, and is never good", async (context) => {
    const bytes = (name: string) =>
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          config: { mediaType: "text/plain", digest: digestOf("c"), size: 1 },
          layers: [],
          annotations: { name },
        }),
      );
    const of = new Map(["a", "b"].map((name) => [digestOf(bytes(name)), bytes(name)]));
    const [lost = ""] = [...of.keys()].slice(1);
    const { host } = await scripted(context, ({ url, method }, response) => {
      if (url === "/v2/") return json(response, 200, {});
      if (url.includes("/tags/list")) return json(response, 200, { tags: ["a", "b", "gone"] });
      if (url.includes(`/referrers/${lost}`)) return json(response, 403, {});
      if (url.includes("/referrers/")) {
        response.writeHead(200, { "content-type": "application/vnd.oci.image.index.v1+json" });
        return void response.end(JSON.stringify({ schemaVersion: 2, manifests: [] }));
      }
      const name = url.split("/").at(-1) ?? "";
      const found = [...of.entries()].find(
        ([digest, content]) => digest === name || content.equals(bytes(name)),
      );
      if (found === undefined || !["GET", "HEAD"].includes(method))
        return json(response, 404, { errors: [{ code: "MANIFEST_UNKNOWN" }] });
      response.writeHead(200, {
        "content-type": "application/vnd.oci.image.manifest.v1+json",
        "content-length": found[1].byteLength,
        "docker-content-digest": found[0],
      });
      response.end(method === "HEAD" ? undefined : found[1]);
    });
    const { folder, file } = await workplace();
    const registries = file("registries.json", { [host]: { plainHttp: true } });
    const { exitCode, stdout, stderr } = await consign(folder, [
      "ls",
      `${host}/app`,
      "--json",
      "--registries",
      registries,
    ]);
    const listing = JSON.parse(stdout) as Listing;
    assert.equal(exitCode, 2, stderr);
    assert.deepEqual(
      listing.artifacts.map(({ tags }) => tags),
      [["a"]],
    );
    assert.deepEqual(listing.unknown.map(({ tags, code }) => [...tags, code]).sort(), [
      ["b", "REGISTRY_DENIED"],
      ["gone", "MANIFEST_UNKNOWN"],
    ]);
  });

  test("tags beyond the bound are counted, and not looked at", async () => {
    const store = new MemoryStore();
    const artifact = await pushNetMonitor(store, "v0");
    const manifest = await store.manifest(artifact);
    for (let at = 1; at < MAX_TAGS + 5; at += 1) await store.tag(manifest, `v${at}`);
    const { artifacts, left } = await tagsFound(store);
    assert.deepEqual([artifacts.map(({ tags }) => tags.length), left], [[MAX_TAGS], 5]);
  });

  test("nothing there, and one artifact, are told apart from a listing", async () => {
    const { folder } = await workplace();
    const nothing = await consign(folder, ["ls", "oci:nowhere", "--root", "wabbit.pem"]);
    assert.equal(nothing.exitCode, 2);
    assert.match(nothing.stderr, /\[MANIFEST_UNKNOWN\]$/m);
    const one = await consign(folder, ["ls", "oci:net-monitor:v1"]);
    assert.equal(one.exitCode, 2);
    assert.match(one.stderr, /leave out its tag.*\[INPUT_INVALID\]$/);
  });
});
