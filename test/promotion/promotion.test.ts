// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { claimTypeOf, packClaim, readClaim, typeKey } from "../../provider/claims/index";
import { pushArtifact } from "../../provider/content/pack";
import type { Store } from "../../provider/content/storage";
import { ConsignError } from "../../provider/errors";
import { listSignatures } from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties } from "../../provider/world/reconciler";
import { tagDigest } from "../../provider/world/tags";
import { formatInstant } from "../../provider/retention/index";
import { Life, Refused } from "../harness/life";
import {
  claim,
  guarded,
  MemoryStores,
  publish,
  quickParty,
  trustOf,
} from "../harness/memory-world";
import { failsWith } from "../harness/failure";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");

/**
 * What the clock says: a stay that ends in a test ends now, whatever time the program says that it
 * is.
 */
const CLOCK = new Date();
const NOW = formatInstant(CLOCK);
const FROM = "registry.example/wabbit/app";
const TO = "registry.example/acme/app";

class World {
  readonly stores = new MemoryStores();
  readonly source = this.stores.at(FROM);
  readonly to = this.stores.at(TO);

  life(now = () => CLOCK): Life {
    return new Life(promotion, { folder: "/nonexistent", world: { stores: this.stores }, now });
  }

  args({ digest }: Descriptor, asOf: string | undefined, overrides: Properties = {}): Properties {
    return {
      artifact: `${FROM}@${digest}`,
      environment: "production",
      to: TO,
      tag: "prod",
      signer: acme.signer,
      trust: trustOf(wabbit, acme),
      ...(asOf === undefined ? {} : { asOf }),
      ...overrides,
    };
  }
}

/** What each claim of a type on an artifact says, oldest first. */
async function claims(
  store: Store,
  digest: Digest,
  type: string,
): Promise<Record<string, unknown>[]> {
  const descriptors = (await store.referrers(digest)).filter(
    (each) => typeKey(claimTypeOf(each) ?? "") === type,
  );
  const found = await Promise.all(
    descriptors.map(
      async (each) => (await readClaim(store, each)).predicate as Record<string, unknown>,
    ),
  );
  return found.sort((a, b) =>
    String(a["from"] ?? a["timeVerified"]) < String(b["from"] ?? b["timeVerified"]) ? -1 : 1,
  );
}

async function windows(store: Store, digest: Digest): Promise<string[]> {
  return (await claims(store, digest, "deployment"))
    .map(
      ({ environment, from, until }) =>
        `${String(environment)} ${String(from)} ${String(until ?? "…")}`,
    )
    .sort();
}

