// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { packClaim } from "../../provider/claims/index";
import type { MemoryStore } from "../../provider/content/memory";
import { pushArtifact } from "../../provider/content/pack";
import type { Store } from "../../provider/content/storage";
import type { Descriptor } from "../../provider/oci/descriptor";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties } from "../../provider/world/reconciler";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import {
  claim,
  MemoryStores,
  publish,
  quickParty,
  trustOf,
  type Party,
} from "../harness/memory-world";
import { failsWith } from "../harness/failure";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");

const HERE = "registry.example/wabbit/app";
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const ACME = "x509.subject: C=US, ST=WA, O=ACME Rockets";
const CANNOT_BE_TOLD =
  /lifecycle\.revocation: unmet: not revoked: cannot be told, sha256:[0-9a-f]{64} is inconclusive: it is signed by CN=Wabbit .*, and what it says cannot be read: .*BLOB_UNKNOWN.*\[SIGNATURE_INCONCLUSIVE\]/;

/** Takes the statement out of a claim, as a registry that lost a blob. */
async function lose(store: MemoryStore, claimed: Descriptor): Promise<void> {
  const manifest = await store.manifest(claimed);
  if (manifest.kind === "manifest")
    for (const layer of manifest.value.layers) await store.deleteBlob(layer);
}

class World {
  readonly stores = new MemoryStores();
  readonly store = this.stores.at(HERE);
  /** Put in front of the store that resources see. */
  seen(wrap: (store: MemoryStore) => Store): void {
    this.stores.wrap = wrap;
  }

  args({ digest }: Descriptor, overrides: Properties = {}): Properties {
    return {
      artifact: `${HERE}@${digest}`,
      trust: trustOf(wabbit, acme),
      lifecycleIssuers: { revocation: [WABBIT], endOfLife: [WABBIT] },
      ...overrides,
    };
  }

  gate(): Life {
    return new Life(verification, { folder: "/nonexistent", world: { stores: this.stores } });
  }

  async lost(
    subject: Descriptor,
    type: string,
    predicate: unknown,
    by: Party | null,
  ): Promise<Descriptor> {
    const { descriptor } = (
      await claim(this.store, { type, subject, predicate, audience: "public" }, by)
    ).manifest;
    await lose(this.store, descriptor);
    return descriptor;
  }
}

const revokes = ({ digest }: Descriptor): object => ({ target: digest, reason: "CVE-2026-2000" });
const passed = { result: "PASSED", configuration: [{ name: "unit" }] };

