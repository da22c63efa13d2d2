// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Store } from "../../provider/content/storage";
import type { Descriptor } from "../../provider/oci/descriptor";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties } from "../../provider/world/reconciler";
import { tagDigest } from "../../provider/world/tags";
import { Life } from "../harness/life";
import {
  claim,
  MemoryStores,
  publish,
  quickParty,
  trustOf,
  type Party,
} from "../harness/memory-world";
import { codeOf, failsWith } from "../harness/failure";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");

const FROM = "registry.example/wabbit/app";
const TO = "registry.example/acme/app";
const BY_WABBIT =
  "revoked by CN=Wabbit Networks Signing,O=Wabbit Networks,ST=WA,C=US: CVE-2026-2000";

class World {
  readonly stores = new MemoryStores();
  readonly source = this.stores.at(FROM);
  readonly to = this.stores.at(TO);

  life(now?: () => Date): Life {
    return new Life(promotion, {
      folder: "/nonexistent",
      world: { stores: this.stores },
      ...(now === undefined ? {} : { now }),
    });
  }

  args({ digest }: Descriptor, asOf: string, overrides: Properties = {}): Properties {
    const lifecycleIssuers = { revocation: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"] };
    return {
      artifact: `${FROM}@${digest}`,
      environment: "production",
      to: TO,
      tag: "prod",
      signer: acme.signer,
      trust: trustOf(wabbit, acme),
      lifecycleIssuers,
      asOf,
      ...overrides,
    };
  }
}

async function revoke(
  store: Store,
  artifact: Descriptor,
  by: Party | null = wabbit,
  more: { since?: string; reason?: string } = {},
): Promise<Descriptor> {
  const predicate = { target: artifact.digest, reason: "CVE-2026-2000", ...more };
  return (
    await claim(store, { type: "revocation", subject: artifact, predicate, audience: "public" }, by)
  ).manifest.descriptor;
}

function runs({ digest }: Descriptor, why = BY_WABBIT): string {
  return `environment production still runs ${digest} (prod), ${why}`;
}

describe("a promotion of what is revoked", () => {
  test("is refused: the preview says why and by whom, up fails with VERIFICATION_UNMET and moves nothing", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    await revoke(world.source, v2);
    const { op, planned } = await life.preview(world.args(v2, "2016-02-01"));
    assert.equal(op, "update");
    assert.deepEqual((planned["verdict"] as { requirements: object }).requirements, {
      "lifecycle.revocation": `unmet: not revoked: ${BY_WABBIT}`,
    });
    assert.deepEqual(
      [planned["verified"], planned["unmet"], planned["record"]],
      [false, [`lifecycle.revocation: unmet: not revoked: ${BY_WABBIT}`], undefined],
    );
    assert.deepEqual(life.warnings, [
      `${FROM}@${v2.digest} is not promoted: lifecycle.revocation: unmet: not revoked: ${BY_WABBIT}`,
    ]);
    const before = await world.to.referrers(v1.digest);
    await assert.rejects(
      life.up(world.args(v2, "2016-02-01")),
      codeOf("VERIFICATION_UNMET", /is not promoted: lifecycle\.revocation: unmet:/),
    );
    assert.deepEqual(
      [
        await tagDigest(world.to, "prod"),
        await world.to.has(v2),
        await world.to.referrers(v1.digest),
      ],
      [v1.digest, false, before],
    );
  });

  test("is refused as well where only the place it would go to knows of the revocation, until that is taken back there", async () => {
    const world = new World();
    const v1 = await publish(world.source, "v1", wabbit);
    const revocation = await revoke(world.to, v1);
    const life = world.life();
    const args = world.args(v1, "2016-01-01");
    assert.deepEqual((await life.preview(args)).planned["unmet"], [
      `lifecycle.revocation: unmet: not revoked: ${BY_WABBIT}`,
    ]);
    await assert.rejects(life.up(args), failsWith("VERIFICATION_UNMET"));
    // It is taken back at the other place, and that counts here too.
    await revoke(world.source, v1);
    await claim(
      world.source,
      {
        type: "revocation",
        subject: v1,
        predicate: { target: revocation.digest, reason: "a mistake" },
        audience: "public",
      },
      wabbit,
    );
    assert.equal(await life.up(args), "create");
  });

  test("is not refused by those who may not revoke, or did not sign, or whose time has not come", async () => {
    const world = new World();
    const v1 = await publish(world.source, "v1", wabbit);
    for (const store of [world.source, world.to]) {
      for (const [index, by] of [acme, stranger, null].entries())
        await revoke(store, v1, by, { reason: `sabotage ${index}` });
      await revoke(store, v1, wabbit, { since: "2999-01-01T00:00:00Z" });
    }
    const life = world.life();
    const args = world.args(v1, "2016-01-01");
    assert.equal((await life.preview(args)).planned["verified"], true);
    assert.equal(await life.up(args), "create");
    assert.equal(await life.up(args), "same");
    assert.equal(life.outputs["revoked"], undefined);
  });

  test("a rollback to it is refused, and destroy demotes what is revoked", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    await life.up(world.args(v2, "2016-02-01"));
    await revoke(world.source, v1);
    assert.match(
      String((await life.preview(world.args(v1, "2016-03-01"))).planned["unmet"]),
      /lifecycle\.revocation: unmet: not revoked: revoked by .*Wabbit/,
    );
    await assert.rejects(life.up(world.args(v1, "2016-03-01")), failsWith("VERIFICATION_UNMET"));
    await assert.rejects(
      world.life().up(world.args(v1, "2016-03-01")),
      failsWith("VERIFICATION_UNMET"),
      "whatever the state remembers",
    );
    assert.equal(await tagDigest(world.to, "prod"), v2.digest);
    const other = world.life();
    await other.up(world.args(v2, "2016-04-01"));
    await revoke(world.source, v2);
    await other.destroy();
    assert.deepEqual(await world.to.tags(), []);
    assert.ok(await world.to.has(v2));
    await assert.rejects(
      world.life().up(world.args(v2, "2016-05-01")),
      failsWith("VERIFICATION_UNMET"),
      "what was demoted does not come back",
    );
  });
});

