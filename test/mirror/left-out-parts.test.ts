// SPDX-License-Identifier: Apache-2.0
// Parts of an index that need not go along: https://github.com/openshift/oc-mirror/issues/1526
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { digestOf, type Digest } from "../../provider/oci/digest";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { pushImage } from "../harness/artifacts";
import { FakeRegistry, withReferrersApi } from "../harness/fake-registry";
import { quickClient } from "../registry/scripted";
import { MirrorStack } from "./stack";

async function scene(context: TestContext) {
  const [source, destination] = [
    await FakeRegistry.start(context),
    await FakeRegistry.start(context),
  ];
  for (const registry of [source, destination]) registry.quirks.push(withReferrersApi(registry));
  const origin = quickClient(context).repository(source.host, "app");
  const image = await pushImage(origin);
  const evidence = await pushImage(origin, { layers: ["evidence"] });
  const reference = {
    "vnd.docker.reference.type": "attestation-manifest",
    "vnd.docker.reference.digest": image.descriptor.digest,
  };
  const platform = { os: "linux", architecture: "amd64" };
  const nobodys = { ...image.descriptor, digest: digestOf("nobody has it") };
  const pushIndex = (tag: string, manifests: object[]): Digest =>
    source.put(
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests })),
      MEDIA_TYPES.index,
      tag,
    ) as Digest;
  const attested = pushIndex("attested", [
    { ...image.descriptor, platform },
    {
      ...evidence.descriptor,
      annotations: reference,
      platform: { os: "unknown", architecture: "unknown" },
    },
  ]);
  const partial = pushIndex("partial", [
    { ...image.descriptor, platform },
    { ...nobodys, platform: { os: "linux", architecture: "s390x" } },
  ]);
  assert.ok(parseManifest(source.manifests.get(partial)?.bytes ?? Buffer.of(), MEDIA_TYPES.index));
  const stack = new MirrorStack();
  const args = { source: `${source.host}/app`, destinations: [`${destination.host}/copy`] };
  return { destination, stack, args, image, evidence, attested, partial, nobodys };
}

test("an index that lacks a part is refused alone, or goes along without it", async (context) => {
  const { destination, stack, args, partial, nobodys } = await scene(context);
  await stack.up(args);
  assert.deepEqual([...destination.tags.keys()], ["attested"]);
  assert.match((stack.plan["refused"] as Record<string, string>)["partial"] ?? "", /s390x/);
  const { warnings } = await stack.up({ ...args, absent: "skip" });
  assert.equal(destination.tags.get("partial"), partial);
  const planned = stack.plan.artifacts[partial] as { without?: string[] };
  assert.deepEqual(planned.without, [nobodys.digest]);
  assert.ok(warnings.some((line) => line.includes(nobodys.digest)));
  assert.equal((await stack.up({ ...args, absent: "skip" })).op, "same");
  assert.deepEqual(await stack.refresh(), {});
});

test("attestations stay behind where they are not wanted", async (context) => {
  const { destination, stack, args, image, evidence, attested } = await scene(context);
  await stack.up({ ...args, tags: ["attested"], attestations: "exclude" });
  assert.equal(destination.tags.get("attested"), attested);
  assert.ok(destination.manifests.has(image.descriptor.digest));
  assert.ok(!destination.manifests.has(evidence.descriptor.digest));
  assert.deepEqual(await stack.refresh(), {});
  await stack.up({ ...args, tags: ["attested"] });
  assert.ok(destination.manifests.has(evidence.descriptor.digest));
});
