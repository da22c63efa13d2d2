// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import type { Properties } from "../../provider/world/reconciler";
import { ArchiveWorld, SOURCE, acme, decided, entryOf, ruleOf, stranger } from "./world";
import { Refused, type Life } from "../harness/life";
import { claim, publish, trustOf } from "../harness/memory-world";

const OTHER = "other.example/acme/tools";

/**
 * Two sources with one archive: ours is kept for a year, the other's for ten. Both environments are
 * ACME's.
 */
class SharedArchive {
  readonly world = new ArchiveWorld();
  readonly other = this.world.stores.at(OTHER);
  readonly ours = this.world.life();
  readonly theirs = this.world.life();

  args(asOf: string, overrides: Properties = {}): Properties {
    return this.world.args(asOf, { onExpiry: "purge", ...overrides });
  }

  theirArgs(asOf: string, overrides: Properties = {}): Properties {
    return this.args(asOf, { sources: [OTHER], retain: { for: "10y" }, ...overrides });
  }

  async elsewhere(name: string, store = this.other): Promise<Descriptor> {
    const artifact = await publish(store, name, acme, name);
    for (const until of [{}, { until: "2026-02-01T00:00:00Z" }]) {
      await claim(
        store,
        {
          type: "deployment",
          subject: artifact,
          predicate: { environment: "production", from: "2026-01-01T00:00:00Z", ...until },
          audience: "internal",
        },
        acme,
      );
    }
    return artifact;
  }

  async years(life: Life, ...all: Properties[]): Promise<void> {
    for (const args of all) await life.up(args);
  }
}

describe("two policies on one archive", () => {
  for (const [who, overrides] of [
    ["by a signer of ours", {}],
    [
      "by a signer whom we do not trust",
      { signer: stranger.signer, trust: trustOf(acme, stranger) },
    ],
  ] as const) {
    test(`neither touches what the other has brought, ${who}`, async () => {
      const shared = new SharedArchive();
      const [ours, theirs] = [
        await shared.elsewhere("v1", shared.world.source),
        await shared.elsewhere("tool"),
      ];
      await shared.years(
        shared.theirs,
        shared.theirArgs("2026-04-01", overrides),
        shared.theirArgs("2026-04-02", overrides),
      );
      await shared.years(
        shared.ours,
        shared.args("2026-04-01"),
        shared.args("2028-01-01"),
        shared.args("2028-01-02"),
        shared.args("2028-01-03"),
      );
      assert.equal(await shared.world.archive.has(theirs), true, "it is kept for ten years");
      assert.equal(decided(shared.ours.outputs, theirs), "absent");
      assert.equal(await shared.world.archive.has(ours), false, "its year is over");
      await shared.years(
        shared.theirs,
        shared.theirArgs("2037-01-01", overrides),
        shared.theirArgs("2037-01-02", overrides),
      );
      assert.equal(await shared.world.archive.has(theirs), false, "and then it goes");
    });
  }

  test("what both have brought, neither takes away; each has its own record there", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    assert.equal((await shared.elsewhere("v1")).digest, artifact.digest);
    await shared.years(shared.theirs, shared.theirArgs("2026-04-01"));
    await shared.years(shared.ours, shared.args("2026-04-01"));
    const records = (await shared.world.archive.referrers(artifact.digest)).filter(
      ({ annotations }) => JSON.stringify(annotations ?? {}).includes("archived"),
    );
    assert.equal(records.length, 2);
    await shared.years(
      shared.ours,
      shared.args("2028-01-01"),
      shared.args("2028-01-02"),
      shared.args("2028-01-03"),
    );
    assert.equal(decided(shared.ours.outputs, artifact), "archived keep");
    assert.match(
      ruleOf(shared.ours.outputs, artifact),
      /was archived from other\.example\/acme\/tools too, for another policy$/,
    );
    assert.equal(await shared.ours.up(shared.args("2028-01-04")), "same");
    await shared.years(
      shared.theirs,
      shared.theirArgs("2037-01-01"),
      shared.theirArgs("2037-01-02"),
    );
    assert.match(
      ruleOf(shared.theirs.outputs, artifact),
      /was archived from registry\.example\/acme\/app too/,
    );
    assert.equal(await shared.world.archive.has(artifact), true);
  });

  test("a record that comes between the mark and the purge keeps", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    await shared.years(shared.ours, shared.args("2026-04-01"), shared.args("2028-01-01"));
    assert.equal(decided(shared.ours.outputs, artifact), "expired mark");
    await shared.elsewhere("v1");
    await shared.years(shared.theirs, shared.theirArgs("2028-01-01"));
    await shared.years(shared.ours, shared.args("2028-01-02"), shared.args("2028-01-03"));
    assert.equal(await shared.world.archive.has(artifact), true);
  });
});

