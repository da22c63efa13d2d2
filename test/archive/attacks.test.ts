// SPDX-License-Identifier: Apache-2.0
// What strangers, other policies and a registry that fails once may do to what somebody needs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { archiveTag } from "../../provider/archive/record";
import type { MemoryStore } from "../../provider/content/memory";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import type { Store } from "../../provider/content/storage";
import { ConsignError, isConsignError } from "../../provider/errors";
import { walk } from "../../provider/graph/index";
import { packLeases, placeLease } from "../../provider/keeping/lease";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import { digestOf, type Digest } from "../../provider/oci/digest";
import { successorsOf } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { Properties } from "../../provider/world/reconciler";
import { ArchiveWorld, acme, decided, ruleOf } from "./world";
import { claim, publish, sign } from "../harness/memory-world";
import type { Life } from "../harness/life";

const PAST = { from: "2026-01-01", until: "2026-02-01" };
const EMPTY = digestOf("{}");
const HOLD = "https://acme.example/litigation/v1";

type Call = { name: string; args: unknown[] };

/** A store in front of another, which may answer in its place. */
function intercepted(
  store: MemoryStore,
  before: (call: Call) => Promise<{ answer: unknown } | undefined>,
): Store {
  return new Proxy<Store>(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        const answered = await before({ name: String(name), args });
        return answered === undefined
          ? (member as (...args: unknown[]) => unknown).apply(target, args)
          : answered.answer;
      };
    },
  });
}

function named({ args: [first] }: Call): string {
  return typeof first === "string" ? first : ((first as Descriptor | undefined)?.digest ?? "");
}

/** What of an artifact, with everything that refers to it, is missing. */
async function holes(store: MemoryStore, root: Descriptor): Promise<string[]> {
  const missing: string[] = [];
  for (const { manifest } of (await walk(store, root)).nodes.values())
    for (const part of successorsOf(manifest))
      if (!(await store.has(part))) missing.push(part.digest);
  return missing;
}

async function reaches(life: Life, args: (asOf: string) => Properties, ...days: string[]) {
  for (const asOf of days) await life.up(args(asOf));
}

const unknownManifest = (reference: string): ConsignError =>
  new ConsignError("MANIFEST_UNKNOWN", `${reference} is not there`, { status: 404 });

describe("one 404 in a run that purges", () => {
  for (const what of ["tag", "digest"] as const)
    test(`for the ${what} of something held loses nothing of that`, async () => {
      for (let occurrence = 0; occurrence < 40; occurrence += 1) {
        const world = new ArchiveWorld();
        const old = await world.deployed("old", PAST);
        const held = await world.deployed("held", PAST);
        const life = world.life();
        const args = (asOf: string): Properties =>
          world.args(asOf, { onExpiry: "purge", retain: { for: "1y", holds: [held.digest] } });
        await reaches(life, args, "2026-04-01", "2027-03-01");
        const reference = what === "tag" ? archiveTag(held.digest) : held.digest;
        let seen = 0;
        world.stores.wrap = (store) =>
          intercepted(store, async (call) => {
            if (store !== world.archive || named(call) !== reference) return undefined;
            if (!["resolve", "manifest", "has"].includes(call.name)) return undefined;
            if (seen++ !== occurrence) return undefined;
            if (call.name === "has") return { answer: false };
            throw unknownManifest(reference);
          });
        await life.up(args("2027-03-02"));
        world.stores.wrap = (store) => store;
        assert.deepEqual(await holes(world.archive, held), [], `occurrence ${occurrence}`);
        assert.equal(
          await world.archive.has({ digest: EMPTY, size: 2, mediaType: MEDIA_TYPES.empty }),
          true,
        );
        assert.deepEqual(await world.archive.tags(), [archiveTag(held.digest)]);
        assert.equal(await world.archive.has(old), false, "what is due still goes");
        assert.equal(decided(life.outputs, held), "held keep");
        if (seen <= occurrence) return;
      }
      assert.fail("there is no end to the requests");
    });
});

