// SPDX-License-Identifier: Apache-2.0
// What was taken away from somebody who needed it, each in the way in which it was found.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { claim as claimKind } from "../../provider/claim/claim";
import { mirror } from "../../provider/mirror/mirror";
import { promotion } from "../../provider/promotion/promotion";
import type { MemoryStore } from "../../provider/content/memory";
import type { Store } from "../../provider/content/storage";
import type { Digest } from "../../provider/oci/digest";
import type { Manifest } from "../../provider/oci/manifest";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Properties, Reconciler } from "../../provider/world/reconciler";
import { tagDigest } from "../../provider/world/tags";
import { Life } from "../harness/life";
import { MemoryStores, claim, publish, quickParty, trustOf } from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const FROM = "registry.example/wabbit/app";
const TO = "registry.example/acme/app";

function world(): {
  stores: MemoryStores;
  from: MemoryStore;
  to: MemoryStore;
  life: (kind: Reconciler) => Life;
} {
  const stores = new MemoryStores();
  const life = (kind: Reconciler): Life =>
    new Life(kind, { folder: "/nonexistent", world: { stores } });
  return { stores, from: stores.at(FROM), to: stores.at(TO), life };
}

/** Whoever may push to a registry that keeps no lists writes them as he likes. */
function rewriteList(store: MemoryStore, subject: Digest, add: readonly Descriptor[]): void {
  const inner = store.referrers.bind(store);
  store.referrers = async (of) => [...(await inner(of)), ...(of === subject ? add : [])];
}

const promotionArgs = ({ digest }: { digest: Digest }, others: Properties = {}): Properties => ({
  artifact: `${FROM}@${digest}`,
  environment: "production",
  to: TO,
  tag: "prod",
  signer: acme.signer,
  trust: trustOf(wabbit, acme),
  ...others,
});

describe("a stranger who may only push", () => {
  test("has nothing deleted by putting it on the list of what is: promotion, claim, mirror", async () => {
    const { from, to, life } = world();
    const payments = await publish(to, "payments", wabbit, "payments-production");
    const untagged = await publish(to, "by digest", wabbit);
    const v1 = await publish(from, "v1", wabbit, "v1");
    rewriteList(to, v1.digest, [payments, untagged]);

    const promoted = life(promotion);
    await promoted.up(promotionArgs(v1, { onDelete: "purge" }));
    await promoted.destroy();
    assert.deepEqual(
      [await to.has(v1), await to.has(payments), await to.has(untagged)],
      [false, true, true],
    );
    assert.equal(await tagDigest(to, "payments-production"), payments.digest);

    const mirrored = life(mirror);
    await mirrored.up({ source: FROM, destinations: [TO], onDelete: "purge" });
    await mirrored.destroy();
    assert.deepEqual(
      [await to.has(v1), await to.has(payments), await to.has(untagged)],
      [false, true, true],
    );

    const about = life(claimKind);
    await about.up({
      subject: `${TO}@${payments.digest}`,
      type: "test-result",
      predicate: { result: "PASSED", configuration: [] },
      signer: wabbit.signer,
    });
    rewriteList(to, about.outputs["digest"] as Digest, [payments, untagged]);
    await about.destroy();
    assert.deepEqual([await to.has(payments), await to.has(untagged)], [true, true]);
    assert.equal((await to.referrers(payments.digest)).length, 1, "its signature");
  });
});

describe("a second stack with the same program", () => {
  test("destroyed, it takes away neither a claim nor a revocation of the first", async () => {
    const { to, life } = world();
    const app = await publish(to, "app", wabbit, "v1");
    for (const [type, predicate] of [
      ["test-result", { result: "PASSED", configuration: [] }],
      ["revocation", { target: app.digest, reason: "stolen key" }],
    ] as const) {
      const args = {
        subject: `${TO}@${app.digest}`,
        type,
        predicate,
        signer: wabbit.signer,
        onDelete: "purge",
      };
      const [a, b] = [life(claimKind), life(claimKind)];
      await a.up(args);
      await b.up(args);
      assert.equal(b.outputs["digest"], a.outputs["digest"]);
      assert.match(String(b.outputs["onDestroy"]), /destroy will keep/);
      await b.destroy();
      assert.deepEqual(await a.refresh(), [], type);
      assert.equal(await a.up(args), "same", type);
      assert.equal((await to.referrers(a.outputs["digest"] as Digest)).length, 1, type);
      await a.destroy();
      assert.equal(await to.has(a.outputs["descriptor"] as Descriptor), false, "its own goes");
    }
  });

  test("a mark lives through a refresh and an update", async () => {
    const { to, life } = world();
    const app = await publish(to, "app", wabbit, "v1");
    const args = {
      subject: `${TO}@${app.digest}`,
      type: "test-result",
      predicate: { result: "PASSED", configuration: [] },
      signer: wabbit.signer,
    };
    const one = life(claimKind);
    await one.up(args);
    await one.refresh();
    await one.up({ ...args, onDelete: "retain" });
    await one.up({ ...args, onDelete: "purge" });
    await one.refresh();
    assert.equal(await one.up({ ...args, onDelete: "purge" }), "same");
    await one.destroy();
    assert.deepEqual((await to.referrers(app.digest)).length, 1, "the artifact's own signature");
  });

  test("a revocation stays when its resource goes, unless it says otherwise", async () => {
    const { to, life } = world();
    const app = await publish(to, "app", wabbit, "v1");
    const args = {
      subject: `${TO}@${app.digest}`,
      type: "revocation",
      predicate: { target: app.digest, reason: "stolen key" },
      signer: wabbit.signer,
    };
    const one = life(claimKind);
    await one.up(args);
    assert.equal(one.outputs["onDelete"], "retain");
    await one.destroy();
    assert.ok(await to.has(one.outputs["descriptor"] as Descriptor));
  });
});

