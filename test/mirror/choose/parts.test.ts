// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, type Digest } from "../../../provider/oci/digest";
import { MEDIA_TYPES } from "../../../provider/oci/media-types";
import { relatedBefore } from "../../../provider/mirror/choose/parts";
import { emptyPlan, type FullArtifact, type FullPlan } from "../../../provider/upcoming/plan";
import type { RelatedByDigest } from "../../../provider/upcoming/related";

const [index, amd64, arm64, derived, another] = [
  "index",
  "amd64",
  "arm64",
  "derived",
  "another",
].map((text) => digestOf(text)) as [Digest, Digest, Digest, Digest, Digest];
const claim = (about: string): Digest => digestOf(`about ${about}`);

function artifact(related: RelatedByDigest, derivedFrom?: Digest): FullArtifact {
  return {
    mediaType: MEDIA_TYPES.index,
    size: 1,
    related,
    ...(derivedFrom === undefined ? {} : { derivedFrom }),
  };
}

/** One claim about each, by the digest that it is about where that is not the artifact itself. */
function claims(...about: [what: string, of?: Digest][]): RelatedByDigest {
  return Object.fromEntries(
    about.map(([what, of]) => [
      claim(what),
      { type: "sbom/spdx", audience: "public", ...(of === undefined ? {} : { of }) },
    ]),
  );
}

const own = claims(["index"], ["amd64", amd64]);
const ofDerived = claims(["derived"], ["arm64", arm64]);

function plan(artifacts: Record<Digest, FullArtifact>): FullPlan {
  return { ...emptyPlan(), artifacts };
}

test("what was mirrored about an artifact is its own, and of indexes made from it what is said of their parts; nothing of any other", () => {
  const base = plan({
    [index]: artifact(own),
    [derived]: artifact(ofDerived, index),
    [another]: artifact(claims(["another"])),
  });
  assert.deepEqual(
    Object.keys(relatedBefore(base, index, undefined)).sort(),
    [claim("index"), claim("amd64"), claim("arm64")].sort(),
  );
  assert.deepEqual(Object.keys(relatedBefore(base, another, undefined)), [claim("another")]);
  assert.deepEqual(relatedBefore(base, amd64, undefined), {});
  assert.deepEqual(relatedBefore(undefined, index, undefined), {});
});

test("of parts only what still goes along counts", () => {
  const base = plan({ [index]: artifact(own), [derived]: artifact(ofDerived, index) });
  assert.deepEqual(
    Object.keys(relatedBefore(base, index, [arm64])).sort(),
    [claim("index"), claim("arm64")].sort(),
  );
});

test("an index of our own making has nothing of its own at the source", () => {
  assert.deepEqual(
    relatedBefore(plan({ [derived]: artifact(ofDerived, index) }), derived, undefined),
    {},
  );
});