describe("two policies on one archive", () => {
  const OTHER = "other.example/acme/app";

  /** Ours has marked `old`; theirs brings another artifact with a layer that is the same. */
  async function two(overrides: Properties = {}) {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    const ours = world.life();
    const theirs = world.life();
    const other = world.stores.at(OTHER);
    const young = await publish(other, "young", acme, "young");
    await world.stay(young, PAST, other);
    const args = (asOf: string): Properties =>
      world.args(asOf, { policy: "ours", onExpiry: "purge", ...overrides });
    await reaches(ours, args, "2026-04-01", "2027-03-01");
    const bring = (): Promise<unknown> =>
      theirs.up(
        world.args("2027-03-02", { policy: "theirs", sources: [OTHER], retain: { for: "10y" } }),
      );
    return { world, old, young, ours, args, bring, theirs };
  }

  for (const moment of ["deleteManifest", "tags"] as const)
    test(`what the other brings after ours has decided has no holes (before ${moment})`, async () => {
      const { world, old, young, ours, args, bring, theirs } = await two();
      let isDone = false;
      world.stores.wrap = (store) =>
        intercepted(store, async ({ name }) => {
          if (isDone || store !== world.archive || name !== moment) return undefined;
          isDone = true;
          world.stores.wrap = (each) => each;
          await bring();
          return undefined;
        });
      await ours.up(args("2027-03-02"));
      assert.equal(isDone, true);
      assert.equal(await world.archive.has(old), false);
      assert.equal(decided(theirs.outputs, young), "archived keep");
      assert.deepEqual(await holes(world.archive, young), []);
      assert.deepEqual(await world.archive.tags({ leases: true }), [], "the lease is taken back");
    });

  test("what the other relies on and has not recorded yet is kept, and goes when the lease has ended", async () => {
    const { world, old, ours, args } = await two();
    const [shared] = (await world.archive.manifest(old.digest)).value.layers as Descriptor[];
    assert.ok(shared);
    const [lease] = packLeases("theirs", "2027-03-02T00:00:00Z", new Set([shared.digest]));
    assert.ok(lease);
    await placeLease(world.archive, lease);
    await ours.up(args("2027-03-02"));
    assert.equal(await world.archive.has(old), false, "the manifest is not named");
    assert.equal(await world.archive.has(shared), true);
    assert.match(JSON.stringify(ours.outputs["notices"]), /lease/);
    assert.deepEqual(Object.keys(ours.outputs["leases"] as object), [lease.tag]);
    assert.deepEqual(await world.archive.tags(), [], "a lease is no artifact");
  });

  test("where leases cannot be taken back nothing is freed, and words say so", async () => {
    const { world, old, ours, args } = await two({ onExpiry: "purge-content" });
    const layers = (await world.archive.manifest(old.digest)).value.layers as Descriptor[];
    const more = await world.deployed("more", { from: "2026-01-01", until: "2027-01-01" });
    world.stores.wrap = (store) =>
      intercepted(store, async ({ name }) => {
        if (name !== "untag" && name !== "deleteManifest") return undefined;
        throw new ConsignError("REGISTRY_UNSUPPORTED", "it deletes nothing", { status: 405 });
      });
    await ours.up(args("2027-03-02"));
    assert.equal(decided(ours.outputs, more), "archived keep");
    assert.match(ours.warnings.join(), /nothing can be freed here/);
    assert.equal(decided(ours.outputs, old), "expired purge-content");
    for (const layer of layers) assert.equal(await world.archive.has(layer), true);
  });

  test("a lease that names the artifact keeps it for a day from when it was first seen", async () => {
    const { world, old, ours: before, args } = await two();
    let now = new Date();
    const ours = world.life(() => now);
    Object.assign(ours, { id: before.id, inputs: before.inputs, outputs: before.outputs });
    const [lease] = packLeases("theirs", "2099-01-01T00:00:00Z", new Set([old.digest]));
    assert.ok(lease);
    await placeLease(world.archive, lease);
    await ours.up(args("2027-03-02"));
    assert.equal(await world.archive.has(old), true);
    assert.equal(decided(ours.outputs, old), "expired purge");
    now = new Date(now.getTime() + 23 * 3_600_000);
    await ours.up(args("2027-03-03"));
    assert.equal(await world.archive.has(old), true);
    now = new Date(now.getTime() + 2 * 3_600_000);
    await ours.up(args("2027-03-04"));
    assert.equal(await world.archive.has(old), false, "whatever it says");
  });
});

