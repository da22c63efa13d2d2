// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ConsignError } from "../../provider/errors";
import { removeManifests } from "../../provider/keeping/remove";
import type { Digest } from "../../provider/oci/digest";
import { successorsOf, type Manifest } from "../../provider/oci/manifest";
import { artifact, indexOf } from "../content/sample-graph";
import { OpenPlace } from "./place";

/** What one manifest is made of, by the places of earlier ones. */
interface Shape {
  kind: "image" | "index";
  parts: number[];
  subject: number | undefined;
}

/** What somebody does who may only push, or what the network does. */
type Edit =
  | { does: "tag"; at: number }
  | { does: "plant"; on: number; what: number }
  | { does: "own tag"; at: number }
  | { does: "hide"; what: number; times: number }
  | { does: "break"; what: number; times: number };

const SIZE = 8;
const place = fc.nat(SIZE - 1);
const shape: fc.Arbitrary<Shape> = fc.record({
  kind: fc.constantFrom("image" as const, "index" as const),
  parts: fc.array(place, { maxLength: 3 }),
  subject: fc.option(place, { nil: undefined }),
});
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ does: fc.constant("tag" as const), at: place }),
  fc.record({ does: fc.constant("own tag" as const), at: place }),
  fc.record({ does: fc.constant("plant" as const), on: place, what: place }),
  fc.record({ does: fc.constant("hide" as const), what: place, times: fc.constant(1) }),
  fc.record({ does: fc.constant("break" as const), what: place, times: fc.nat(4) }),
);

function build(shapes: readonly Shape[]): Manifest[] {
  const made: Manifest[] = [];
  for (const [at, { kind, parts, subject }] of shapes.entries()) {
    const about = subject === undefined ? undefined : made[subject]?.descriptor;
    const children = parts.flatMap((part) => made[part] ?? []);
    made.push(
      kind === "index"
        ? indexOf(children, about === undefined ? {} : { subject: about })
        : artifact(`manifest ${at}`, about === undefined ? {} : { subject: about }).manifest,
    );
  }
  return made;
}

/** What has to be there for this one to be worth anything. */
const needs = (manifest: Manifest): Digest[] => [
  ...(manifest.kind === "index" ? successorsOf(manifest).map(({ digest }) => digest) : []),
  ...(manifest.value.subject === undefined ? [] : [manifest.value.subject.digest]),
];

/** What may go, told in the plainest way: nothing outside leads to it over anything that stays. */
function free(
  all: readonly Manifest[],
  leaving: ReadonlySet<Digest>,
  tagged: ReadonlySet<Digest>,
): Set<Digest> {
  const going = new Set(
    all
      .filter(({ value }) => value.subject === undefined || leaving.has(value.subject.digest))
      .map(({ descriptor }) => descriptor.digest)
      .filter((digest) => leaving.has(digest) && !tagged.has(digest)),
  );
  // An index to which nothing leads that is known is known to nobody.
  const known = (manifest: Manifest): Digest[] => {
    const { digest } = manifest.descriptor;
    const roots = new Set([...tagged, ...[...leaving].filter((each) => !going.has(each))]);
    if (isBelow(all, digest, roots)) return needs(manifest);
    return manifest.value.subject === undefined ? [] : [manifest.value.subject.digest];
  };
  for (let before = -1; before !== going.size;) {
    before = going.size;
    for (const manifest of all)
      if (!going.has(manifest.descriptor.digest))
        for (const needed of known(manifest)) going.delete(needed);
  }
  return going;
}

function isBelow(all: readonly Manifest[], digest: Digest, roots: ReadonlySet<Digest>): boolean {
  if (roots.has(digest)) return true;
  return all.some(
    (each) =>
      each.kind === "index" &&
      successorsOf(each).some((part) => part.digest === digest) &&
      isBelow(all, each.descriptor.digest, roots),
  );
}

test("what goes was needed by nobody; without faults all that is free goes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(shape, { minLength: 1, maxLength: SIZE }),
      fc.array(place, { maxLength: SIZE }),
      fc.array(edit, { maxLength: 5 }),
      fc.constantFrom("whole first" as const, "parts first" as const),
      async (shapes, chosen, edits, order) => {
        const store = new OpenPlace();
        const all = [
          ...new Map(build(shapes).map((each) => [each.descriptor.digest, each])).values(),
        ];
        for (const manifest of all) await store.pushManifest(manifest);
        const leaving = new Set(chosen.flatMap((at) => all[at]?.descriptor.digest ?? []));
        const tagged = new Set<Digest>();
        let isFaulty = false;
        for (const [nth, each] of edits.entries()) {
          const at = all["at" in each ? each.at : each.what];
          if (at === undefined) continue;
          const { digest } = at.descriptor;
          if (each.does === "tag") tagged.add(digest);
          if (each.does === "tag") await store.tag(at, `theirs-${nth}`);
          if (each.does === "own tag") await store.tag(at, `own-${nth}`);
          const on = each.does === "plant" ? all[each.on]?.descriptor.digest : undefined;
          if (on !== undefined)
            store.planted.set(on, [...(store.planted.get(on) ?? []), at.descriptor]);
          if (each.does === "hide") store.faults.set(digest, { times: 1 });
          if (each.does === "break") {
            isFaulty ||= each.times > 0;
            store.faults.set(digest, {
              times: each.times,
              error: new ConsignError("REGISTRY_FAILED", "500"),
            });
          }
        }
        // A tag of its own counts where it leads to what stays.
        const holding = new Set(tagged);
        for (const tag of await store.tags()) {
          const { digest } = await store.whereIs(tag);
          if (!leaving.has(digest)) holding.add(digest);
        }
        const expected = free(all, leaving, holding);
        const result = await removeManifests(
          {
            store,
            manifests: new Map([...leaving].map((digest) => [digest, {}])),
            isOwnTag: (tag) => tag.startsWith("own-"),
            order,
          },
          { now: () => new Date(0) },
        );
        for (const digest of store.deleted) assert.ok(expected.has(digest), `${digest} was needed`);
        assert.deepEqual([...store.deleted].sort(), [...result.removed].sort());
        if (!isFaulty) assert.deepEqual([...store.deleted].sort(), [...expected].sort());
        assert.equal(
          result.removed.length + result.kept.length + result.gone.length,
          leaving.size,
          "each is told of once",
        );
      },
    ),
    { numRuns: 1000, seed: 15 },
  );
});
