// SPDX-License-Identifier: Apache-2.0
// A registry that wants to hide a good signature, or to keep us busy for ever, and someone who may
// push to an honest one.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { bytesBlob, packManifest, type PackedArtifact } from "../../provider/content/pack";
import { packSignature } from "../../provider/notation/signature-manifest";
import { verifyArtifact } from "../../provider/notation/verify";
import { ANNOTATIONS } from "../../provider/oci/annotations";
import type { Descriptor } from "../../provider/oci/descriptor";
import { digestOf } from "../../provider/oci/digest";
import { referrerDescriptor } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { DEFAULT_LIMITS } from "../../provider/registry/transport/limits";
import { failsWith } from "../harness/failure";
import { json, quickClient, scripted } from "../registry/scripted";
import { context as verifying, issuing, leaf, policy, root, sign } from "../notation/arrange";

const image = packManifest({
  artifactType: "application/vnd.example.net-monitor",
  layers: [bytesBlob(Buffer.from("net-monitor"), MEDIA_TYPES.octetStream)],
});
const subject = image.manifest.descriptor;
const INDEX = { schemaVersion: 2, mediaType: MEDIA_TYPES.index };
const TRUSTED = JSON.stringify(
  [leaf, issuing, root].map(({ der }) => digestOf(der).slice("sha256:".length)),
);

const good = async (): Promise<PackedArtifact> =>
  packSignature({ subject, envelope: await sign({ target: subject }) });

/** Signatures that are listed and not there. */
const junk = (count: number, annotations: Record<string, string> = {}): Descriptor[] =>
  Array.from({ length: count }, (_, index) => ({
    mediaType: MEDIA_TYPES.manifest,
    digest: digestOf(`junk ${index}`),
    size: 500,
    artifactType: MEDIA_TYPES.notarySignature,
    annotations,
  }));

interface Lies {
  referrers: unknown;
  artifacts?: readonly PackedArtifact[];
  /** Content to be served instead. */
  instead?: Record<string, Buffer>;
  tags?: Record<string, unknown>;
}

/** Serves what it is told to, and counts. */
async function registry(
  context: TestContext,
  { referrers, artifacts = [], instead = {}, tags = {} }: Lies,
) {
  const manifests = new Map(
    [image, ...artifacts].map(({ manifest }) => [manifest.descriptor.digest as string, manifest]),
  );
  const blobs = new Map(
    artifacts
      .flatMap((artifact) => artifact.blobs)
      .map((blob) => [blob.descriptor.digest as string, blob]),
  );
  const server = await scripted(context, async (request, response) => {
    const name = request.url.split("/").at(-1)?.split("?")[0] ?? "";
    if (request.url.includes("/referrers/"))
      return json(response, 200, referrers, { "content-type": MEDIA_TYPES.index });
    const manifest = manifests.get(name);
    if (request.url.includes("/manifests/") && (manifest !== undefined || name in tags)) {
      const type = manifest?.descriptor.mediaType ?? MEDIA_TYPES.index;
      return void response
        .writeHead(200, { "content-type": type })
        .end(instead[name] ?? manifest?.bytes ?? JSON.stringify(tags[name]));
    }
    const blob = blobs.get(name);
    // As registries say who they are, also in answer to a HEAD, which has no body.
    const version = { "docker-distribution-api-version": "registry/2.0" };
    if (blob === undefined)
      return json(response, 404, { errors: [{ code: "MANIFEST_UNKNOWN" }] }, version);
    const chunks: Uint8Array[] = [];
    for await (const chunk of await blob.open()) chunks.push(chunk);
    response
      .writeHead(200, { "content-type": "application/octet-stream" })
      .end(instead[name] ?? Buffer.concat(chunks));
  });
  const store = quickClient(context, {
    settings: { [server.host]: { plainHttp: true } },
  }).repository(server.host, "net-monitor");
  return {
    ...server,
    store,
    verify: async () =>
      verifyArtifact(store, subject, await policy(), { ...verifying, scope: store.name }),
  };
}