describe("an archive that drops what it has taken", () => {
  for (const release of ["never", "after-archive"])
    test(`is not said to be complete, and no source is rid of anything (release ${release})`, async () => {
      const world = new ArchiveWorld();
      const old = await world.deployed("old", PAST);
      const [, own] = (await world.source.manifest(old.digest)).value.layers as Descriptor[];
      const life = world.life();
      const args = (asOf: string): Properties => world.args(asOf, { release });
      const dropping = (store: MemoryStore): Store =>
        intercepted(store, async (call) => {
          const drops =
            store === world.archive && call.name === "pushBlob" && named(call) === own?.digest;
          return drops ? { answer: true } : undefined;
        });
      world.stores.wrap = dropping;
      await assert.rejects(life.up(args("2026-04-01")), /READ_BACK_FAILED/);
      assert.equal(decided(life.outputs, old), "to-archive archive");
      world.stores.wrap = (store) => store;
      await reaches(life, args, "2026-04-01", "2026-04-02");
      assert.deepEqual(await holes(world.archive, old), []);
      await world.archive.deleteBlob(own as Descriptor);
      world.stores.wrap = dropping;
      await life.up(args("2026-04-03")).catch((error: unknown) => {
        assert.ok(isConsignError(error) || error instanceof Error);
        assert.match(String(error), /READ_BACK_FAILED/);
      });
      assert.equal(await world.source.has(old), true);
      assert.deepEqual(await holes(world.source, old), []);
    });
});

describe("evidence that vanishes from lists", () => {
  for (const where of ["source", "both", "another type"] as const)
    test(`lifts no hold (${where})`, async () => {
      const world = new ArchiveWorld();
      const old = await world.deployed("old", PAST);
      const hold = await claim(
        world.source,
        { type: HOLD, subject: old, predicate: { case: "7/20" }, audience: "internal" },
        acme,
      );
      const life = world.life();
      const args = (asOf: string): Properties =>
        world.args(asOf, { onExpiry: "purge", retain: { for: "1y", holds: [{ claim: HOLD }] } });
      await reaches(life, args, "2026-04-01", "2027-03-01");
      assert.equal(decided(life.outputs, old), "held keep");
      const { digest } = hold.manifest.descriptor;
      world.stores.wrap = (store) =>
        intercepted(store, async (call) => {
          if (call.name !== "referrers" || named(call) !== old.digest) return undefined;
          const listed = await store.referrers(old.digest);
          if (where === "source" && store !== world.source) return undefined;
          if (where !== "another type")
            return { answer: listed.filter((each) => each.digest !== digest) };
          // Or it is there as something that it is not.
          return {
            answer: listed.map((each) =>
              each.digest === digest
                ? { ...each, artifactType: "text/plain", annotations: {} }
                : each,
            ),
          };
        });
      await reaches(life, args, "2027-03-02", "2027-03-03", "2027-03-04");
      assert.deepEqual(await life.refresh(), []);
      assert.equal(decided(life.outputs, old), "held keep");
      assert.equal(await world.archive.has(old), true);
      // The claim itself is what counts.
      await world.source.deleteManifest(hold.manifest.descriptor);
      await world.archive.deleteManifest(hold.manifest.descriptor);
      await life.up(args("2027-03-05"));
      assert.equal(decided(life.outputs, old), "expired mark");
    });
});