test("whoever can write to the archive can keep things in it by a record, but not fill the state", async () => {
  const shared = new SharedArchive();
  const artifact = await shared.elsewhere("v1", shared.world.source);
  await shared.years(shared.ours, shared.args("2026-04-01"));
  const sources = [
    "",
    "oci:some place",
    "x".repeat(100_000),
    ...Array.from({ length: 1_000 }, (_, n) => `elsewhere.example/${n}`),
  ];
  await claim(
    shared.world.archive,
    {
      type: "archived",
      subject: artifact,
      predicate: { archivedAt: "2026-05-01T00:00:00Z", sources },
      audience: "internal",
    },
    stranger,
  );
  await shared.years(
    shared.ours,
    shared.args("2028-01-01"),
    shared.args("2028-01-02"),
    shared.args("2028-01-03"),
  );
  assert.equal(decided(shared.ours.outputs, artifact), "archived keep");
  assert.match(
    ruleOf(shared.ours.outputs, artifact),
    /that is over, but it was archived from an unnamed place too, for another policy$/,
  );
  assert.ok(JSON.stringify(shared.ours.outputs).length < 10_000);
  assert.equal(await shared.world.archive.has(artifact), true);
});

describe("a source that is not named any more", () => {
  const both = { sources: [SOURCE, OTHER] };

  test("keeps what came from it, for that it may be another policy's now", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("tool");
    await shared.years(
      shared.ours,
      shared.args("2026-04-01", both),
      shared.args("2028-01-01"),
      shared.args("2028-01-02"),
      shared.args("2028-01-03"),
    );
    assert.equal(decided(shared.ours.outputs, artifact), "archived keep");
    assert.match(
      ruleOf(shared.ours.outputs, artifact),
      /^it was archived from other\.example\/acme\/tools, for another policy$/,
    );
    assert.equal(await shared.world.archive.has(artifact), true);
    assert.equal(await shared.ours.up(shared.args("2028-01-04")), "same");
  });

  test("keeps nothing where the record has this policy's name, also where its state is lost", async () => {
    for (const forget of [false, true]) {
      const shared = new SharedArchive();
      const artifact = await shared.elsewhere("tool");
      const self = "acme/prod/archive";
      await shared.years(shared.ours, shared.args("2026-04-01", { ...both, self }));
      await shared.years(
        forget ? shared.world.life() : shared.ours,
        shared.args("2028-01-01", { self }),
        shared.args("2028-01-02", { self }),
      );
      assert.equal(await shared.world.archive.has(artifact), false, `forgotten: ${forget}`);
    }
  });
});

describe("two policies with names", () => {
  const [production, staging] = [{ self: "acme/prod/archive" }, { self: "acme/staging/archive" }];

  test("are told apart although they share a source: each has its own record, and none takes away what the other has", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    const short = { ...staging, deployments: { environments: ["production"] } };
    await shared.years(shared.theirs, shared.args("2026-04-01", short));
    const ours = { ...production, retain: { for: "10y" }, release: "after-archive" };
    await shared.years(
      shared.ours,
      ...["2026-04-02", "2026-04-03", "2026-04-04"].map((asOf) => shared.args(asOf, ours)),
    );
    assert.equal(
      await shared.world.source.has(artifact),
      false,
      "ours has archived it too, and released it",
    );
    await shared.years(
      shared.theirs,
      ...["2028-01-01", "2028-01-02", "2028-01-03"].map((asOf) => shared.args(asOf, short)),
    );
    assert.equal(await shared.world.archive.has(artifact), true);
    assert.match(
      ruleOf(shared.theirs.outputs, artifact),
      /archived from registry\.example\/acme\/app \(by acme\/prod\/archive\) too, for another policy$/,
    );
    assert.equal(await shared.theirs.up(shared.args("2028-01-04", short)), "same");
  });

  test("are the same ones under another name of the resource, but not under another name that is given", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    await shared.years(shared.ours, shared.args("2026-04-01", production));
    assert.equal(await shared.ours.up(shared.args("2026-04-02", staging)), "same");
    assert.equal(shared.ours.outputs["policy"], production.self);
    assert.equal(
      decided(
        (await shared.ours.preview(shared.args("2026-04-02", { ...production, policy: "another" })))
          .planned,
        artifact,
      ),
      "to-archive archive",
    );
    await shared.years(
      shared.ours,
      shared.args("2028-01-01", staging),
      shared.args("2028-01-02", staging),
    );
    assert.equal(await shared.world.archive.has(artifact), false);
  });

  test("have names that can be written", async () => {
    const shared = new SharedArchive();
    for (const policy of ["", "two words", "x".repeat(257), "\n"])
      await assert.rejects(
        shared.ours.preview(shared.args("2026-04-01", { policy })),
        (error) => error instanceof Refused && error.failures[0]?.property === "policy",
      );
  });
});