test("10,000 junk signatures do not hide a good one whose annotation names a trusted certificate", async (context) => {
  const signature = await good();
  const { verify, requests } = await registry(context, {
    referrers: { ...INDEX, manifests: [...junk(10_000), referrerDescriptor(signature.manifest)] },
    artifacts: [signature],
  });
  const verdict = await verify();
  assert.deepEqual(
    [verdict.outcome, verdict.signature],
    ["verified", signature.manifest.descriptor.digest],
  );
  assert.ok(requests.length <= 4, `${requests.length} requests`);
});

for (const [name, annotations] of [
  ["without annotations", {}],
  ["that name the trusted certificate as well", { [ANNOTATIONS.thumbprints]: TRUSTED }],
] as const) {
  test(`10,000 junk signatures ${name} before a bare good one: inconclusive, after 100 of them`, async (context) => {
    const signature = await good();
    const bare = {
      ...referrerDescriptor(signature.manifest),
      annotations: {},
      digest: signature.manifest.descriptor.digest,
    };
    const { verify, requests } = await registry(context, {
      referrers: { ...INDEX, manifests: [...junk(10_000, annotations), bare] },
      artifacts: [signature],
    });
    const verdict = await verify();
    const found = verdict.outcome === "verified";
    if (!found)
      assert.deepEqual([verdict.outcome, verdict.code], ["inconclusive", "SIGNATURE_INCONCLUSIVE"]);
    assert.ok(requests.length <= 110, `${requests.length} requests`);
  });
}

test("pages of referrers without end are given up", async (context) => {
  let page = 0;
  const server = await scripted(context, (_request, response) =>
    json(
      response,
      200,
      { ...INDEX, manifests: [] },
      {
        "content-type": MEDIA_TYPES.index,
        link: `</v2/net-monitor/referrers/${subject.digest}?page=${++page}>; rel="next"`,
      },
    ),
  );
  const { store } = {
    store: quickClient(context, {
      settings: { [server.host]: { plainHttp: true } },
      limits: { pages: 50 },
    }).repository(server.host, "net-monitor"),
  };
  await assert.rejects(store.referrers(subject.digest), failsWith("PAGE_LINK_INVALID"));
  assert.equal(server.requests.length, 50);
  assert.ok(DEFAULT_LIMITS.pages <= 1000);
});

test("an envelope that is announced as huge is not fetched, and one that turns out huge is cut off", async (context) => {
  const signature = await good();
  const layer = signature.blobs.find(({ descriptor }) => descriptor.mediaType === MEDIA_TYPES.cose);
  assert.ok(layer !== undefined);
  const announced = packManifest({
    artifactType: MEDIA_TYPES.notarySignature,
    subject,
    layers: [{ ...layer, descriptor: { ...layer.descriptor, size: 2 ** 40 } }],
  });
  const one = await registry(context, {
    referrers: { ...INDEX, manifests: [referrerDescriptor(announced.manifest)] },
    artifacts: [announced],
  });
  assert.equal((await one.verify()).code, "ENVELOPE_TOO_LARGE");
  assert.ok(!one.requests.some((request) => request.includes("/blobs/")));
  const two = await registry(context, {
    referrers: { ...INDEX, manifests: [referrerDescriptor(signature.manifest)] },
    artifacts: [signature],
    instead: { [layer.descriptor.digest]: Buffer.alloc(50 * 2 ** 20) },
  });
  const cutOff = await two.verify();
  assert.equal(cutOff.code, "SIGNATURE_INCONCLUSIVE");
  assert.match(cutOff.reason ?? "", /\(SIZE_MISMATCH\)/);
});