describe("a release", () => {
  test("leaves what somebody has tagged, unless releaseTags names the tag", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    await world.source.tag(await world.source.manifest(old.digest), "hotfix");
    const life = world.life();
    const args = (releaseTags?: string[]) => (asOf: string) =>
      world.args(asOf, { release: "after-archive", releaseTags });
    await reaches(life, args(["old"]), "2026-04-01", "2026-04-02", "2026-04-03");
    assert.equal(await world.source.has(old), true);
    assert.match(ruleOf(life.outputs, old), /where it is tagged hotfix$/);
    assert.equal(await life.up(args(["old"])("2026-04-04")), "same");
    await life.up(args(["old", "hot*"])("2026-04-05"));
    assert.equal(await world.source.has(old), false);
  });

  test("does not take away what was tagged after it was planned", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    const life = world.life();
    const args = (asOf: string): Properties =>
      world.args(asOf, { release: "after-archive", releaseTags: ["old"] });
    await reaches(life, args, "2026-04-01", "2026-04-02");
    world.stores.wrap = (store) =>
      intercepted(store, async ({ name }) => {
        if (store === world.archive && name === "tags")
          await world.source.tag(await world.source.manifest(old.digest), "hotfix");
        return undefined;
      });
    await life.up(args("2026-04-03"));
    assert.equal(await world.source.has(old), true);
    assert.deepEqual(await world.source.tags(), ["hotfix", "old"]);
  });

  test("takes away in the next run a tag that a registry went on answering to", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    const life = world.life();
    const args = (asOf: string): Properties =>
      world.args(asOf, { release: "after-archive", releaseTags: ["old"] });
    await reaches(life, args, "2026-04-01", "2026-04-02");
    let untagged = 0;
    world.stores.wrap = (store) =>
      intercepted(store, async (call) => {
        if (store !== world.source || untagged > 1) return undefined;
        if (call.name === "untag") return { answer: void (untagged += 1) };
        if (call.name === "tags") return { answer: ["old"] };
        return call.name === "resolve" && named(call) === "old" ? { answer: old } : undefined;
      });
    await life.up(args("2026-04-03"));
    assert.equal(await world.source.has(old), false);
    await reaches(life, args, "2026-04-04", "2026-04-05");
    assert.deepEqual([untagged, await life.up(args("2026-04-05"))], [2, "same"]);
  });

  test("leaves what does not verify in the archive, unless releaseUnverified says so", async () => {
    const world = new ArchiveWorld();
    const packed = packManifest({
      artifactType: "application/vnd.example.app",
      layers: [bytesBlob(Buffer.from("nobody has signed this"), "text/plain")],
    });
    await pushArtifact(world.source, packed);
    await world.source.tag(packed.manifest, "old");
    const old = plainDescriptor(packed.manifest.descriptor);
    await world.stay(old, PAST);
    const life = world.life();
    const args = (more: Properties) => (asOf: string) =>
      world.args(asOf, { release: "after-archive", ...more });
    await reaches(life, args({}), "2026-04-01", "2026-04-02", "2026-04-03");
    assert.equal(await world.source.has(old), true);
    assert.equal(decided(life.outputs, old), "archived keep");
    assert.match(ruleOf(life.outputs, old), /does not verify in the archive/);
    assert.equal(await life.up(args({})("2026-04-04")), "same");
    await life.up(args({ releaseUnverified: true })("2026-04-05"));
    assert.equal(await world.source.has(old), false);
  });
});

test("a stranger who rewrites lists has nothing deleted for him, by a purge or by a release", async () => {
  for (const more of [{ onExpiry: "purge" }, { release: "after-archive" }]) {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    const wanted: Descriptor[] = [];
    for (const store of [world.source, world.archive]) {
      const payments = await publish(store, "payments", acme);
      await store.tag(await store.manifest(payments.digest), "payments-production");
      await sign(store, payments, acme);
      wanted.push(payments);
    }
    const untagged = await publish(world.archive, "untagged", acme);
    const life = world.life();
    const args = (asOf: string): Properties => world.args(asOf, more);
    world.stores.wrap = (store) =>
      intercepted(store, async ({ name, args: [subject] }) => {
        if (name !== "referrers") return undefined;
        const listed = await store.referrers(subject as Digest);
        return subject === old.digest
          ? { answer: [...listed, wanted[0], ...(store === world.archive ? [untagged] : [])] }
          : { answer: listed };
      });
    await reaches(life, args, "2026-04-01", "2026-04-02", "2026-04-03", "2027-03-01", "2027-03-02");
    const [payments] = wanted;
    assert.ok(payments);
    for (const store of [world.source, world.archive])
      assert.deepEqual(await holes(store, payments), []);
    assert.deepEqual(await holes(world.archive, untagged), []);
    assert.equal(
      await ("onExpiry" in more ? world.archive : world.source).has(old),
      false,
      "what is due goes",
    );
  }
});