describe("the records in a shared archive", () => {
  const aYearThere = { onExpiry: "purge", retain: { for: "1y", from: "archived" } };

  test("of another policy do not have archived again what was purged", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    await shared.years(
      shared.ours,
      ...["2026-04-01", "2028-01-01", "2028-01-02", "2028-01-03"].map((asOf) =>
        shared.args(asOf, aYearThere),
      ),
    );
    assert.equal(await shared.world.archive.has(artifact), false);
    await shared.elsewhere("v1");
    await shared.years(shared.theirs, shared.theirArgs("2028-02-01"));
    assert.equal(
      decided((await shared.ours.preview(shared.args("2028-02-02", aYearThere))).planned, artifact),
      "purged keep",
    );
  });

  test("say where an artifact came from although no source has it any more", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    const { archive } = shared.world;
    const ours = { retain: { for: "10y" }, release: "after-archive" };
    await shared.years(
      shared.ours,
      ...["2026-04-01", "2026-04-02", "2026-04-03"].map((asOf) => shared.args(asOf, ours)),
    );
    assert.equal(await shared.world.source.has(artifact), false);
    for (const record of (await archive.referrers(artifact.digest)).filter(({ annotations }) =>
      JSON.stringify(annotations ?? {}).includes("archived"),
    )) {
      for (const signature of await archive.referrers(record.digest))
        await archive.deleteManifest(signature);
      await archive.deleteManifest(record);
    }
    await shared.years(
      shared.ours,
      shared.args("2026-05-01", ours),
      shared.args("2026-05-02", ours),
    );
    assert.ok(
      Object.values(entryOf(shared.ours.outputs, artifact.digest)?.evidence ?? {}).includes(
        `archived 2026-05-01T00:00:00Z ${SOURCE}`,
      ),
    );
    await shared.years(
      shared.theirs,
      ...["2028-01-01", "2028-01-02", "2028-01-03"].map((asOf) =>
        shared.args(asOf, { sources: [OTHER] }),
      ),
    );
    assert.equal(await archive.has(artifact), true);
  });

  test("that a version before has put into the state without sources are read again, also when their signer's certificate has ended", async () => {
    for (const later of [false, true]) {
      const shared = new SharedArchive();
      const artifact = await shared.elsewhere("tool");
      let now = new Date();
      const ours = shared.world.life(() => now);
      await shared.years(
        shared.theirs,
        shared.theirArgs("2026-04-01", { retain: { for: "100y" } }),
      );
      await shared.years(ours, shared.args("2026-04-02", { sources: [SOURCE, OTHER] }));
      for (const state of [ours.outputs, ours.inputs]) {
        const evidence = entryOf(state ?? {}, artifact.digest)?.evidence ?? {};
        for (const [digest, text] of Object.entries(evidence) as [Digest, string][])
          if (text.startsWith("archived "))
            evidence[digest] = text.split(" ").slice(0, 2).join(" ");
      }
      if (later) now = new Date("2090-01-01");
      const valid = later ? { signer: stranger.signer, trust: trustOf(acme, stranger) } : {};
      await shared.years(
        ours,
        ...["2028-01-01", "2028-01-02", "2028-01-03"].map((asOf) => shared.args(asOf, valid)),
      );
      assert.equal(await shared.world.archive.has(artifact), true, `later: ${later}`);
    }
  });

  test("by a stranger, that name a source of ours, keep nothing, however many come", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    await shared.years(shared.ours, shared.args("2026-04-01"));
    for (const day of [1, 2, 3]) {
      await claim(
        shared.world.archive,
        {
          type: "archived",
          subject: artifact,
          predicate: { archivedAt: `2026-05-0${day}T00:00:00Z`, sources: [SOURCE] },
          audience: "internal",
        },
        stranger,
      );
      await shared.years(shared.ours, shared.args(`2028-01-0${day}`));
    }
    assert.equal(await shared.world.archive.has(artifact), false);
  });

  test("do not fill the state, neither many by a stranger nor a long one that is believed", async () => {
    const shared = new SharedArchive();
    const artifact = await shared.elsewhere("v1", shared.world.source);
    await shared.years(shared.ours, shared.args("2026-04-01"));
    const record = (sources: string[]) =>
      ({
        type: "archived",
        subject: artifact,
        predicate: { archivedAt: "2026-05-01T00:00:00Z", sources },
        audience: "internal",
      }) as const;
    for (let n = 0; n < 12; n++)
      await claim(shared.world.archive, record([`${n}`.padEnd(600, "x")]), stranger);
    await shared.years(shared.ours, shared.args("2026-06-01"));
    assert.equal(
      Object.values(entryOf(shared.ours.outputs, artifact.digest)?.evidence ?? {}).filter((text) =>
        text.startsWith("claimed "),
      ).length,
      3,
    );
    await claim(
      shared.world.archive,
      record(Array.from({ length: 2_000 }, (_, n) => `elsewhere.example/${n}-`.padEnd(600, "z"))),
      acme,
    );
    const forgetful = shared.world.life();
    await shared.years(forgetful, shared.args("2026-06-02"));
    const entry = entryOf(forgetful.outputs, artifact.digest);
    assert.deepEqual(Object.keys(entry?.tags ?? {}), [SOURCE]);
    assert.ok(JSON.stringify(entry).length < 150_000, String(JSON.stringify(entry).length));
  });
});