describe("an environment that runs what is revoked", () => {
  test("is named in every preview and refresh, by digest, tag and reason, until it is replaced", async () => {
    for (const place of ["source", "to"] as const) {
      const world = new World();
      const [v1, v2] = [
        await publish(world.source, "v1", wabbit),
        await publish(world.source, "v2", wabbit),
      ];
      const life = world.life();
      await life.up(world.args(v1, "2016-01-01"));
      await revoke(world[place], v1);
      const { op, planned, changed } = await life.preview(world.args(v1, "2016-02-01"));
      assert.deepEqual([op, changed.includes("revoked")], ["update", true], place);
      assert.deepEqual(planned["revoked"], { [v1.digest]: runs(v1) });
      assert.deepEqual(life.warnings, [
        `${FROM}@${v1.digest} is promoted, and would not be now: lifecycle.revocation: unmet: not revoked: ${BY_WABBIT}`,
        runs(v1),
      ]);
      assert.deepEqual(await life.refresh(), ["against", "revoked"]);
      assert.deepEqual(life.warnings, [runs(v1)]);
      assert.equal(
        (await life.preview(world.args(v1, "2016-02-01"))).op,
        "update",
        "as long as it runs, nothing is settled",
      );
      const tidy = [
        await tagDigest(world.to, "prod"),
        (await world.to.referrers(v1.digest)).length,
      ];
      assert.equal(await life.up(world.args(v1, "2016-02-01")), "update");
      assert.equal(tidy[0], await tagDigest(world.to, "prod"));
      assert.equal((life.outputs["history"] as unknown[]).length, 1, "it is not promoted again");
      const fixing = await life.preview(world.args(v2, "2016-03-01"));
      assert.equal(fixing.planned["revoked"], undefined);
      assert.deepEqual(life.warnings, [`${runs(v1)}; this promotion replaces it by ${v2.digest}`]);
      await life.up(world.args(v2, "2016-03-01"));
      assert.equal(await tagDigest(world.to, "prod"), v2.digest);
      assert.equal(await life.up(world.args(v2, "2016-03-02")), "same");
      assert.deepEqual(await life.refresh(), []);
      assert.deepEqual(life.warnings, []);
    }
  });

  test("goes on being named where the artifact that was to replace it is refused", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", stranger),
    ];
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    await revoke(world.source, v1);
    assert.deepEqual((await life.preview(world.args(v2, "2016-02-01"))).planned["revoked"], {
      [v1.digest]: runs(v1),
    });
  });

  test("is not given back what is revoked after somebody else has moved its tag away", async () => {
    const world = new World();
    const [v1, other] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.to, "other", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, "2016-01-01"));
    await world.to.tag(await world.to.manifest(other), "prod");
    await revoke(world.source, v1);
    await life.refresh();
    const { planned } = await life.preview(world.args(v1, "2016-02-01"));
    assert.deepEqual([planned["verified"], planned["revoked"]], [false, undefined]);
    await assert.rejects(life.up(world.args(v1, "2016-02-01")), failsWith("VERIFICATION_UNMET"));
    assert.equal(await tagDigest(world.to, "prod"), other.digest);
  });
});

describe("the state of a promotion that is refused", () => {
  test("has the bad verdict and no reference, and still describes what the environment runs", async () => {
    const world = new World();
    const [v1, v2] = [
      await publish(world.source, "v1", wabbit),
      await publish(world.source, "v2", wabbit),
    ];
    const life = world.life();
    await life.up(world.args(v1, "2026-01-01"));
    assert.equal(life.outputs["reference"], `${TO}@${v1.digest}`);
    const revocation = await revoke(world.source, v2);
    await assert.rejects(life.up(world.args(v2, "2026-02-01")), /VERIFICATION_UNMET/);
    const { reference, verified, digest, tagged, unmet } = life.outputs;
    assert.deepEqual(
      [reference, verified, digest, tagged],
      [undefined, false, v1.digest, { prod: v1.digest }],
    );
    assert.match(JSON.stringify(unmet), /revoked by CN=Wabbit/);
    assert.match(JSON.stringify(life.outputs["verdict"]), new RegExp(v2.digest));
    // What was said counts although the list does not say it any more.
    const hidden = revocation.digest;
    world.stores.wrap = (behind) =>
      new Proxy<Store>(behind, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name, target);
          if (name === "referrers")
            return async (subject: Descriptor["digest"]) =>
              (await target.referrers(subject)).filter((each) => each.digest !== hidden);
          return typeof member === "function"
            ? (member as (...args: unknown[]) => unknown).bind(target)
            : member;
        },
      });
    assert.equal((await life.preview(world.args(v2, "2026-02-01"))).planned["verified"], false);
    assert.equal(
      (await world.life().preview(world.args(v2, "2026-02-01"))).planned["verified"],
      true,
      "who has not seen it cannot tell",
    );
    // Back to what runs: nothing is to be done but to record it.
    assert.equal(await life.up(world.args(v1, "2026-01-01")), "update");
    assert.equal(life.outputs["reference"], `${TO}@${v1.digest}`);
    assert.equal(await life.up(world.args(v1, "2026-01-01")), "same");
    await life.destroy();
    assert.deepEqual(await world.to.tags(), []);
  });
});