describe("blobs of what is purged", () => {
  const layersIn = async (store: MemoryStore, { digest }: Descriptor): Promise<Descriptor[]> =>
    (await store.manifest(digest)).value.layers as Descriptor[];
  const there = async (store: MemoryStore, blobs: Descriptor[]): Promise<boolean[]> =>
    Promise.all(blobs.map(async (blob) => store.has(blob)));

  test("are the registry's to collect, unless freeBlobs says otherwise; the plan says so", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    const life = world.life();
    const args = (asOf: string): Properties =>
      world.args(asOf, { onExpiry: "purge", freeBlobs: undefined });
    await reaches(life, args, "2026-04-01", "2027-03-01");
    const layers = await layersIn(world.archive, old);
    assert.match(ruleOf((await life.preview(args("2027-03-02"))).planned, old), /collector/);
    await life.up(args("2027-03-02"));
    assert.equal(await world.archive.has(old), false);
    assert.deepEqual(await there(world.archive, layers), [true, true]);
    assert.equal(life.outputs["left"], undefined);
    assert.equal(await life.up(args("2028-03-02")), "same");
  });

  test("wait until their mark is as old as purgeGrace, by the policy's clock and by the real one", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    let now = new Date();
    const life = world.life(() => now);
    const args = (asOf: string): Properties =>
      world.args(asOf, { onExpiry: "purge", purgeGrace: undefined });
    await reaches(life, args, "2026-04-01", "2027-03-01");
    const layers = await layersIn(world.archive, old);
    await life.up(args("2027-03-02"));
    assert.equal(await world.archive.has(old), false, "manifests go when they are due");
    assert.deepEqual(await there(world.archive, layers), [true, true]);
    assert.equal(await life.up(args("2027-03-03")), "same", "the real clock has not moved");
    now = new Date(now.getTime() + 25 * 3_600_000);
    assert.equal(await life.up(args("2027-03-04")), "update");
    assert.deepEqual(await there(world.archive, layers), [false, false]);
    assert.equal(life.outputs["left"], undefined);
    assert.equal(await life.up(args("2027-03-05")), "same");
    assert.deepEqual(await life.refresh(), []);
  });

  test("of what loses its content wait as well", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    let now = new Date();
    const life = world.life(() => now);
    const args = (asOf: string): Properties =>
      world.args(asOf, { onExpiry: "purge-content", purgeGrace: "2d", freeBlobs: undefined });
    await reaches(life, args, "2026-04-01", "2027-03-01");
    const layers = await layersIn(world.archive, old);
    assert.equal(await life.up(args("2027-03-02")), "update", "it says that it waits");
    assert.equal(await life.up(args("2027-03-03")), "same");
    assert.deepEqual(await there(world.archive, layers), [true, true]);
    now = new Date(now.getTime() + 49 * 3_600_000);
    await life.up(args("2027-03-04"));
    assert.equal(decided(life.outputs, old), "content-purged keep");
    assert.deepEqual(await there(world.archive, layers), [false, false]);
    assert.equal(await life.up(args("2027-03-05")), "same");
  });

  test("that are gone already are not deleted again, where a registry fails at that", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("old", PAST);
    const life = world.life();
    const args = (asOf: string): Properties => world.args(asOf, { onExpiry: "purge-content" });
    await reaches(life, args, "2026-04-01", "2027-03-01");
    const [layer] = await layersIn(world.archive, old);
    await world.archive.deleteBlob(layer as Descriptor);
    world.stores.wrap = (store) =>
      intercepted(store, async (call) => {
        if (call.name !== "deleteBlob" || (await store.has(call.args[0] as Descriptor)))
          return undefined;
        throw new ConsignError("REGISTRY_RESPONSE_INVALID", "it failed", { status: 500 });
      });
    await life.up(args("2027-03-02"));
    assert.equal(decided(life.outputs, old), "content-purged keep");
    assert.equal(await life.up(args("2027-03-03")), "same");
  });
});

test("no day at all is a period where things may happen at once", async () => {
  const world = new ArchiveWorld();
  const old = await world.deployed("old", PAST);
  for (const archiveAfter of ["0d", "0s"]) {
    const { planned } = await world.life().preview(world.args("2026-02-01", { archiveAfter }));
    assert.equal(decided(planned, old), "to-archive archive");
  }
});

test("no signature is said to end before what it signs, where that is kept for seconds", async () => {
  const world = new ArchiveWorld();
  const old = await world.deployed("old", PAST);
  const life = world.life();
  await life.up(world.args("2026-04-01", { retain: { for: "30s", from: "archived" } }));
  assert.equal(decided(life.outputs, old), "archived keep");
  assert.deepEqual(life.outputs["notices"], {});
});