describe("a promotion", () => {
  test("carries the graph, leaves one signed record, and moves the tag last", async () => {
    const world = new World();
    const v1 = await publish(world.source, "v1", wabbit);
    await claim(
      world.source,
      {
        type: "test-result",
        subject: v1,
        predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
        audience: "internal",
      },
      wabbit,
    );
    const life = world.life();
    const args = world.args(v1, "2016-01-01", { require: [{ type: "test-result" }] });
    const { planned } = await life.preview(args);
    assert.equal(planned["move"], `production prod: nothing → ${v1.digest.slice(0, 19)}…`);
    assert.deepEqual(planned["verdict"], {
      digest: v1.digest,
      signature: "verified: by CN=Wabbit Networks Signing,O=Wabbit Networks,ST=WA,C=US",
      requirements: { "require[0]": "met" },
    });
    assert.deepEqual(Object.values(planned["carries"] as object).sort(), [
      "signature",
      "signature",
      "test-result",
    ]);
    assert.deepEqual(await world.to.tags(), [], "a preview writes nothing");
    assert.equal(await life.up(args), "create");
    assert.equal(await tagDigest(world.to, "prod"), v1.digest);
    const [record, ...more] = await claims(world.to, v1.digest, "vsa");
    assert.deepEqual(more, []);
    assert.deepEqual(record?.["lineage"], {
      environment: "production",
      from: { repository: FROM, digest: v1.digest },
    });
    assert.equal(
      (record?.["inputAttestations"] as unknown[]).length,
      1,
      "the claim that the requirement was met by",
    );
    assert.equal(
      planned["record"],
      life.outputs["record"],
      "the record's digest is known in the preview",
    );
    assert.equal((await listSignatures(world.to, life.outputs["record"] as Digest)).length, 1);
    assert.deepEqual(await windows(world.to, v1.digest), ["production 2016-01-01T00:00:00Z …"]);
    assert.equal(await life.up(args), "same");
    assert.equal(
      await life.up({ ...args, asOf: "2016-02-01" }),
      "same",
      "time alone changes nothing",
    );
  });

  test("under another name goes on: the stay is not ended, and the tag stays", async () => {
    const world = new World();
    const v1 = await publish(world.source, "v1", wabbit);
    const [old, renamed] = [world.life(), world.life()];
    const args = world.args(v1, "2026-01-01");
    await old.up(args);
    assert.equal(await renamed.up(args, old), "create");
    assert.equal(await tagDigest(world.to, "prod"), v1.digest);
    assert.deepEqual(await windows(world.to, v1.digest), ["production 2026-01-01T00:00:00Z …"]);
    assert.deepEqual(await renamed.refresh(), []);
    assert.equal(
      await renamed.up(args, old),
      "same",
      "and so it is if the old one is deleted in a later run",
    );
    assert.deepEqual(await windows(world.to, v1.digest), ["production 2026-01-01T00:00:00Z …"]);

    const elsewhere = world.life();
    await elsewhere.up({ ...args, environment: "staging" }, renamed);
    const all = (await windows(world.to, v1.digest))
      .map((each) => each.replace(/ 2\S+$/, " ended"))
      .sort();
    assert.deepEqual(
      all,
      [
        "production 2026-01-01T00:00:00Z ended",
        "production 2026-01-01T00:00:00Z …",
        "staging 2026-01-01T00:00:00Z …",
      ],
      "another environment is another stay",
    );
    assert.equal(await tagDigest(world.to, "prod"), v1.digest, "though it may go by the same tag");
  });

  test("closes the stay before, and a rollback is a promotion of the older digest", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    const { op, planned } = await life.preview(world.args(v2, "2016-02-01"));
    assert.equal(op, "update");
    assert.equal(
      planned["move"],
      `production prod: ${v1.digest.slice(0, 19)}… → ${v2.digest.slice(0, 19)}…`,
    );
    await life.up(world.args(v2, "2016-02-01"));
    assert.deepEqual(await windows(world.to, v1.digest), [
      `production 2016-01-01T00:00:00Z ${NOW}`,
      "production 2016-01-01T00:00:00Z …",
    ]);
    await life.up(world.args(v1, "2016-03-01"));
    assert.equal(await tagDigest(world.to, "prod"), v1.digest);
    const history = (
      life.outputs["history"] as { digest: string; from: string; until?: string }[]
    ).map(({ digest, from, until }) => [digest, from.slice(0, 10), until?.slice(0, 10)]);
    assert.deepEqual(history, [
      [v1.digest, "2016-03-01", undefined],
      [v2.digest, "2016-02-01", "2016-03-01"],
      [v1.digest, "2016-01-01", "2016-02-01"],
    ]);
    assert.equal((await claims(world.to, v1.digest, "vsa")).length, 2);
    const fresh = world.life();
    const again = await fresh.preview(world.args(v1, "2016-04-01"));
    assert.deepEqual(
      again.planned["history"],
      life.outputs["history"],
      "history survives the loss of the state",
    );
    assert.equal(again.planned["move"], life.outputs["move"]);
    await fresh.up(world.args(v1, "2016-04-01"));
    assert.equal(
      (await claims(world.to, v1.digest, "vsa")).length,
      2,
      "what is promoted is adopted, not promoted again",
    );
  });

  test("destroy demotes: the stay ends, the tag goes, the content stays; purge takes all", async () => {
    const world = new World();
    const v1 = await publish(world.source, "v1", wabbit);
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    await life.destroy();
    await life.destroy();
    assert.deepEqual(await world.to.tags(), []);
    assert.equal((await windows(world.to, v1.digest)).length, 2);
    assert.ok(await world.to.has(v1));
    const again = world.life();
    await again.up(world.args(v1, "2017-01-01", { onDelete: "purge" }));
    assert.equal(
      (await claims(world.to, v1.digest, "vsa")).length,
      2,
      "promoted again it is another promotion",
    );
    assert.deepEqual(
      (await windows(world.to, v1.digest)).filter((window) => window.endsWith("…")).length,
      2,
    );
    await again.destroy();
    assert.ok(await world.to.has(v1), "it was there before this resource, and is not its own");
    const other = await publish(world.source, "v2", wabbit);
    const whole = world.life();
    await whole.up(world.args(other, "2018-01-01", { onDelete: "purge" }));
    await whole.destroy();
    assert.equal(await world.to.has(other), false);
    assert.deepEqual(await world.to.referrers(other.digest), []);
  });

  test("bad input is refused in the preview, at the property", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit, "v1"),
      await publish(world.source, "v2", wabbit),
    ];
    const refused = async (
      args: Properties,
      property: string,
      reason: RegExp,
      life = world.life(),
    ) => {
      await assert.rejects(
        life.preview(args),
        (error) =>
          error instanceof Refused &&
          error.failures[0]?.property === property &&
          reason.test(error.failures[0].reason),
        property,
      );
    };
    await refused(
      { ...world.args(v1, "2016-01-01"), artifact: `${FROM}:v1` },
      "artifact",
      /not pinned.*\[INPUT_INVALID\]/,
    );
    const { trust: _, ...untrusted } = world.args(v1, "2016-01-01");
    await refused(untrusted, "trust", /does not prove.*\[INPUT_INVALID\]/);
    await refused(
      world.args(v1, "2016-01-01", { signer: stranger.signer }),
      "signer",
      /would not be believed under trust.*\[INPUT_INVALID\]/,
    );
    await refused(
      world.args(v1, "2016-01-01", { historyTrust: trustOf(wabbit) }),
      "signer",
      /would not be believed under historyTrust/,
    );
    const life = world.life();
    await life.up(world.args(v1, "2016-02-01"));
    await refused(
      world.args(v2, "2016-01-01"),
      "asOf",
      /the clock runs backwards.*\[INPUT_INVALID\]/,
      life,
    );
    await refused(world.args(v2, "2016-01-01"), "asOf", /the clock runs backwards/, world.life());
  });

  test("what is not verified is not promoted, and the preview says why", async () => {
    const world = new World();
    const v1 = await publish(world.source, "v1", stranger);
    const life = world.life();
    const { planned } = await life.preview(world.args(v1, "2016-01-01"));
    assert.match((planned["verdict"] as { signature: string }).signature, /^untrusted: /);
    assert.equal(planned["record"], undefined);
    assert.match(life.warnings.join(), /is not promoted/);
    await assert.rejects(life.up(world.args(v1, "2016-01-01")), failsWith("VERIFICATION_UNMET"));
    assert.deepEqual([await world.to.tags(), await world.to.has(v1)], [[], false]);
  });

  test("a record that nobody trusted signed does not count", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const forger = world.life();
    await forger.up({
      ...world.args(v1, "2016-01-01"),
      signer: stranger.signer,
      trust: trustOf(wabbit, stranger),
    });
    const life = world.life();
    const { planned } = await life.preview(world.args(v2, "2016-02-01"));
    assert.equal((planned["history"] as unknown[]).length, 1);
    assert.match(life.warnings.join(), /does not count: refused/);
    assert.equal(
      planned["move"],
      `production prod: ${v1.digest.slice(0, 19)}… → ${v2.digest.slice(0, 19)}…`,
      "the tag is a fact all the same",
    );
  });

  test("two promotions race for one tag: one wins, the other fails and leaves nothing behind", async () => {
    const world = new World();
    const [v0, v1, v2] = [
      await publish(world.source, "v0", wabbit),
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    await world.life().up(world.args(v0, "2016-01-01"));
    const winner = world.life();
    const loser = world.life();
    // The loser has written all but the tag when the winner comes and goes.
    const inner = world.to.tag.bind(world.to);
    let first = true;
    world.to.tag = async (manifest, tag, options) => {
      if (first) {
        first = false;
        await winner.up(world.args(v2, "2016-02-02"));
      }
      return inner(manifest, tag, options);
    };
    await assert.rejects(loser.up(world.args(v1, "2016-02-01")), failsWith("TAG_MOVED"));
    assert.equal(await tagDigest(world.to, "prod"), v2.digest);
    assert.equal((await claims(world.to, v1.digest, "vsa")).length, 0);
    assert.deepEqual(await windows(world.to, v1.digest), []);
    assert.deepEqual(await windows(world.to, v0.digest), [
      `production 2016-01-01T00:00:00Z ${NOW}`,
      "production 2016-01-01T00:00:00Z …",
    ]);
  });

  test("the loser of a race takes nothing back where it cannot tell what the history leads over, and still says that it lost", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const [winner, loser] = [world.life(), world.life()];
    const [inner, resolve] = [world.to.tag.bind(world.to), world.to.resolve.bind(world.to)];
    let first = true;
    world.to.tag = async (manifest, tag, options) => {
      if (!first) return inner(manifest, tag, options);
      first = false;
      await winner.up(world.args(v2, "2016-02-02"));
      return inner(manifest, tag, options).finally(() => {
        world.to.resolve = async () =>
          Promise.reject(new ConsignError("REGISTRY_FAILED", "it is down"));
      });
    };
    await assert.rejects(loser.up(world.args(v1, "2016-02-01")), failsWith("TAG_MOVED"));
    world.to.resolve = resolve;
    assert.equal((await claims(world.to, v1.digest, "vsa")).length, 1);
  });

  test("a run that is overtaken by another one of the same promotion takes nothing back that the history rests on", async () => {
    const world = new World();
    const [v0, v1, v2] = [
      await publish(world.source, "v0", wabbit),
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    await world.life().up(world.args(v0, "2016-01-01"));
    const life = world.life();
    const inner = world.to.tag.bind(world.to);
    let first = true;
    world.to.tag = async (manifest, tag, options) => {
      if (first) {
        // It hangs before it moves the tag; the run is tried again, and the next release follows.
        first = false;
        await life.up(world.args(v1, "2016-02-02"));
        await life.up(world.args(v2, "2016-03-01"));
      }
      return inner(manifest, tag, options);
    };
    await assert.rejects(world.life().up(world.args(v1, "2016-02-01")), failsWith("TAG_MOVED"));
    assert.equal(await tagDigest(world.to, "prod"), v2.digest);
    assert.deepEqual(await windows(world.to, v1.digest), [
      `production 2016-02-01T00:00:00Z ${NOW}`,
      "production 2016-02-01T00:00:00Z …",
    ]);
    assert.deepEqual(await windows(world.to, v0.digest), [
      `production 2016-01-01T00:00:00Z ${NOW}`,
      "production 2016-01-01T00:00:00Z …",
    ]);
    const anew = world.life();
    await anew.up(world.args(v2, undefined));
    assert.deepEqual(
      (anew.outputs["history"] as { digest: Digest }[]).map(({ digest }) => digest),
      [v2, v1, v0].map(({ digest }) => digest),
    );
  });

  test("a tag that somebody else moved is left alone until a refresh has shown it", async () => {
    const world = new World();
    const [v1, v2, other] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
      await publish(world.to, "other", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    await world.to.tag(await world.to.manifest(other), "prod");
    await assert.rejects(life.up(world.args(v2, "2016-02-01")), failsWith("TAG_MOVED"));
    assert.equal(await tagDigest(world.to, "prod"), other.digest);
    assert.deepEqual(await life.refresh(), ["status", "tagged.prod"]);
    assert.equal(await life.up(world.args(v2, "2016-02-01")), "update");
    assert.equal(await tagDigest(world.to, "prod"), v2.digest);
    assert.equal(
      (await windows(world.to, v1.digest)).length,
      2,
      "the stay before is closed although the tag was elsewhere",
    );
  });

  test("killed at any write but of a blob, the next run finishes: one record, the right tag, no orphan", async () => {
    let killedAt = 0;
    for (let step = 0; ; step++) {
      const world = new World();
      const [v1, v2] = [
        await publish(world.source, "v1", wabbit),
        await publish(world.source, "v2", wabbit),
      ];
      await world.life().up(world.args(v1, "2016-01-01"));
      let writes = 0;
      world.stores.wrap = (store) =>
        guarded(store, (write) => {
          if (write !== "pushBlob" && writes++ >= step) throw new Error("killed");
        });
      const outcome = await world
        .life()
        .up(world.args(v2, "2016-02-01"))
        .then(
          () => "done",
          () => "killed",
        );
      world.stores.wrap = (store) => store;
      // The process is gone, and nothing of what it knew.
      const life = world.life();
      await life.up(world.args(v2, "2016-02-02"));
      assert.equal(await tagDigest(world.to, "prod"), v2.digest, `step ${step}`);
      const records = await claims(world.to, v2.digest, "vsa");
      assert.equal(
        records.length,
        1,
        `step ${step}: ${JSON.stringify(records.map((record) => record["timeVerified"]))}`,
      );
      const at = String(records[0]?.["timeVerified"]);
      assert.deepEqual(await windows(world.to, v2.digest), [`production ${at} …`], `step ${step}`);
      assert.deepEqual(
        await windows(world.to, v1.digest),
        [`production 2016-01-01T00:00:00Z ${NOW}`, "production 2016-01-01T00:00:00Z …"],
        `step ${step}`,
      );
      for (const { digest, artifactType } of await world.to.referrers(v2.digest)) {
        if (artifactType !== "application/vnd.cncf.notary.signature")
          assert.equal(
            (await listSignatures(world.to, digest)).length,
            1,
            `step ${step}: each claim has one signature`,
          );
      }
      if (outcome === "done") break;
      killedAt++;
    }
    assert.ok(killedAt >= 9, `${killedAt} steps`);
  });

  test("an attempt that was killed and then overtaken is closed by the next promotion, and nothing that was signed is removed", async () => {
    const world = new World();
    const [v0, v1, v2] = [
      await publish(world.source, "v0", wabbit),
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    await world.life().up(world.args(v0, "2016-01-01"));
    world.stores.wrap = (store) =>
      guarded(store, (write) => {
        if (write === "tag") throw new Error("killed");
      });
    await assert.rejects(world.life().up(world.args(v1, "2016-02-01")), /killed/);
    world.stores.wrap = (store) => store;
    const life = world.life();
    await life.up(world.args(v2, "2016-02-02"));
    await life.up(world.args(v1, "2016-03-01"));
    assert.deepEqual(
      (await claims(world.to, v1.digest, "vsa")).map((record) => record["timeVerified"]),
      ["2016-02-01T00:00:00Z", "2016-03-01T00:00:00Z"],
    );
    assert.deepEqual(await windows(world.to, v1.digest), [
      `production 2016-02-01T00:00:00Z ${NOW}`,
      "production 2016-02-01T00:00:00Z …",
      "production 2016-03-01T00:00:00Z …",
    ]);
    assert.deepEqual(await windows(world.to, v2.digest), [
      `production 2016-02-02T00:00:00Z ${NOW}`,
      "production 2016-02-02T00:00:00Z …",
    ]);
    assert.deepEqual(
      (life.outputs["history"] as unknown[]).length,
      3,
      "it is no part of the history",
    );
  });

  test("a promotion within one repository, and one whose source is gone since", async () => {
    const world = new World();
    const v1 = await publish(world.to, "v1", wabbit);
    const life = world.life();
    const args = { ...world.args(v1, "2016-01-01"), artifact: `${TO}@${v1.digest}` };
    await life.up(args);
    assert.equal(await life.up(args), "same");
    const v2 = await publish(world.source, "v2", wabbit);
    await life.up(world.args(v2, "2016-02-01"));
    for (const { digest } of await world.source.referrers(v2.digest))
      await world.source.deleteManifest(await world.source.resolve(digest));
    await world.source.deleteManifest(v2);
    assert.equal(
      await life.up(world.args(v2, "2016-03-01")),
      "same",
      "what is promoted does not need its source",
    );
  });

  test("claims about being in use stay behind, as they are closed at one place", async () => {
    const world = new World();
    const v1 = await publish(world.source, "v1", wabbit);
    const packed = packClaim({
      type: "deployment",
      subject: v1,
      predicate: { environment: "staging", from: "2015-12-01T00:00:00Z" },
      audience: "internal",
    });
    await pushArtifact(world.source, packed);
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    assert.deepEqual(await windows(world.to, v1.digest), ["production 2016-01-01T00:00:00Z …"]);
  });
});