test("a claim that is withdrawn upstream goes with its signature, or stays with it", async () => {
  for (const held of [false, true]) {
    const { from, to, life } = world();
    const app = await publish(from, "app", wabbit, "v1");
    const packed = await claim(
      from,
      {
        type: "test-result",
        subject: app,
        audience: "public",
        predicate: { result: "PASSED", configuration: [] },
      },
      wabbit,
    );
    const { descriptor } = packed.manifest;
    const [signature] = await from.referrers(descriptor.digest);
    assert.ok(signature !== undefined);
    const args = { source: FROM, destinations: [TO], withdrawn: "remove" };
    const one = life(mirror);
    await one.up(args);
    if (held) await to.tag(packed.manifest, "kept-by-hand");
    await from.deleteManifest(signature);
    await from.deleteManifest(descriptor);
    for (let run = 0; run < 2; run += 1) {
      await one.up(args);
      await one.refresh();
      assert.deepEqual(
        [await to.has(descriptor), await to.has(signature)],
        [held, held],
        `run ${run}`,
      );
    }
  }
});

describe("a destination that took a layer and dropped it", () => {
  const withoutLayer = (store: MemoryStore, digest: () => Digest | undefined): Store => {
    const has = store.has.bind(store);
    store.has = async (target) => target.digest !== digest() && has(target);
    return store;
  };

  test("has no tag set: mirror and promotion", async () => {
    for (const kind of ["mirror", "promotion"] as const) {
      const { from, to, life } = world();
      const v1 = await publish(from, "v1", wabbit, "v1");
      const manifest = (await from.manifest(v1.digest)) as Extract<Manifest, { kind: "manifest" }>;
      withoutLayer(to, () => manifest.value.layers[1]?.digest);
      const one = life(kind === "mirror" ? mirror : promotion);
      await assert.rejects(
        one.up(kind === "mirror" ? { source: FROM, destinations: [TO] } : promotionArgs(v1)),
        /READ_BACK_FAILED/,
      );
      assert.deepEqual(await to.tags(), [], kind);
    }
  });

  test("is sent it again where the manifest was there without it", async () => {
    const { from, to, life } = world();
    const v1 = await publish(from, "v1", wabbit, "v1");
    const manifest = (await from.manifest(v1.digest)) as Extract<Manifest, { kind: "manifest" }>;
    await to.pushManifest(manifest);
    const one = life(mirror);
    await one.up({ source: FROM, destinations: [TO] });
    for (const layer of manifest.value.layers) assert.ok(await to.has(layer));
  });
});

describe("two stacks that promote into one slot", () => {
  async function race(delayed: "before" | "after"): Promise<{
    outcomes: string[];
    open: Digest[];
    tagged: string | undefined;
  }> {
    const { from, to, life } = world();
    const [v0, v1, v2] = [
      await publish(from, "v0", wabbit),
      await publish(from, "v1", wabbit),
      await publish(from, "v2", wabbit),
    ];
    await life(promotion).up(promotionArgs(v0, { asOf: "2016-01-01" }));
    const inner = to.tag.bind(to);
    let isFirst = true;
    const outcomes: string[] = [];
    const second = life(promotion);
    const tell = (run: Promise<unknown>): Promise<unknown> =>
      run.then(
        () => outcomes.push("up"),
        (error: Error) => outcomes.push(/\[(\w+)\]/.exec(error.message)?.[1] ?? error.message),
      );
    // The registry sets a tag without looking where it was: the condition is the client's.
    to.tag = async (manifest, tag) => {
      if (!isFirst) return inner(manifest, tag);
      isFirst = false;
      if (delayed === "after") await inner(manifest, tag);
      await tell(second.up(promotionArgs(v2, { asOf: "2016-02-02" })));
      if (delayed === "before") {
        await new Promise((done) => setTimeout(done, 100));
        await inner(manifest, tag);
      }
    };
    await tell(life(promotion).up(promotionArgs(v1, { asOf: "2016-02-01" })));
    const open: Digest[] = [];
    for (const { digest } of [v1, v2]) {
      const stays = await Promise.all(
        (await to.referrers(digest))
          .filter(({ artifactType }) => artifactType !== undefined)
          .map(async (each) => ({ each, text: await predicateOf(to, each) })),
      );
      const deployments = stays.filter(({ text }) => text.includes('"opening"'));
      if (deployments.length > 0 && !deployments.some(({ text }) => text.includes('"until"')))
        open.push(digest);
    }
    return { outcomes, open, tagged: await tagDigest(to, "prod") };
  }

  async function predicateOf(store: MemoryStore, { digest }: Descriptor): Promise<string> {
    const manifest = await store.manifest(digest);
    if (manifest.kind !== "manifest") return "";
    const [layer] = manifest.value.layers;
    if (layer === undefined) return "";
    let text = "";
    for await (const chunk of await store.blob(layer)) text += Buffer.from(chunk).toString();
    return text;
  }

  test("the one that the tag has left takes its record back, where the answer to its move was slow", async () => {
    const { outcomes, open, tagged } = await race("after");
    assert.deepEqual(open, [tagged]);
    assert.deepEqual(outcomes.sort(), ["TAG_MOVED", "up"]);
  });

  test("one stay is open in the end, and it is the tag's, where a move was slow to arrive", async () => {
    const { open, tagged } = await race("before");
    assert.deepEqual(open, [tagged]);
  });
});
