// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { claimTypeOf } from "../../provider/claims/index";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import { readSmall } from "../../provider/content/verify";
import { walk } from "../../provider/graph/index";
import { listSignatures } from "../../provider/notation/index";
import type { Digest } from "../../provider/oci/digest";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { ARCHIVED, CONTENT_PURGED, archiveTag } from "../../provider/archive/record";
import type { Properties } from "../../provider/world/reconciler";
import {
  ARCHIVE,
  ArchiveWorld,
  EDGE,
  SOURCE,
  acme,
  decided,
  entryOf,
  ruleOf,
  stranger,
} from "./world";
import { Refused, type Life } from "../harness/life";
import { claim, family, guarded, publish, sign, trustOf } from "../harness/memory-world";

/** Looks without doing: what a preview says. */
async function foreseen(life: Life, args: Properties): Promise<Properties> {
  return (await life.preview(args)).planned;
}

describe("an archive policy", () => {
  test("from production over grace and archive to a purge of the content, one step a run", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("v1", { from: "2026-01-01", until: "2026-03-01" });
    const current = await world.deployed("v2", { from: "2026-03-01" });
    const never = await publish(world.source, "never", acme, "never");
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { onExpiry: "purge-content" });

    const grace = await foreseen(life, args("2026-03-15"));
    assert.equal(decided(grace, old), "grace keep");
    assert.equal(decided(grace, current), "in-production keep");
    assert.equal(
      decided(grace, never),
      "absent",
      "what was never in use is nobody's business here",
    );

    await life.up(args("2026-04-01"));
    assert.equal(decided(life.inputs, old), "to-archive archive");
    assert.equal(decided(life.outputs, old), "archived keep");
    assert.deepEqual(await world.archive.tags(), [archiveTag(old.digest)]);
    const copied = (await world.archive.referrers(old.digest)).map(claimTypeOf).sort();
    assert.deepEqual(
      copied.filter((type) => type !== undefined),
      [
        "https://consign.dev/claims/archived/v1",
        "https://consign.dev/claims/deployment/v1",
        "https://consign.dev/claims/deployment/v1",
      ],
    );
    for (const digest of await family(world.source, old.digest))
      assert.ok(
        await world.archive.has({ mediaType: MEDIA_TYPES.manifest, digest, size: 0 }),
        `the archive lacks ${digest}`,
      );
    assert.equal(await life.up(args("2026-04-01")), "same");
    assert.equal(
      await life.up(args("2026-12-01")),
      "same",
      "time alone changes nothing while nothing is due",
    );

    assert.equal(await life.up(args("2027-04-01")), "update");
    assert.equal(decided(life.outputs, old), "expired mark");
    assert.ok(
      await world.archive.has((await layers(world, old.digest))[0] as never),
      "marking removes nothing",
    );
    const { op, planned } = await life.preview(args("2027-05-01"));
    assert.deepEqual([op, decided(planned, old)], ["update", "expired purge-content"]);
    assert.match(
      (planned["plan"] as Record<string, string>)[old.digest] ?? "",
      /^PURGE-CONTENT {2}v1 sha256:[0-9a-f]{12} {2}expired; production 2026-01-01 to 2026-03-01; archived 2026-04-01 {2}\(kept 1y from end of production, until 2027-03-01: marked on 2027-04-01, its content is purged now\)$/,
    );
    await life.up(args("2027-05-01"));
    assert.equal(decided(life.outputs, old), "content-purged keep");
    for (const layer of await layers(world, old.digest))
      assert.equal(await world.archive.has(layer), false);
    const signatures = await listSignatures(world.archive, old.digest);
    assert.equal(signatures.length, 1, "manifest and signature stay");
    assert.ok(
      (await world.archive.referrers(old.digest)).some(
        (each) => claimTypeOf(each) === CONTENT_PURGED,
      ),
    );
    assert.equal(await life.up(args("2028-01-01")), "same");
    assert.ok(await world.source.has(old), "the source was never asked for anything");
    assert.deepEqual(life.outputs["notices"], {});
  });

  test("releases the source one run after the archive was seen to have it, and what others put there stays", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
    const other = await publish(world.source, "other", acme, "other");
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { release: "after-archive" });
    await life.up(args("2026-04-01"));
    assert.equal(decided(life.outputs, old), "archived keep");
    assert.match(
      ruleOf(life.outputs, old),
      /it leaves registry\.example\/acme\/app at the next run/,
    );
    await life.up(args("2026-04-02"));
    assert.ok(await world.source.has(old), "the run that sees it in the archive only says so");
    const late = await claim(
      world.source,
      {
        type: "test-result",
        subject: old,
        predicate: { result: "PASSED", configuration: [] },
        audience: "internal",
      },
      acme,
    );
    assert.equal(decided(await foreseen(life, args("2026-04-03")), old), "archived release");
    await life.up(args("2026-04-03"));
    assert.equal(await world.source.has(old), false);
    assert.deepEqual(await world.source.referrers(old.digest), []);
    assert.deepEqual(await world.source.tags(), ["other"]);
    assert.equal((await family(world.source, other.digest)).length, 2);
    assert.ok(
      await world.archive.has(late.manifest.descriptor),
      "what came late went to the archive first",
    );
    assert.equal(decided(life.outputs, old), "archived keep");
    assert.equal(await life.up(args("2026-04-04")), "same");
  });

  test("a purge takes everything, deepest first, and spares what other artifacts use", async () => {
    const world = new ArchiveWorld();
    const [old, young] = [
      await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" }),
      await world.deployed("v2", { from: "2026-01-01", until: "2026-12-01" }),
    ];
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { onExpiry: "purge" });
    await life.up(args("2027-01-15"));
    await life.up(args("2027-03-01"));
    const before = await family(world.archive, old.digest);
    await life.up(args("2027-03-02"));
    assert.equal(decided(life.outputs, old), "purged keep");
    for (const digest of before)
      assert.equal(
        await world.archive.has({ mediaType: MEDIA_TYPES.manifest, digest, size: 0 }),
        false,
      );
    const [shared, own] = await layers(world, old.digest, world.source);
    assert.deepEqual(
      [await world.archive.has(shared as never), await world.archive.has(own as never)],
      [true, false],
    );
    for (const layer of await layers(world, young.digest))
      await readSmall(world.archive, layer, 1_000);
    assert.equal(
      await life.up(args("2027-03-03")),
      "same",
      "the copy at the source does not bring it back",
    );
    await world.stay(old, { from: "2027-03-04" });
    assert.equal(decided(await foreseen(life, args("2027-03-05")), old), "in-production keep");
  });

  test("holds, the last N, end of support, and what still runs elsewhere keep", async () => {
    const world = new ArchiveWorld();
    const past = { from: "2020-01-01", until: "2020-02-01" };
    const byDigest = await world.deployed("held", past);
    const byClaim = await world.deployed("claimed", { ...past, until: "2020-02-02" });
    const last = await world.deployed("last", { ...past, until: "2020-02-03" });
    const edge = await world.deployed("edge", { ...past, until: "2020-01-15" });
    const gone = await world.deployed("gone", { ...past, until: "2020-01-10" });
    const hold = await claim(
      world.source,
      {
        type: "https://acme.example/litigation/v1",
        subject: byClaim,
        predicate: { case: "7/20" },
        audience: "internal",
      },
      acme,
    );
    await world.stay(edge, { environment: "edge", from: "2020-01-05" }, world.edge);
    const life = world.life();
    const args = (asOf: string, overrides: Properties = {}) =>
      world.args(asOf, {
        onExpiry: "purge",
        retain: {
          for: "1y",
          last: 1,
          holds: [byDigest.digest, { claim: "https://acme.example/litigation/v1" }],
          whileRunningIn: [EDGE],
        },
        ...overrides,
      });
    await life.up(args("2020-06-01"));
    await life.up(args("2022-01-01"));
    assert.deepEqual(
      [byDigest, byClaim, last, edge, gone].map((each) => decided(life.outputs, each)),
      ["held keep", "held keep", "archived keep", "in-production keep", "expired mark"],
    );
    assert.match(ruleOf(life.outputs, last), /among the last 1/);
    assert.match(ruleOf(life.outputs, edge), /runs in edge since 2020-01-05/);
    await life.up(args("2022-01-02"));
    assert.deepEqual(
      [byClaim, last, edge, gone].map((each) => decided(life.outputs, each)),
      ["held keep", "archived keep", "in-production keep", "purged keep"],
    );
    // A hold by a claim ends when that claim is revoked, here in the archive's copy and at the
    // source.
    for (const store of [world.source, world.archive]) {
      await claim(
        store,
        {
          type: "revocation",
          subject: hold.manifest.descriptor,
          predicate: { target: hold.manifest.descriptor.digest, reason: "settled" },
          audience: "internal",
        },
        acme,
      );
    }
    assert.equal(decided(await foreseen(life, args("2022-01-03")), byClaim), "expired mark");

    const support = new ArchiveWorld();
    const supported = await support.deployed("v1", past);
    const policy = support.life();
    const since = (asOf: string) =>
      support.args(asOf, { onExpiry: "purge", retain: { for: "1y", from: "end-of-support" } });
    await policy.up(since("2021-01-01"));
    assert.equal(decided(await foreseen(policy, since("2029-01-01")), supported), "archived keep");
    assert.match(
      ruleOf(await foreseen(policy, since("2029-01-01")), supported),
      /which nobody has announced/,
    );
    await claim(
      support.source,
      {
        type: "endOfLife",
        subject: supported,
        predicate: { date: "2025-01-01" },
        audience: "internal",
      },
      acme,
    );
    assert.equal(decided(await foreseen(policy, since("2025-12-01")), supported), "archived keep");
    assert.equal(decided(await foreseen(policy, since("2026-01-02")), supported), "expired mark");
  });

  test("what nobody trusted says is ignored and leads to nothing; what cannot be told keeps", async () => {
    const world = new ArchiveWorld();
    const forged = await world.deployed("forged", { from: "2026-01-01" });
    await claim(
      world.source,
      {
        type: "deployment",
        subject: forged,
        predicate: {
          environment: "production",
          from: "2026-01-01T00:00:00Z",
          until: "2026-01-02T00:00:00Z",
        },
        audience: "internal",
      },
      stranger,
    );
    const unsigned = await world.deployed("unsigned", { from: "2026-01-01" });
    await claim(
      world.source,
      {
        type: "deployment",
        subject: unsigned,
        predicate: {
          environment: "production",
          from: "2026-01-01T00:00:00Z",
          until: "2026-01-02T00:00:00Z",
        },
        audience: "internal",
      },
      null,
    );
    const stranded = await world.deployed("stranded", {
      from: "2026-01-01",
      until: "2026-01-02",
      by: stranger,
    });
    const revoked = await world.deployed("revoked");
    const closing = await claim(
      world.source,
      {
        type: "deployment",
        subject: revoked,
        predicate: {
          environment: "production",
          from: "2026-01-01T00:00:00Z",
          until: "2026-01-02T00:00:00Z",
        },
        audience: "internal",
      },
      acme,
    );
    await claim(
      world.source,
      {
        type: "revocation",
        subject: closing.manifest.descriptor,
        predicate: { target: closing.manifest.descriptor.digest, reason: "it was a mistake" },
        audience: "internal",
      },
      acme,
    );
    const tagged = await world.deployed("tagged");
    await claim(
      world.source,
      {
        type: "deployment",
        subject: tagged,
        predicate: {
          environment: "production",
          resource: `${SOURCE}:tagged`,
          from: "2026-01-01T00:00:00Z",
          until: "2026-01-02T00:00:00Z",
        },
        audience: "internal",
      },
      acme,
    );
    const life = world.life();
    const planned = await foreseen(life, world.args("2030-01-01", { onExpiry: "purge" }));
    assert.deepEqual(
      [forged, unsigned, stranded, revoked, tagged].map((each) => decided(planned, each)),
      [
        "in-production keep",
        "in-production keep",
        "absent",
        "in-production keep",
        "in-production keep",
      ],
    );
    assert.match(
      ruleOf(planned, revoked),
      /^inconclusive: claim sha256:[0-9a-f]{12}: it has been revoked/,
    );
    assert.match(
      ruleOf(planned, tagged),
      /runs in production \(registry\.example\/acme\/app:tagged\)/,
    );
    assert.match(
      life.warnings.join("\n"),
      /a claim about deployment does not count: .*SIGNATURE_UNTRUSTED/,
    );
  });

  test("signatures that end with their certificate do not undo what was believed before", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
    let now = new Date();
    const life = world.life(() => now);
    const args = (asOf: string) => world.args(asOf, { onExpiry: "purge" });
    await life.up(args("2026-04-01"));
    now = new Date(Date.now() + 3 * 365 * 86_400_000);
    const seen = await life.refresh();
    assert.deepEqual(seen, [], "recorded evidence stands");
    const fresh = world.life(() => now);
    assert.match(
      ruleOf(await foreseen(fresh, args("2030-01-01")), old),
      /^inconclusive: .*never seen while its signature was good/,
      "and what was never seen good keeps",
    );
  });

  test("up removes at most what was recorded before its preview: a mark, new evidence, a vanished claim", async () => {
    const world = new ArchiveWorld();
    const [a, b] = [
      await world.deployed("a", { from: "2026-01-01", until: "2026-02-01" }),
      await world.deployed("b", { from: "2026-01-01", until: "2026-02-01" }),
    ];
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { onExpiry: "purge" });
    await life.up(args("2026-06-01"));
    // The preview was of a time when nothing had expired; by the time of the update all has.
    assert.equal(decided(await foreseen(life, args("2026-12-01")), a), "archived keep");
    await life.up(args("2027-06-01"));
    assert.deepEqual(
      [a, b].map((each) => decided(life.outputs, each)),
      ["expired mark", "expired mark"],
    );
    assert.ok((await world.archive.has(a)) && (await world.archive.has(b)));
    // One comes back into use between the preview that announces its purge and the update.
    assert.equal(decided(await foreseen(life, args("2027-06-02")), a), "expired purge");
    await world.stay(a, { environment: "rescue", from: "2027-06-02T01:00:00Z" });
    await life.up(args("2027-06-03"));
    assert.deepEqual(
      [a, b].map((each) => decided(life.outputs, each)),
      ["in-production keep", "purged keep"],
    );
    // And leaves it again: what was decided before does not count any more.
    await claim(
      world.source,
      {
        type: "deployment",
        subject: a,
        predicate: {
          environment: "rescue",
          from: "2027-06-02T01:00:00Z",
          until: "2027-06-04T00:00:00Z",
        },
        audience: "internal",
      },
      acme,
    );
    assert.equal(decided(await foreseen(life, args("2029-01-01")), a), "expired mark");
  });

  test("a claim that is put there between plan and purge keeps, as each purge looks once more", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { onExpiry: "purge" });
    await life.up(args("2026-06-01"));
    await life.up(args("2027-06-01"));
    const resolve = world.source.resolve.bind(world.source);
    let looks = 0;
    world.source.resolve = async (reference) => {
      if (++looks === 2) await world.stay(old, { from: "2027-06-02" });
      return resolve(reference);
    };
    await life.up(args("2027-06-02"));
    assert.ok(await world.archive.has(old));
    assert.equal(decided(life.outputs, old), "in-production keep");
  });

  test("killed at any write of an archiving, a release and a purge, the next runs finish", async () => {
    for (const [at, writes] of [
      ["2026-04-01", 9],
      ["2026-04-03", 3],
      ["2027-06-02", 8],
    ] as const) {
      for (let step = 0; step < writes; step++) {
        const world = new ArchiveWorld();
        const old = await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
        const life = world.life();
        const args = (asOf: string) =>
          world.args(asOf, { onExpiry: "purge", release: "after-archive" });
        for (const before of [
          "2026-04-01",
          "2026-04-02",
          "2026-04-03",
          "2027-06-01",
          "2027-06-02",
        ].filter((each) => each < at))
          await life.up(args(before));
        const state = { id: life.id, inputs: life.inputs, outputs: life.outputs };
        let done = 0;
        world.stores.wrap = (store) =>
          guarded(store, (write) => {
            if (write !== "pushBlob" && done++ >= step) throw new Error("killed");
          });
        await life.up(args(at)).catch(() => undefined);
        world.stores.wrap = (store) => store;
        Object.assign(life, state);
        for (const after of [
          at,
          "2026-04-04",
          "2026-04-05",
          "2026-04-06",
          "2027-06-03",
          "2027-06-04",
          "2027-06-05",
        ].filter((each) => each >= at))
          await life.up(args(after));
        assert.equal(decided(life.outputs, old), "purged keep", `${at}, step ${step}`);
        assert.deepEqual(
          [
            await world.archive.tags(),
            await family(world.archive, old.digest),
            await family(world.source, old.digest),
          ],
          [[], [old.digest], [old.digest]],
          `${at}, step ${step}`,
        );
        assert.deepEqual(
          [await world.archive.has(old), await world.source.has(old)],
          [false, false],
          `${at}, step ${step}`,
        );
      }
    }
  });

  test("an index goes with its parts, but for those that another index has too", async () => {
    const world = new ArchiveWorld();
    const part = (name: string) =>
      packManifest({
        artifactType: "application/vnd.example.part",
        layers: [bytesBlob(Buffer.from(name), "text/plain")],
      });
    const [shared, own] = [part("shared"), part("own")];
    const index = async (tag: string, parts: readonly ReturnType<typeof part>[], until: string) => {
      for (const each of parts) await pushArtifact(world.source, each);
      const made = parseManifest(
        Buffer.from(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: MEDIA_TYPES.index,
            manifests: parts.map(({ manifest }) => manifest.descriptor),
          }),
        ),
        MEDIA_TYPES.index,
      );
      await world.source.pushManifest(made);
      await world.source.tag(made, tag);
      await sign(world.source, made.descriptor, acme);
      await world.stay(made.descriptor, { from: "2026-01-01", until });
      return made.descriptor;
    };
    const old = await index("old", [shared, own], "2026-02-01");
    const young = await index("young", [shared], "2026-12-01");
    const life = world.life();
    for (const asOf of ["2027-01-15", "2027-03-01", "2027-03-02"])
      await life.up(world.args(asOf, { onExpiry: "purge" }));
    assert.equal(await world.archive.has(old), false);
    assert.equal(await world.archive.has(own.manifest.descriptor), false);
    assert.equal(
      (await walk(world.archive, young)).nodes.has(shared.manifest.descriptor.digest),
      true,
    );
  });

  test("bad input is refused in the preview, at the property, with its code", async () => {
    const world = new ArchiveWorld();
    const refused = async (
      overrides: Properties,
      property: string,
      reason: RegExp,
      life = world.life(),
      asOf = "2026-01-01",
    ) => {
      const told = ({ failures: [first] }: Refused) =>
        first?.property === property &&
        reason.test(first.reason) &&
        first.reason.endsWith(" [INPUT_INVALID]");
      await assert.rejects(
        life.preview(world.args(asOf, overrides)),
        (error) => error instanceof Refused && told(error),
        `${property} ${JSON.stringify(overrides)}`,
      );
    };
    await refused({ sources: [EDGE, SOURCE], archive: SOURCE }, "archive", /is a source/);
    await refused(
      { archive: SOURCE },
      "archive",
      /is a source: an archive has to be somewhere else/,
    );
    await refused({ sources: [SOURCE, SOURCE] }, "sources[1]", /named twice/);
    await refused(
      { archiveAfter: "30d", retain: { for: "7d" } },
      "retain.for",
      /^7d from the end of production is over before the grace period, archiveAfter 30d, is/,
    );
    await refused({ retain: {}, onExpiry: "purge" }, "onExpiry", /nothing expires/);
    await refused({ retain: { last: 3 } }, "retain.last", /kept for ever/);
    await refused({ retain: { from: "archived" } }, "retain.from", /there is none/);
    await refused(
      { retain: { for: "1y", whileRunningIn: [ARCHIVE] } },
      "retain.whileRunningIn[0]",
      /nothing runs in the archive/,
    );
    await refused({ retain: { for: "soon" } }, "retain.for", /whole number and a unit/);
    await refused(
      { retain: { for: "1y", holds: ["latest"] } },
      "retain.holds[0]",
      /must be sha256/,
    );
    await refused({ signer: stranger.signer }, "signer", /would not be believed under trust/);
    await refused({ asOf: "yesterday" }, "asOf", /must be YYYY-MM-DD or an RFC 3339 time/);
    const life = world.life();
    await world.deployed("v1", { from: "2026-01-01" });
    await life.up(world.args("2026-06-01"));
    await refused(
      {},
      "asOf",
      /^the clock runs backwards: it says 2026-05-31T00:00:00Z, and the last plan was made for 2026-06-01T00:00:00Z/,
      life,
      "2026-05-31",
    );
    const behind = world.life(() => new Date("2026-06-01T00:00:00Z"));
    await behind.up(world.args("2026-06-02"));
    await assert.rejects(
      behind.preview(world.args(undefined)),
      (error) =>
        error instanceof Refused &&
        /^asOf: the clock runs backwards: this machine's clock says 2026-06-01T00:00:00Z.*\[INPUT_INVALID\]$/.test(
          error.message,
        ),
    );
  });

  test("from what is recorded, a plan asks no store, and refresh brings what is new", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
    const life = world.life();
    const args = (asOf: string) => world.args(asOf, { observe: "refresh", onExpiry: "purge" });
    await life.up(args("2026-06-01"));
    await life.up(args("2026-06-02"));
    let opened = 0;
    world.stores.wrap = (store) => {
      opened++;
      return store;
    };
    assert.equal((await life.preview(args("2026-06-03"))).op, "same");
    assert.equal(opened, 0);
    const fresh = await world.deployed("v2", { from: "2026-06-01" });
    assert.equal(decided(await foreseen(life, args("2026-06-03")), fresh), "absent");
    await life.refresh();
    assert.equal(decided(await foreseen(life, args("2026-06-03")), fresh), "in-production keep");
    await life.up(args("2027-06-03"));
    await world.stay(old, { from: "2027-06-04" });
    await life.up(args("2027-06-05"));
    assert.ok(await world.archive.has(old), "a purge looks, whatever was recorded");
  });

  test("what a store that cannot be asked would have said is not made up", async () => {
    const world = new ArchiveWorld();
    await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
    world.source.referrers = async () => Promise.reject(new Error("the source is away"));
    await assert.rejects(
      world.life().preview(world.args("2030-01-01", { onExpiry: "purge" })),
      /the source is away/,
    );
  });

  test("an archive record is written once, and read back when the state is lost", async () => {
    const world = new ArchiveWorld();
    const old = await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
    await world.life().up(world.args("2026-04-01"));
    const life = world.life();
    await life.up(world.args("2026-05-01"));
    assert.equal(entryOf(life.outputs, old.digest)?.archivedAt, "2026-04-01T00:00:00Z");
    assert.equal(
      (await world.archive.referrers(old.digest)).filter((each) => claimTypeOf(each) === ARCHIVED)
        .length,
      1,
    );
    assert.deepEqual(await life.refresh(), []);
  });

  test("trust in nobody's claims archives nothing", async () => {
    const world = new ArchiveWorld();
    await world.deployed("v1", { from: "2026-01-01", until: "2026-02-01" });
    const life = world.life();
    const planned = await foreseen(life, {
      ...world.args("2030-01-01"),
      signer: stranger.signer,
      trust: trustOf(stranger),
    });
    assert.deepEqual(planned["entries"], {});
  });
});

async function layers(world: ArchiveWorld, digest: Digest, store = world.archive) {
  const manifest = await store.manifest(digest);
  return manifest.kind === "manifest" ? manifest.value.layers : [];
}
