// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConsignError } from "../../provider/errors";
import { removeManifests, LOOK_LASTS_MS } from "../../provider/keeping/remove";
import { untold, type Removed } from "../../provider/keeping/leaving";
import type { Digest } from "../../provider/oci/digest";
import { MemoryStore } from "../../provider/content/memory";
import { artifact, signatureOf } from "../content/sample-graph";
import { failsWith } from "../harness/failure";
import { OpenPlace, digestOfManifest, leaving, pushed, pushedIndex, signed } from "./place";

const clock = { now: () => new Date(0) };
const keptOf = ({ kept }: Removed): Digest[] => kept.map(({ digest }) => digest).sort();

describe("nobody needs it", () => {
  test("an artifact goes with its signature, and that goes first", async () => {
    const place = new OpenPlace();
    const { root, signature } = await signed(place, "app");
    const result = await removeManifests(leaving(place, [root, signature]), clock);
    assert.deepEqual(place.deleted, [signature, root].map(digestOfManifest));
    assert.deepEqual(result.kept, []);
  });

  test("an index goes before its images, or after them where it is to be found again", async () => {
    for (const order of ["whole first", "parts first"] as const) {
      const place = new OpenPlace();
      const image = await pushed(place, artifact("image"));
      const index = await pushedIndex(place, image);
      await removeManifests(leaving(place, [image, index], { order }), clock);
      const expected = order === "whole first" ? [index, image] : [image, index];
      assert.deepEqual(place.deleted, expected.map(digestOfManifest));
    }
  });

  test("its own tag does not keep it; what is gone is told apart", async () => {
    const place = new OpenPlace();
    const [root, gone] = [await pushed(place, artifact("app")), artifact("gone").manifest];
    await place.tag(root, "archived-1");
    const result = await removeManifests(
      leaving(place, [root, gone], { isOwnTag: (tag) => tag.startsWith("archived-") }),
      clock,
    );
    assert.deepEqual(result, {
      removed: [root.descriptor.digest],
      gone: [gone.descriptor.digest],
      kept: [],
    });
  });
});

describe("somebody needs it", () => {
  test("a tag of somebody else, an index under one, or one that stays without a tag", async () => {
    const place = new OpenPlace();
    const tagged = await pushed(place, artifact("tagged"));
    const image = await pushed(place, artifact("image"));
    const planned = await pushed(place, artifact("planned"));
    await place.tag(tagged, "hotfix");
    await place.tag(await pushedIndex(place, image), "theirs");
    const untagged = await pushedIndex(place, planned);
    const result = await removeManifests(
      leaving(place, [tagged, image, planned], { staying: [untagged.descriptor.digest] }),
      clock,
    );
    assert.deepEqual(place.deleted, []);
    assert.deepEqual(keptOf(result), [tagged, image, planned].map(digestOfManifest).sort());
    assert.match(result.kept.map(({ reason }) => reason).join(), /the tag hotfix still has it/);
  });

  test("what refers to it and stays, what of this run has it, and what a lease names", async () => {
    const place = new OpenPlace();
    const [a, b, c] = [
      await pushed(place, artifact("a")),
      await pushed(place, artifact("b")),
      await pushed(place, artifact("c")),
    ];
    await pushed(place, signatureOf(a));
    const result = await removeManifests(
      leaving(place, [a, b, c], {
        holds: async (digest) => (digest === b.descriptor.digest ? "another has it" : undefined),
        leases: async () => new Map([[c.descriptor.digest, "lease-1"]]),
      }),
      clock,
    );
    assert.deepEqual(keptOf(result), [a, b, c].map(digestOfManifest).sort());
    assert.equal(untold(result), undefined);
  });

  test("what stays keeps what it refers to, what it contains, and what belongs to it", async () => {
    const place = new OpenPlace();
    const image = await pushed(place, artifact("image"));
    const index = await pushedIndex(place, image);
    const claim = await pushed(place, artifact("claim", { subject: index.descriptor }));
    const signature = await pushed(place, signatureOf(claim));
    await place.tag(claim, "kept-by-hand");
    const result = await removeManifests(
      leaving(place, [image, index, claim, [signature, { with: claim.descriptor.digest }]]),
      clock,
    );
    assert.deepEqual(place.deleted, []);
    assert.equal(result.kept.length, 4);
  });

  test("a signature does not go without its claim, unless that is gone", async () => {
    const place = new OpenPlace();
    const { root, signature } = await signed(place, "claim");
    const only = leaving(place, [
      [signature, { with: root.descriptor.digest, subject: root.descriptor.digest }],
    ]);
    assert.deepEqual(keptOf(await removeManifests(only, clock)), [signature.descriptor.digest]);
    await place.deleteManifest(root.descriptor);
    place.deleted.length = 0;
    await removeManifests(only, clock);
    assert.deepEqual(place.deleted, [signature.descriptor.digest]);
  });
});

describe("a list is a hint", () => {
  test("what a stranger has put on the list is neither removed nor a reason to keep", async () => {
    const place = new OpenPlace();
    const { root, signature } = await signed(place, "expired");
    const production = await pushed(place, artifact("payments"));
    await place.tag(production, "payments-production");
    place.planted.set(root.descriptor.digest, [production.descriptor]);
    const result = await removeManifests(leaving(place, [root, signature]), clock);
    assert.deepEqual(result.removed.sort(), [root, signature].map(digestOfManifest).sort());
    assert.ok(await place.has(production.descriptor));
  });

  test("what is to go and refers to something else than is recorded stays", async () => {
    const place = new OpenPlace();
    const root = await pushed(place, artifact("app"));
    const other = await pushed(place, signatureOf(await pushed(place, artifact("other"))));
    const result = await removeManifests(
      leaving(place, [root, [other, { subject: root.descriptor.digest }]]),
      clock,
    );
    assert.deepEqual(keptOf(result), [other.descriptor.digest]);
  });

  test("a referrer that is listed and gone keeps nothing", async () => {
    const place = new OpenPlace();
    const root = await pushed(place, artifact("app"));
    place.planted.set(root.descriptor.digest, [signatureOf(root).manifest.descriptor]);
    assert.equal((await removeManifests(leaving(place, [root]), clock)).removed.length, 1);
  });
});

