// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf, type Digest } from "../../provider/oci/digest";
import { claimFilter, takesCosignTags } from "../../provider/mirror/choose/claims";
import {
  decodeRelated,
  distanceOf,
  encodeRelated,
  selectRelated,
  SIGNATURE,
  type Related,
  type RelatedByDigest,
} from "../../provider/upcoming/related";

const [claim, signature, scan, remark, remarkSignature, image] = [
  "claim",
  "signature",
  "scan",
  "remark",
  "remarkSignature",
  "image",
].map((name) => digestOf(name)) as [Digest, Digest, Digest, Digest, Digest, Digest];
const byDigest = (...entries: [Digest, Related][]): RelatedByDigest => Object.fromEntries(entries);
const related = byDigest(
  [claim, { type: "sbom/spdx", audience: "public" }],
  [signature, { type: SIGNATURE, audience: "internal", of: claim }],
  [scan, { type: "vulnerabilities", audience: "internal", of: image }],
  [remark, { type: "vex", audience: "public", of: scan }],
  [remarkSignature, { type: SIGNATURE, audience: "internal", of: remark }],
);
const all = [claim, signature, scan, remark, remarkSignature].sort();
const chosen = (
  selection: Parameters<typeof claimFilter>[0],
  annotations: Record<Digest, Record<string, string>> = {},
): string[] =>
  Object.keys(
    selectRelated(
      related,
      claimFilter(selection, related, (digest) => annotations[digest] ?? {}),
    ),
  );

test("what goes along follows what it is about", () => {
  assert.deepEqual(chosen({}), all);
  assert.deepEqual(chosen({ types: ["sbom/spdx"] }), [claim, signature].sort());
  assert.deepEqual(
    chosen({ types: ["https://spdx.dev/Document/v2.3"] }),
    [claim, signature].sort(),
  );
  assert.deepEqual(chosen({ audience: "public" }), [claim, signature].sort());
  assert.deepEqual(
    chosen({ excludeTypes: ["vulnerabilities"] }),
    [claim, signature].sort(),
    "a remark on what stays behind stays behind, with its signature",
  );
  assert.deepEqual(chosen({ depth: 1 }), [claim, signature, scan].sort());
  assert.deepEqual(
    chosen(
      { annotations: { "org.example.stage": "rel*" } },
      { [scan]: { "org.example.stage": "release" } },
    ),
    [scan],
  );
  assert.deepEqual(
    chosen(
      { annotations: { "org.example.run": "*" } },
      { [scan]: { "org.example.run": "https://ci.example/runs/7" } },
    ),
    [scan],
  );
});

test("distance is counted from the artifact or the part of it", () => {
  assert.deepEqual(
    [claim, signature, scan, remark, remarkSignature].map((digest) => distanceOf(related, digest)),
    [1, 2, 1, 2, 3],
  );
});

test("a loop belongs to nothing", () => {
  const loop = byDigest(
    [claim, { type: "vex", audience: "public", of: scan }],
    [scan, { type: "vex", audience: "public", of: claim }],
  );
  assert.deepEqual(
    selectRelated(loop, () => true),
    {},
  );
});

test("the recorded form says the same in little space", () => {
  const text = encodeRelated(related);
  assert.deepEqual(decodeRelated(text), related);
  assert.equal(text[signature], `signature of ${claim.slice(7, 19)}`);
  assert.equal(text[scan], `vulnerabilities of ${image}`);
  assert.ok(JSON.stringify(text).length / all.length < 120);
  assert.equal(decodeRelated({ [claim]: "signature of 0000" }), undefined);
});

test("any graph survives being recorded", () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(names, fc.infiniteStream(fc.nat()), (words, numbers) => {
      const digests = words.map((word) => digestOf(word));
      const graph: RelatedByDigest = {};
      digests.forEach((digest, at) => {
        const n = numbers.next().value as number;
        const of =
          n % 3 === 0 ? undefined : n % 3 === 1 ? digestOf("a child") : digests[n % digests.length];
        graph[digest] = {
          type: ["vex", SIGNATURE, "application/x", "https://example.test/p/v1"][n % 4] ?? "vex",
          audience: at % 2 === 0 ? "public" : "internal",
          ...(of === undefined || of === digest ? {} : { of }),
        };
      });
      assert.deepEqual(decodeRelated(encodeRelated(graph)), graph);
    }),
    { numRuns: 200, seed: 5 },
  );
});

test("cosign's tags go along where all claims do, or as told", () => {
  assert.equal(takesCosignTags({}), true);
  assert.equal(takesCosignTags({ audience: "any" }), true);
  assert.equal(takesCosignTags({ audience: "public" }), false);
  assert.equal(takesCosignTags({ types: ["vex"], cosignTags: "include" }), true);
  assert.equal(takesCosignTags({ cosignTags: "exclude" }), false);
});