test("an envelope whose manifest gives it a wrong size is invalid for ever, as its digest is right", async (context) => {
  const signature = await good();
  const layer = signature.blobs.find(({ descriptor }) => descriptor.mediaType === MEDIA_TYPES.cose);
  assert.ok(layer !== undefined);
  for (const more of [-1, 1, 100_000]) {
    const lying = packManifest({
      artifactType: MEDIA_TYPES.notarySignature,
      subject,
      layers: [
        { ...layer, descriptor: { ...layer.descriptor, size: layer.descriptor.size + more } },
      ],
    });
    const { verify } = await registry(context, {
      referrers: { ...INDEX, manifests: [referrerDescriptor(lying.manifest)] },
      artifacts: [lying, signature],
    });
    const { outcome, code } = await verify();
    assert.deepEqual([outcome, code], ["invalid", "ENVELOPE_INVALID"], String(more));
  }
});

test("a signature manifest of other bytes, or of more than 4 MiB, hides no other", async (context) => {
  const [broken, whole] = [
    packSignature({ subject, envelope: await sign({ target: subject, subject: "another" }) }),
    await good(),
  ];
  for (const bytes of [Buffer.from("{}"), Buffer.alloc(5 * 2 ** 20, " ")]) {
    const { verify } = await registry(context, {
      referrers: {
        ...INDEX,
        manifests: [broken, whole].map(({ manifest }) => referrerDescriptor(manifest)),
      },
      artifacts: [broken, whole],
      instead: { [broken.manifest.descriptor.digest]: bytes },
    });
    assert.equal((await verify()).signature, whole.manifest.descriptor.digest);
  }
});

test("entries that break the rules, as anyone can make them by what they push, hide no other", async (context) => {
  const signature = await good();
  const bare = { mediaType: MEDIA_TYPES.manifest, digest: digestOf("x"), size: 2 };
  const { verify } = await registry(context, {
    referrers: {
      ...INDEX,
      manifests: [
        { ...bare, annotations: { "": "x" } },
        { ...bare, artifactType: 7 },
        { mediaType: "?", digest: `sha384:${"0".repeat(96)}` },
        bare,
        referrerDescriptor(signature.manifest),
      ],
    },
    artifacts: [signature],
    tags: { [bare.digest]: "no manifest" },
  });
  assert.equal((await verify()).outcome, "verified");
});

test("an entry that cannot be read, as only damage makes one, is not passed over", async (context) => {
  const signature = await good();
  for (const entry of [null, { ...signature.manifest.descriptor, digest: "sha256:00" }]) {
    const { verify } = await registry(context, {
      referrers: { ...INDEX, manifests: [entry, referrerDescriptor(signature.manifest)] },
      artifacts: [signature],
    });
    await assert.rejects(verify(), failsWith("REFERRERS_UNKNOWN"));
  }
});

test("a list of null is none, but the fallback tag is asked as well", async (context) => {
  const signature = await good();
  const tag = subject.digest.replace(":", "-");
  const listed = await registry(context, {
    referrers: { ...INDEX, manifests: null },
    artifacts: [signature],
    tags: { [tag]: { ...INDEX, manifests: [referrerDescriptor(signature.manifest)] } },
  });
  assert.equal((await listed.verify()).outcome, "verified");
  const none = await registry(context, { referrers: { ...INDEX, manifests: null } });
  assert.deepEqual([(await none.verify()).outcome, none.requests.length], ["missing", 3]);
});

test("an older signature manifest of another artifact is not taken for one of this", async (context) => {
  const other = { ...subject, digest: digestOf("v0") };
  const replayed = packSignature({ subject: other, envelope: await sign({ target: other }) });
  const { verify } = await registry(context, {
    referrers: { ...INDEX, manifests: [{ ...referrerDescriptor(replayed.manifest) }] },
    artifacts: [replayed],
  });
  assert.deepEqual(
    [(await verify()).outcome, (await verify()).code],
    ["invalid", "SIGNATURE_INVALID"],
  );
});
