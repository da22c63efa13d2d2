// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Descriptor } from "../../../provider/oci/descriptor";
import { digestOf } from "../../../provider/oci/digest";
import { parseManifest, type Manifest } from "../../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../../provider/oci/media-types";
import { takesOf } from "../../../provider/mirror/choose/children";
import {
  childFilter,
  choose,
  forPlatforms,
  platformsSchema,
} from "../../../provider/mirror/choose/platforms";

interface Child {
  os?: string;
  architecture?: string;
  variant?: string;
}

function child(name: string, { os, architecture = "amd64", variant }: Child): Descriptor {
  const platform =
    os === undefined
      ? {}
      : { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
  return { mediaType: MEDIA_TYPES.manifest, digest: digestOf(name), size: 1, ...platform };
}

function indexOf(manifests: readonly Descriptor[], subject?: Descriptor): Manifest {
  return parseManifest(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests,
        ...(subject === undefined ? {} : { subject }),
      }),
    ),
    MEDIA_TYPES.index,
  );
}

const none = async (): Promise<undefined> => undefined;

test("a platform without a variant takes all of them; evidence goes with what it is about, and is no platform itself", () => {
  const [v6, v7, amd] = [
    child("v6", { os: "linux", architecture: "arm", variant: "v6" }),
    child("v7", { os: "linux", architecture: "arm", variant: "v7" }),
    child("amd", { os: "linux" }),
  ];
  const evidence = (about: Descriptor): Descriptor => ({
    ...child(`evidence on ${about.digest}`, { os: "unknown", architecture: "unknown" }),
    annotations: { "vnd.docker.reference.digest": about.digest },
  });
  const all = [v6, v7, amd, evidence(v7), evidence(amd)];
  const taken = (only: string[]): Descriptor[] => all.filter(forPlatforms(only, indexOf(all)));
  assert.deepEqual(taken(["linux/arm"]), [v6, v7, evidence(v7)]);
  assert.deepEqual(taken(["linux/arm/v7"]), [v7, evidence(v7)]);
  assert.deepEqual(taken(["windows/amd64"]), []);
  const bare = [child("a chart", {}), evidence(amd)];
  assert.deepEqual(bare.filter(forPlatforms(["linux/amd64"], indexOf(bare))), bare);
});

test("evidence that is an index itself is whole, unless it is mirrored for itself", () => {
  const windows = child("windows", { os: "windows" });
  const evidence = indexOf([windows], child("what it is about", {}));
  const takes = (isArtifact: boolean, index: "sparse" | "derived"): boolean =>
    childFilter({ only: ["linux/amd64"], index }, () => isArtifact)(windows, evidence);
  assert.deepEqual(
    [
      takes(false, "sparse"),
      takes(true, "sparse"),
      takes(false, "derived"),
      takes(true, "derived"),
    ],
    [true, false, true, false],
  );
});

test("what is recorded of a choice takes the same children as the contract that it was made for", async () => {
  const oses = fc.constantFrom("linux", "windows", "unknown");
  const variants = fc.constantFrom(undefined, "v6", "v7");
  const children = fc.array(
    fc.record({
      os: fc.option(oses, { nil: undefined }),
      architecture: fc.constantFrom("amd64", "arm"),
      variant: variants,
    }),
    { maxLength: 8 },
  );
  const wanted = fc.array(
    fc.constantFrom("linux/amd64", "linux/arm", "linux/arm/v7", "windows/amd64", "linux/s390x"),
    { minLength: 1, maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(children, wanted, async (made, only) => {
      platformsSchema.parse({ only, index: "sparse" });
      const all = made.map((each, at) => child(String(at), each as Child));
      const index = indexOf(all);
      const { platforms, refusal } = await choose(index, only, none);
      const taken = all.filter(forPlatforms(only, index));
      const again = takesOf(index.descriptor.digest, platforms);
      assert.deepEqual(
        all.filter((each) => again(each, index)),
        taken,
      );
      assert.equal(platforms === undefined, taken.length === all.length);
      assert.equal(refusal !== undefined, taken.length === 0 && all.length > 0);
    }),
    { numRuns: 300 },
  );
});