describe("one answer decides nothing", () => {
  const unreachable = new ConsignError("REGISTRY_UNREACHABLE", "connection reset");

  test("one 404 for a tag, an index or a child, and one short list, keep what they keep", async () => {
    for (const fault of ["tag", "index", "tag list", "referrers", "referrer"]) {
      const place = new OpenPlace();
      const image = await pushed(place, artifact("image"));
      const index = await pushedIndex(place, image);
      await place.tag(index, "v1");
      const { root, signature } = await signed(place, "app");
      const root1 = root.descriptor.digest;
      if (fault === "tag") place.faults.set("v1", { times: 1 });
      if (fault === "index") place.faults.set(index.descriptor.digest, { times: 1 });
      if (fault === "tag list") place.leftOut.set("", { what: "v1", times: 1 });
      if (fault === "referrers")
        place.leftOut.set(root1, { what: signature.descriptor.digest, times: 1 });
      if (fault === "referrer") place.faults.set(signature.descriptor.digest, { times: 1 });
      const result = await removeManifests(leaving(place, [image, root]), clock);
      assert.deepEqual(place.deleted, [], fault);
      assert.equal(result.kept.length, 2, fault);
    }
  });

  test("what cannot be told keeps, and says why", async () => {
    for (const reference of ["v1", "index", "referrers", "itself"]) {
      const place = new OpenPlace();
      const image = await pushed(place, artifact("image"));
      const index = await pushedIndex(place, await pushed(place, artifact("other")));
      await place.tag(index, "v1");
      const { digest } = image.descriptor;
      const at = {
        v1: "v1",
        index: index.descriptor.digest,
        referrers: `referrers of ${digest}`,
        itself: digest,
      }[reference];
      place.faults.set(at ?? "", { times: 9, error: unreachable });
      const result = await removeManifests(leaving(place, [image]), clock);
      assert.deepEqual(place.deleted, [], reference);
      assert.equal(untold(result)?.code, "REGISTRY_UNREACHABLE", reference);
    }
  });
});

test("is asked again when the last look was too long ago", async () => {
  const place = new OpenPlace();
  const [a, b] = [await pushed(place, artifact("a")), await pushed(place, artifact("b"))];
  let now = 0;
  const [first, second] = [a, b].sort((x, y) =>
    x.descriptor.digest < y.descriptor.digest ? -1 : 1,
  );
  assert.ok(first !== undefined && second !== undefined);
  place.beforeDelete = async () => {
    now += LOOK_LASTS_MS + 1;
    await place.tag(second, "hotfix");
  };
  const result = await removeManifests(leaving(place, [a, b]), { now: () => new Date(now) });
  assert.deepEqual(result.removed, [first.descriptor.digest]);
  assert.deepEqual(keptOf(result), [second.descriptor.digest]);
});

test("where the registry deletes nothing, all of it is kept, and it is asked once", async () => {
  const place = new OpenPlace();
  const [a, b] = [await pushed(place, artifact("a")), await pushed(place, artifact("b"))];
  let asked = 0;
  place.beforeDelete = async () => {
    asked += 1;
    throw new ConsignError("REGISTRY_UNSUPPORTED", "405");
  };
  const result = await removeManifests(leaving(place, [a, b]), clock);
  assert.deepEqual([asked, result.kept.length, untold(result)], [1, 2, undefined]);
});

test("what a removal answers to is not gone before it is missed, twice", async () => {
  const place = new OpenPlace();
  const root = await pushed(place, artifact("app"));
  place.beforeDelete = async () => {
    throw new ConsignError("MANIFEST_UNKNOWN", "the list is not there");
  };
  await assert.rejects(
    removeManifests(leaving(place, [root]), clock),
    failsWith("MANIFEST_UNKNOWN"),
  );
  place.beforeDelete = async () => {
    await MemoryStore.prototype.deleteManifest.call(place, root.descriptor);
    throw new ConsignError("MANIFEST_UNKNOWN", "it is not there");
  };
  const { removed } = await removeManifests(leaving(place, [root]), clock);
  assert.deepEqual(removed, [root.descriptor.digest]);
});

test("what finds its parts again stays while one of them cannot be told", async () => {
  for (const order of ["whole first", "parts first"] as const)
    for (const about of ["part", "signature"]) {
      const place = new OpenPlace();
      const { root: part, signature } = await signed(place, "part");
      const index = await pushedIndex(place, part, await pushed(place, artifact("other")));
      place.faults.set(`referrers of ${(about === "part" ? part : signature).descriptor.digest}`, {
        times: 1,
        error: new ConsignError("REGISTRY_FAILED", "told to fail"),
      });
      const all = leaving(place, [index, [part, { isPart: true }], signature], { order });
      const first = await removeManifests(all, clock);
      assert.equal(untold(first)?.code, "REGISTRY_FAILED");
      assert.equal(await place.has(index.descriptor), order === "parts first");
      await removeManifests(all, clock);
      for (const each of [index, part, signature])
        assert.equal(await place.has(each.descriptor), false);
    }
});
