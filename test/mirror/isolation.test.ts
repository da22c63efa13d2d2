// SPDX-License-Identifier: Apache-2.0
// One odd item refuses itself, by name, and holds up nothing else.
import assert from "node:assert/strict";
import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { packClaim } from "../../provider/claims/index";
import { OciLayout, pushArtifact, type Store } from "../../provider/content/index";
import { digestOf, type Digest } from "../../provider/oci/digest";
import type { Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { Properties } from "../../provider/world/reconciler";
import { pushImage, pushReferrer } from "../harness/artifacts";
import { answerError, FakeRegistry, withReferrersApi } from "../harness/fake-registry";
import { quickClient } from "../registry/scripted";
import { isThere } from "./scene";
import { Random } from "../fuzz/random";
import { MirrorStack } from "./stack";

const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
const ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json";
const TAGS = ["a", "b", "c"];

async function scene(context: TestContext) {
  const registry = await FakeRegistry.start(context);
  registry.quirks.push(withReferrersApi(registry));
  const client = quickClient(context);
  const origin = client.repository(registry.host, "app");
  const images: Manifest[] = [];
  for (const tag of TAGS) images.push(await pushImage(origin, { tag, layers: [tag] }));
  const stack = new MirrorStack();
  const copy = OciLayout.open(join(stack.baseDir, "copy"), { create: true });
  const args: Properties = { source: `${registry.host}/app`, destinations: ["oci:copy"] };
  const refused = () => (stack.plan["refused"] ?? {}) as Record<string, string>;
  const tagsThere = () => copy.tags();
  return { registry, origin, images, stack, copy, args, refused, tagsThere };
}

async function pushRevocation(store: Store, { descriptor }: Manifest): Promise<Manifest> {
  const packed = packClaim({
    type: "revocation",
    subject: descriptor,
    predicate: { target: descriptor.digest, reason: "broken" },
    audience: "public",
  });
  await pushArtifact(store, packed);
  return packed.manifest;
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** By what is wrong with it, how the item "odd" comes to the source. */
const FAULTS: Record<string, (scene: Scene) => void> = {
  "Docker's schema 1": ({ registry }) =>
    void registry.put(Buffer.from('{"schemaVersion":1}'), SCHEMA_1, "odd"),
  "an OCI artifact manifest": ({ registry }) =>
    void registry.put(
      Buffer.from(JSON.stringify({ mediaType: ARTIFACT_MANIFEST, artifactType: "a/b", blobs: [] })),
      ARTIFACT_MANIFEST,
      "odd",
    ),
  "JSON that is damaged": ({ registry }) =>
    void registry.put(Buffer.from('{"schemaVersion":2,'), MEDIA_TYPES.manifest, "odd"),
  "a blob that is lost": ({ registry, images }) => {
    const value = JSON.parse(Buffer.from(images[0]?.bytes ?? []).toString()) as {
      layers: { digest: string }[];
    };
    for (const layer of value.layers) layer.digest = digestOf("nobody has it");
    registry.put(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.manifest, "odd");
  },
  "bytes of another digest": ({ registry, images }) => {
    const digest = registry.put(Buffer.from("{}"), MEDIA_TYPES.manifest, "odd");
    registry.manifests.set(digest, {
      type: MEDIA_TYPES.manifest,
      bytes: Buffer.from(images[0]?.bytes ?? []),
    });
  },
  "a manifest that is lost": ({ registry }) =>
    void registry.tags.set("odd", digestOf("nobody has it")),
  "a manifest that nobody may read": ({ registry }) => {
    registry.put(Buffer.from("{}"), MEDIA_TYPES.manifest, "odd");
    registry.quirks.unshift(({ path }, response) => {
      if (!path.endsWith("/manifests/odd")) return false;
      answerError(response, 403, "DENIED");
      return true;
    });
  },
};

for (const [name, put] of Object.entries(FAULTS)) {
  test(`a tag that leads to ${name} is refused, and all else is brought`, async (context) => {
    const all = await scene(context);
    const { stack, args, copy, images, refused, tagsThere, registry, origin } = all;
    put(all);
    const { warnings } = await stack.up(args);
    assert.deepEqual(await tagsThere(), TAGS);
    const said = [...Object.values(refused()), ...Object.values(stack.status["oci:copy"] ?? {})];
    assert.ok(
      said.some((line) => /source: .*\[[A-Z_]+\]/.test(line)),
      said.join("\n"),
    );
    assert.ok(warnings.length > 0);
    // A revocation that comes later is brought all the same.
    const claim = await pushRevocation(origin, images[0] as Manifest);
    await stack.up(args);
    assert.ok(await copy.has(claim.descriptor));
    registry.quirks.splice(0, registry.quirks.length - 1);
    // What never came is known to be absent, and is not kept for the tag that has left it.
    await stack.refresh();
    registry.tags.set("odd", (images[1] as Manifest).descriptor.digest);
    await stack.up(args);
    assert.deepEqual(await tagsThere(), [...TAGS, "odd"]);
    assert.deepEqual(stack.status["oci:copy"], {});
  });
}

test("any faulty items among 30, at planning and at writing, leave the others in place", async (context) => {
  const seed = Number(process.env["CONSIGN_FUZZ_SEED"] ?? 20261130);
  context.diagnostic(`CONSIGN_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < 4; round++) {
    const source = await FakeRegistry.start(context);
    const destination = await FakeRegistry.start(context);
    source.quirks.push(withReferrersApi(source));
    destination.quirks.push(withReferrersApi(destination));
    const origin = quickClient(context).repository(source.host, "app");
    const tags = Array.from({ length: 30 }, (_, at) => `v${at}`);
    const images: Manifest[] = [];
    for (const tag of tags) images.push(await pushImage(origin, { tag, layers: [tag] }));
    const odd = [...new Set([random.below(30), random.below(30), random.below(30)])];
    for (const at of odd) {
      const { descriptor, value } = images[at] as Manifest;
      const kind = random.below(4);
      const layer = "layers" in value ? (value.layers as { digest: string }[])[0] : undefined;
      if (kind === 0)
        source.manifests.set(descriptor.digest, { type: SCHEMA_1, bytes: Buffer.of() });
      else if (kind === 1) source.blobs.delete(layer?.digest ?? "");
      else if (kind === 2) source.manifests.delete(descriptor.digest);
      else
        destination.quirks.unshift(({ method, path }, response) => {
          if (method !== "PUT" || !path.endsWith(descriptor.digest)) return false;
          answerError(response, 500, "UNKNOWN");
          return true;
        });
    }
    const stack = new MirrorStack();
    await stack.up({ source: `${source.host}/app`, destinations: [`${destination.host}/copy`] });
    const expected = tags.filter((_, at) => !odd.includes(at)).sort();
    assert.deepEqual([...destination.tags.keys()].sort(), expected, `odd: ${odd.join(" ")}`);
  }
});

test('onRefused "fail", and a tag that is named, fail up after all else is done', async (context) => {
  for (const choice of [{ onRefused: "fail" }, { tags: [...TAGS, "odd"] }]) {
    const all = await scene(context);
    FAULTS["Docker's schema 1"]?.(all);
    const args = { ...all.args, ...choice };
    const { warnings } = await all.stack.preview(args);
    assert.ok(warnings.some((line) => line.includes("odd")));
    for (let run = 0; run < 2; run++) await assert.rejects(all.stack.up(args), /COPY_FAILED|odd/);
    assert.deepEqual(await all.tagsThere(), TAGS);
  }
});

test("cosign's tags, and digests that are named, are isolated as tags are", async (context) => {
  const { registry, images, stack, args, refused, tagsThere } = await scene(context);
  const [a] = images as [Manifest];
  const cosign = `${a.descriptor.digest.replace(":", "-")}.sig`;
  registry.put(Buffer.from('{"schemaVersion":1}'), SCHEMA_1, cosign);
  const digest = digestOf("denied");
  registry.quirks.unshift(({ path }, response) => {
    if (!path.endsWith(`/manifests/${digest}`)) return false;
    answerError(response, 403, "DENIED");
    return true;
  });
  const tags = { include: ["*"], digests: [digest] };
  await assert.rejects(stack.up({ ...args, tags }), new RegExp(digest));
  assert.deepEqual(await tagsThere(), TAGS);
  assert.deepEqual(Object.keys(refused()).sort(), [cosign, digest].sort());
});

test("names that are no tags are named, and all else is brought", async (context) => {
  const { registry, stack, args, refused, tagsThere } = await scene(context);
  registry.tags.set("no tag/at all", digestOf("x"));
  await stack.up(args);
  assert.deepEqual(Object.keys(refused()), ["no tag/at all"]);
  assert.deepEqual(await tagsThere(), TAGS);
});

test("a type that the destination refuses is refused there, and all else is brought", async (context) => {
  const { origin, stack, registry, args } = await scene(context);
  const odd = await pushImage(origin, { tag: "odd", layers: ["odd"] });
  const there = await FakeRegistry.start(context);
  let refuses = true;
  there.quirks.push(({ method, body }, response) => {
    if (!refuses || method !== "PUT" || digestOf(body) !== odd.descriptor.digest) return false;
    answerError(response, 400, "MANIFEST_INVALID");
    return true;
  }, withReferrersApi(there));
  const at = `${there.host}/copy`;
  const { warnings } = await stack.up({ ...args, destinations: [at] });
  assert.deepEqual([...there.tags.keys()].sort(), TAGS);
  assert.equal(stack.status[at]?.["tag odd"], "absent");
  assert.match(
    stack.status[at]?.[`refused ${odd.descriptor.digest}`] ?? "",
    /destination: .*\[MANIFEST_INVALID\]/,
  );
  assert.ok(warnings.some((line) => line.includes(odd.descriptor.digest)));
  assert.deepEqual(await stack.refresh(), {}, "a refresh shows the same");
  refuses = false;
  assert.equal((await stack.up({ ...args, destinations: [at] })).op, "update");
  assert.deepEqual([...there.tags.keys()].sort(), [...TAGS, "odd"]);
  assert.deepEqual(stack.status[at], {});
  assert.ok(registry.requests.length > 0);
});

test("a referrer that the destination refuses goes alone; one that may forbid holds back its tag", async (context) => {
  const { origin, images, stack, args } = await scene(context);
  const [a, b] = images as [Manifest, Manifest];
  const odd = [await pushReferrer(origin, a.descriptor), await pushRevocation(origin, b)].map(
    ({ descriptor }) => descriptor.digest,
  );
  const there = await FakeRegistry.start(context);
  there.quirks.push(({ method, body }, response) => {
    if (method !== "PUT" || !odd.includes(digestOf(body))) return false;
    answerError(response, 400, "MANIFEST_INVALID");
    return true;
  }, withReferrersApi(there));
  const at = `${there.host}/copy`;
  await stack.up({ ...args, destinations: [at] });
  assert.deepEqual([...there.tags.keys()].sort(), ["a", "c"]);
  for (const { descriptor } of images) assert.ok(there.manifests.has(descriptor.digest));
  for (const digest of odd) assert.ok(stack.status[at]?.[`refused ${digest}`]);
});

test("a referrer that is refused goes alone; one that may forbid holds back its tag", async (context) => {
  const { registry, origin, images, stack, args, refused, copy, tagsThere } = await scene(context);
  const [a, b] = images as [Manifest, Manifest];
  const break_ = (digest: Digest): void =>
    void registry.quirks.unshift(({ path, method }, response) => {
      if (method !== "GET" || !path.endsWith(`/manifests/${digest}`)) return false;
      answerError(response, 403, "DENIED");
      return true;
    });
  break_((await pushReferrer(origin, a.descriptor)).descriptor.digest);
  break_((await pushRevocation(origin, b)).descriptor.digest);
  const narrow = { ...args, claims: { types: ["sbom/spdx"] }, onRefused: "fail" };
  await new MirrorStack(stack.baseDir).up({ ...narrow, destinations: ["oci:narrow"] });
  await stack.up(args);
  assert.equal(Object.keys(refused()).length, 3, JSON.stringify(refused()));
  assert.deepEqual(await tagsThere(), ["a", "c"]);
  for (const image of images) assert.ok(await copy.has(image.descriptor));
});

test("odd entries of a layout's index.json stay, are named, and hold up nothing", async () => {
  const stack = new MirrorStack();
  const path = join(stack.baseDir, "origin");
  const origin = OciLayout.open(path, { create: true });
  const image = await pushImage(origin, { tag: "v1" });
  const file = join(path, "index.json");
  const index = JSON.parse(readFileSync(file, "utf8")) as { manifests: unknown[] };
  const whole = {
    ...image.descriptor,
    annotations: { "org.opencontainers.image.ref.name": "docker.io/library/alpine:3" },
  };
  index.manifests.push({ digest: "nonsense" }, null, whole);
  writeFileSync(file, JSON.stringify(index));
  await stack.up({ source: "oci:origin", destinations: ["oci:copy"] });
  const refused = (stack.plan["refused"] ?? {}) as Record<string, string>;
  assert.equal(Object.keys(refused).length, 3, JSON.stringify(refused));
  assert.match(refused["docker.io/library/alpine:3"] ?? "", new RegExp(image.descriptor.digest));
  const copy = OciLayout.open(join(stack.baseDir, "copy"));
  assert.ok(await isThere(copy, "v1"));
  await pushImage(origin, { tag: "v2", layers: ["two"] });
  const after = JSON.parse(readFileSync(file, "utf8")) as { manifests: unknown[] };
  assert.equal(after.manifests.filter((entry) => entry === null).length, 1);
});

test("a layout whose only entry has no name says so", async () => {
  const stack = new MirrorStack();
  const path = join(stack.baseDir, "origin");
  const image = await pushImage(OciLayout.open(path, { create: true }));
  await stack.up({ source: "oci:origin", destinations: ["oci:copy"] });
  assert.deepEqual(Object.keys(stack.plan["refused"] ?? {}), [image.descriptor.digest]);
});

test("a manifest that is damaged in a layout is refused, and what it may have said is told", async () => {
  const stack = new MirrorStack();
  const path = join(stack.baseDir, "origin");
  const origin = OciLayout.open(path, { create: true });
  const image = await pushImage(origin, { tag: "v1" });
  const good = await pushReferrer(origin, image.descriptor, { content: "good" });
  const bad = await pushImage(origin, { tag: "v2", layers: ["two"] });
  writeFileSync(join(path, "blobs", ...bad.descriptor.digest.split(":")), "{");
  const { warnings } = await stack.up({ source: "oci:origin", destinations: ["oci:copy"] });
  const copy = OciLayout.open(join(stack.baseDir, "copy"));
  assert.deepEqual(await copy.tags(), ["v1"]);
  assert.ok(await copy.has(good.descriptor));
  assert.ok(warnings.some((line) => line.includes(bad.descriptor.digest)));
  assert.equal((stack.plan["unproven"] as string[]).length, 1);
  await assert.rejects(OciLayout.open(path).referrers(image.descriptor.digest));
});
