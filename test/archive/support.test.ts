// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import { parseManifest } from "../../provider/oci/manifest";
import type { Properties } from "../../provider/world/reconciler";
import { ArchiveWorld, acme, decided, entryOf, ruleOf, stranger } from "./world";
import type { Life } from "../harness/life";
import { claim, quickParty, sign, trustOf, type Party } from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const ROOTED = { identity: WABBIT, roots: [wabbit.root.pem] };
const ACME = "x509.subject: C=US, ST=WA, O=ACME Rockets";

/**
 * One artifact, in production until 2020-02-01 and archived since 2021, under a policy that counts
 * a year from the end of support.
 */
class Supported {
  readonly world = new ArchiveWorld();
  readonly life: Life;

  constructor(
    readonly overrides: Properties = {},
    now?: () => Date,
  ) {
    this.life = this.world.life(now);
  }

  args(asOf: string, overrides: Properties = {}): Properties {
    return this.world.args(asOf, {
      onExpiry: "purge",
      retain: { for: "1y", from: "end-of-support" },
      trust: trustOf(acme, wabbit),
      lifecycleIssuers: { endOfLife: [WABBIT] },
      ...this.overrides,
      ...overrides,
    });
  }

  async arrange(): Promise<Descriptor> {
    const artifact = await this.world.deployed("v1", { from: "2020-01-01", until: "2020-02-01" });
    await this.life.up(this.args("2021-01-01"));
    return artifact;
  }

  async ends(artifact: Descriptor, date: string, by: Party | null): Promise<Descriptor> {
    return (
      await claim(
        this.world.source,
        { type: "endOfLife", subject: artifact, predicate: { date }, audience: "public" },
        by,
      )
    ).manifest.descriptor;
  }

  /** What a run at that time would do. */
  async at(artifact: Descriptor, asOf: string, overrides: Properties = {}): Promise<string> {
    return decided((await this.life.preview(this.args(asOf, overrides))).planned, artifact);
  }
}

describe("an archive policy that counts from the end of support", () => {
  test("counts from the end of life that an allowed issuer has signed, and shows from when to when", async () => {
    const supported = new Supported();
    const artifact = await supported.arrange();
    assert.equal(
      await supported.at(artifact, "2040-01-01"),
      "archived keep",
      "nobody has announced an end",
    );
    await supported.ends(artifact, "2025-01-01", wabbit);
    assert.equal(await supported.at(artifact, "2025-12-31"), "archived keep");
    const { planned } = await supported.life.preview(supported.args("2026-01-02"));
    assert.equal(decided(planned, artifact), "expired mark");
    assert.equal(entryOf(planned, artifact.digest)?.retainUntil, "2026-01-01T00:00:00Z");
    assert.ok(
      Object.values(entryOf(planned, artifact.digest)?.evidence ?? {}).includes(
        "end-of-life 2025-01-01T00:00:00Z",
      ),
    );
    await supported.life.up(supported.args("2026-01-02"));
    await supported.life.up(supported.args("2026-01-03"));
    assert.equal(decided(supported.life.outputs, artifact), "purged keep");
  });

  test("is not shortened by an issuer who may not say so, a stranger, or nobody's signature; the preview says whose word was ignored", async () => {
    const supported = new Supported();
    const artifact = await supported.arrange();
    for (const [index, by] of [acme, stranger, null].entries()) {
      const ended = await supported.ends(artifact, `2021-06-0${index + 1}`, by);
      await sign(supported.world.source, ended, stranger);
    }
    assert.equal(await supported.at(artifact, "2040-01-01"), "archived keep");
    const warnings = supported.life.warnings.join("\n");
    assert.match(
      warnings,
      /a claim about endOfLife does not count: its signer, .*ACME Rockets.*, is not among those who may issue an endOfLife here/,
    );
    assert.match(warnings, /a claim about endOfLife does not count: .*SIGNATURE_UNTRUSTED/);
    for (const asOf of ["2040-01-01", "2040-01-02", "2040-01-03"])
      await supported.life.up(supported.args(asOf));
    assert.ok(await supported.world.archive.has(artifact));
  });

  test("without a list, everybody whom trust trusts may end support", async () => {
    const supported = new Supported({ lifecycleIssuers: {} });
    const artifact = await supported.arrange();
    await supported.ends(artifact, "2021-06-01", acme);
    assert.equal(await supported.at(artifact, "2040-01-01"), "expired mark");
  });

  test("of several dates the latest counts", async () => {
    const supported = new Supported();
    const artifact = await supported.arrange();
    await supported.ends(artifact, "2025-01-01", wabbit);
    await supported.ends(artifact, "2030-01-01", wabbit);
    assert.equal(await supported.at(artifact, "2029-01-01"), "archived keep");
    assert.equal(await supported.at(artifact, "2031-01-02"), "expired mark");
  });

  test("unsure is keep: revoked beside the claim or beside the artifact, content lost, another claim that is listed as one", async () => {
    const beside = async (where: "claim" | "artifact", by: Party): Promise<string> => {
      const supported = new Supported();
      const artifact = await supported.arrange();
      const ended = await supported.ends(artifact, "2025-01-01", wabbit);
      await claim(
        supported.world.source,
        {
          type: "revocation",
          subject: where === "claim" ? ended : artifact,
          predicate: { target: ended.digest, reason: "too early" },
          audience: "public",
        },
        by,
      );
      return supported.at(artifact, "2040-01-01");
    };
    for (const by of [wabbit, acme])
      for (const where of ["claim", "artifact"] as const)
        assert.equal(await beside(where, by), "archived keep", `${where}`);
    assert.equal(await beside("claim", stranger), "expired mark", "what a stranger revokes stands");

    const lost = new Supported();
    const artifact = await lost.arrange();
    const ended = await lost.world.source.manifest(await lost.ends(artifact, "2025-01-01", wabbit));
    if (ended.kind === "manifest")
      for (const layer of ended.value.layers) await lost.world.source.deleteBlob(layer);
    assert.match(await lost.at(artifact, "2040-01-01"), / keep$/);
    assert.match(
      ruleOf((await lost.life.preview(lost.args("2040-01-01"))).planned, artifact),
      /^inconclusive: /,
    );

    const mislabelled = new Supported();
    const other = await mislabelled.arrange();
    const about = (
      await claim(
        mislabelled.world.source,
        {
          type: "https://wabbit.example/note/v1",
          subject: other,
          predicate: { date: "2025-01-01" },
          audience: "public",
        },
        wabbit,
      )
    ).manifest.descriptor;
    const referrers = mislabelled.world.source.referrers.bind(mislabelled.world.source);
    mislabelled.world.source.referrers = async (subject) =>
      (await referrers(subject)).map((each) =>
        each.digest === about.digest
          ? {
              ...each,
              annotations: { "dev.consign.claim.type": "https://consign.dev/claims/endOfLife/v1" },
            }
          : each,
      );
    assert.equal(await mislabelled.at(other, "2040-01-01"), "archived keep");
  });

  test("who may end support can change: what was recorded of others does not count any more, and a mark leads to nothing", async () => {
    const supported = new Supported();
    const artifact = await supported.arrange();
    await supported.ends(artifact, "2025-01-01", wabbit);
    await supported.life.up(supported.args("2026-01-02"));
    assert.equal(decided(supported.life.outputs, artifact), "expired mark");
    const narrower = { lifecycleIssuers: { endOfLife: [ACME] } };
    assert.equal(await supported.at(artifact, "2026-01-03", narrower), "archived keep");
    await supported.life.up(supported.args("2026-01-03", narrower));
    assert.ok(await supported.world.archive.has(artifact));
    const recorded = supported.args("2026-01-04", { ...narrower, observe: "refresh" });
    await supported.life.up(recorded);
    assert.ok(
      await supported.world.archive.has(artifact),
      "neither where plans are made from what is recorded",
    );
  });
});