describe("a signed revocation whose statement the registry has lost", () => {
  test("leaves a verification unmet, as nobody can tell what it says, and up fails", async () => {
    const world = new World();
    const v1 = await publish(world.store, "v1", wabbit);
    const gate = world.gate();
    await gate.up(world.args(v1));
    assert.equal(gate.outputs["reference"], `${HERE}@${v1.digest}`);
    const revocation = await world.lost(v1, "revocation", revokes(v1), wabbit);
    const { planned } = await gate.preview(world.args(v1));
    assert.equal(planned["reference"], undefined);
    assert.match(gate.warnings.join("\n"), CANNOT_BE_TOLD);
    assert.match(
      (planned["claims"] as Record<string, { status: string }>)[revocation.digest]?.status ?? "",
      /^inconclusive: /,
    );
    await assert.rejects(
      gate.up(world.args(v1)),
      (error) => CANNOT_BE_TOLD.test(String(error)) && /\[VERIFICATION_UNMET\]/.test(String(error)),
    );
    // The store finds it again.
    await pushArtifact(
      world.store,
      packClaim({ type: "revocation", subject: v1, predicate: revokes(v1), audience: "public" }),
      { deep: true },
    );
    await gate.preview(world.args(v1));
    assert.match(gate.warnings.join("\n"), /unmet: not revoked: revoked by .*: CVE-2026-2000$/);
  });

  test("is told from a signed manifest, not from the list of referrers", async () => {
    const world = new World();
    const v1 = await publish(world.store, "v1", wabbit);
    const revocation = await world.lost(v1, "revocation", revokes(v1), wabbit);
    world.seen(
      (store) =>
        new Proxy<Store>(store, {
          get: (target, name) => {
            const member: unknown = Reflect.get(target, name, target);
            if (name === "referrers")
              return async (subject: Descriptor["digest"]) =>
                (await target.referrers(subject)).map((each) =>
                  each.digest === revocation.digest
                    ? {
                        mediaType: each.mediaType,
                        digest: each.digest,
                        size: each.size,
                        artifactType: "application/vnd.in-toto+json",
                      }
                    : each,
                );
            return typeof member === "function"
              ? (member as (...args: unknown[]) => unknown).bind(target)
              : member;
          },
        }),
    );
    const gate = world.gate();
    await gate.preview(world.args(v1));
    assert.match(gate.warnings.join("\n"), CANNOT_BE_TOLD);
  });

  test("is refused by a promotion as well, which moves nothing", async () => {
    const world = new World();
    const v1 = await publish(world.store, "v1", wabbit);
    await world.lost(v1, "revocation", revokes(v1), wabbit);
    const to = world.stores.at("registry.example/acme/app");
    const life = new Life(promotion, { folder: "/nonexistent", world: { stores: world.stores } });
    const args = world.args(v1, {
      environment: "production",
      to: to.name,
      tag: "prod",
      signer: acme.signer,
      asOf: "2026-01-01",
    });
    assert.match(String((await life.preview(args)).planned["unmet"]), CANNOT_BE_TOLD);
    await assert.rejects(life.up(args), failsWith("VERIFICATION_UNMET"));
    assert.deepEqual([await to.tags(), await to.has(v1)], [[], false]);
  });

  test("holds up nothing where it would count for nothing: by strangers, unsigned, or by those who may not revoke what is relied on", async () => {
    for (const by of [acme, stranger, null]) {
      const world = new World();
      const v1 = await publish(world.store, "v1", wabbit);
      const lost = await world.lost(v1, "revocation", revokes(v1), by);
      const gate = world.gate();
      const { planned } = await gate.preview(world.args(v1));
      assert.equal(planned["reference"], `${HERE}@${v1.digest}`);
      const { status = "" } =
        (planned["claims"] as Record<string, { status: string }>)[lost.digest] ?? {};
      assert.match(
        status,
        by === acme
          ? /^untrusted: its signer, .*ACME Rockets.*, is not among those who may issue a revocation here$/
          : by === null
            ? /^unsigned: /
            : /^untrusted: /,
      );
    }
  });

  test("may be about a claim of its issuer: what rests on one is not verified then", async () => {
    const world = new World();
    const v1 = await publish(world.store, "v1", wabbit);
    const tested = await claim(
      world.store,
      { type: "test-result", subject: v1, predicate: passed, audience: "public" },
      acme,
    );
    const args = world.args(v1, { require: [{ type: "test-result", issuer: ACME }] });
    const gate = world.gate();
    assert.equal((await gate.preview(args)).planned["reference"], `${HERE}@${v1.digest}`);
    // Wabbit may not revoke what ACME says, so its noise beside ACME's claim changes nothing.
    const other = { lifecycleIssuers: { revocation: [] } };
    await world.lost(
      tested.manifest.descriptor,
      "revocation",
      { target: tested.manifest.descriptor.digest, reason: "noise" },
      wabbit,
    );
    assert.equal(
      (await gate.preview({ ...args, ...other })).planned["reference"],
      `${HERE}@${v1.digest}`,
    );
    await world.lost(
      tested.manifest.descriptor,
      "revocation",
      { target: tested.manifest.descriptor.digest, reason: "it never ran" },
      acme,
    );
    assert.equal((await gate.preview({ ...args, ...other })).planned["reference"], undefined);
    assert.match(gate.warnings.join(), /lifecycle\.revocation: unmet: not revoked: cannot be told/);
  });

  test("so with an end of life; of other claims, what is lost is not there", async () => {
    const world = new World();
    const v1 = await publish(world.store, "v1", wabbit);
    const end = await world.lost(v1, "endOfLife", { date: "2030-01-01" }, acme);
    await world.lost(v1, "test-result", passed, wabbit);
    const gate = world.gate();
    const { planned } = await gate.preview(world.args(v1));
    assert.equal(planned["reference"], `${HERE}@${v1.digest}`);
    assert.match(
      (planned["claims"] as Record<string, { status: string }>)[end.digest]?.status ?? "",
      /^untrusted: its signer, .*ACME/,
    );
    await world.lost(v1, "endOfLife", { date: "2031-01-01" }, wabbit);
    assert.deepEqual((await gate.preview(world.args(v1))).planned["reference"], undefined);
    assert.match(
      gate.warnings.join(),
      /lifecycle\.endOfLife: unmet: not past its end of life: cannot be told/,
    );
  });

  test("so with a claim that is denied, by an issuer whose claims are", async () => {
    const world = new World();
    const v1 = await publish(world.store, "v1", wabbit);
    await world.lost(v1, "test-result", { ...passed, result: "FAILED" }, wabbit);
    const gate = world.gate();
    const denying = (issuer: string) =>
      world.args(v1, {
        deny: [{ type: "test-result", issuer, condition: 'predicate.result == "FAILED"' }],
      });
    assert.equal(
      (await gate.preview(denying(ACME))).planned["reference"],
      `${HERE}@${v1.digest}`,
      "nobody denies what that issuer says",
    );
    assert.equal((await gate.preview(denying(WABBIT))).planned["reference"], undefined);
    assert.match(
      gate.warnings.join(),
      /deny\[0\]: unmet: no claim of type test-result .*: sha256:[0-9a-f]{64}: cannot be told, .*BLOB_UNKNOWN|deny\[0\]: unmet: no claim of type test-result .*cannot be told/,
    );
    await assert.rejects(gate.up(denying(WABBIT)), failsWith("VERIFICATION_UNMET"));
  });
});