describe("a hold by a claim", () => {
  const HOLD = "https://acme.example/litigation/v1";
  const held = async (
    predicate: (target: string) => Record<string, string>,
    by: Party | (Party | Party[])[],
    overrides: Properties = {},
    cosigner?: Party,
  ): Promise<string> => {
    const supported = new Supported({
      retain: { for: "1y", holds: [{ claim: HOLD }] },
      ...overrides,
    });
    const artifact = await supported.world.deployed("v1", {
      from: "2020-01-01",
      until: "2020-02-01",
    });
    const hold = (
      await claim(
        supported.world.source,
        { type: HOLD, subject: artifact, predicate: { case: "7/20" }, audience: "internal" },
        acme,
      )
    ).manifest.descriptor;
    if (cosigner !== undefined) await sign(supported.world.source, plainDescriptor(hold), cosigner);
    await supported.life.up(supported.args("2020-06-01"));
    for (const store of [supported.world.source, supported.world.archive]) {
      for (const [index, parties] of [by].flat().entries()) {
        const made = await claim(
          store,
          {
            type: "revocation",
            subject: hold,
            predicate: { ...predicate(hold.digest), reason: `settled, ${index}` },
            audience: "internal",
          },
          null,
        );
        for (const party of [parties].flat())
          await sign(
            store,
            parseManifest(made.manifest.bytes, made.manifest.descriptor.mediaType).descriptor,
            party,
          );
      }
    }
    return supported.at(artifact, "2022-01-01");
  };

  test("ends when its issuer revokes it, or one who may revoke for others, and then only in force", async () => {
    const settled = (target: string) => ({ target, reason: "settled" });
    assert.equal(await held(settled, acme), "expired mark");
    assert.equal(await held(settled, wabbit), "held keep");
    // To end another's hold under another root, the entry names the root under which it is meant.
    const mayRevoke = (...revocation: unknown[]) => ({ lifecycleIssuers: { revocation } });
    assert.equal(await held(settled, wabbit, mayRevoke(WABBIT)), "held keep");
    assert.equal(await held(settled, wabbit, mayRevoke(ROOTED)), "expired mark");
    const acmes = { ...ROOTED, roots: [acme.root.pem] };
    assert.equal(await held(settled, wabbit, mayRevoke(acmes)), "held keep");
    assert.equal(
      await held((target) => ({ ...settled(target), since: "2999-01-01T00:00:00Z" }), acme),
      "held keep",
    );
    assert.equal(await held(settled, stranger), "held keep");
  });

  test("that several have signed ends when each of them has revoked it, or one who may for others, whoever signs that as well", async () => {
    const settled = (target: string) => ({ target, reason: "settled" });
    for (const by of [acme, wabbit]) assert.equal(await held(settled, by, {}, wabbit), "held keep");
    for (const by of [[[acme, wabbit]], [acme, wabbit]])
      assert.equal(await held(settled, by, {}, wabbit), "expired mark");
    assert.equal(await held(settled, [[acme, stranger]]), "expired mark");
    for (const by of [[wabbit], [[wabbit, stranger]], [[wabbit, acme]]])
      assert.equal(
        await held(settled, by, { lifecycleIssuers: { revocation: [ROOTED] } }, wabbit),
        "expired mark",
      );
  });
});
