// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { packClaim } from "../../provider/claims/index";
import type { MemoryStore } from "../../provider/content/memory";
import { pushArtifact } from "../../provider/content/pack";
import { keySigner, packSignature, signEnvelope } from "../../provider/notation/index";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties } from "../../provider/world/reconciler";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import {
  claim,
  MemoryStores,
  party,
  publish,
  quickParty,
  sign,
  trustOf,
  type Party,
} from "../harness/memory-world";
import { failsWith } from "../harness/failure";

const DAY_MS = 86_400_000;
const days = (count: number): Date => new Date(Date.now() + count * DAY_MS);

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
/** Its certificate ends tomorrow. */
const brief = party("Brief Security", { notAfter: days(1) });
/** The same with a renewed one, of the same authority. */
const renewed: Party = {
  ...party("Brief Security", { notAfter: days(300), issuer: brief.root }),
  root: brief.root,
};
const HERE = "registry.example/wabbit/app";
const BRIEF = "x509.subject: C=US, ST=WA, O=Brief Security";
const passed = { result: "PASSED", configuration: [{ name: "unit" }] };
const CANNOT_BE_TOLD =
  /cannot be told, sha256:[0-9a-f]{64} is inconclusive: CN=Brief Security Signing.* signed it to last, and the certificate has ended, .*\[SIGNATURE_EXPIRED\]/;

let stores: MemoryStores;
let store: MemoryStore;
let v1: Descriptor;
beforeEach(async () => {
  stores = new MemoryStores();
  store = stores.at(HERE);
  v1 = await publish(store, "v1", wabbit);
});

const trust = trustOf(wabbit, acme, brief);

const args = (more: Properties = {}): Properties => ({
  artifact: `${HERE}@${v1.digest}`,
  trust,
  ...more,
});
const revokes = (target: Descriptor, more: object = {}): object => ({
  target: target.digest,
  reason: "CVE-2026-2000",
  ...more,
});

async function claimed(
  type: string,
  predicate: unknown,
  by: Party | null,
  subject = v1,
): Promise<Descriptor> {
  return plainDescriptor(
    (await claim(store, { type, subject, predicate, audience: "public" }, by)).manifest.descriptor,
  );
}

async function asked(
  inDays: number,
  more: Properties = {},
): Promise<{ verified: boolean; warnings: string }> {
  const gate = new Life(verification, {
    folder: "/nonexistent",
    world: { stores },
    now: () => days(inDays),
  });
  const { planned } = await gate.preview(args(more));
  return { verified: planned["reference"] !== undefined, warnings: gate.warnings.join("\n") };
}

describe("a revocation whose signer's certificate has ended", () => {
  test("leaves a verification unmet, as nobody has taken it back", async () => {
    await claimed("revocation", revokes(v1), brief);
    assert.match((await asked(0)).warnings, /revoked by CN=Brief Security/);
    const later = await asked(10);
    assert.equal(later.verified, false);
    assert.match(later.warnings, /lifecycle\.revocation: unmet: not revoked: /);
    assert.match(later.warnings, CANNOT_BE_TOLD);
    const gate = new Life(verification, {
      folder: "/nonexistent",
      world: { stores },
      now: () => days(10),
    });
    await assert.rejects(gate.up(args()), failsWith("VERIFICATION_UNMET"));
  });

  test("is refused by a promotion as well, wherever it is", async () => {
    const to = stores.at("registry.example/acme/app");
    for (const place of [store, to]) {
      const v2 = await publish(store, `v2 of ${place.name}`, wabbit);
      const packed = packClaim({
        type: "revocation",
        subject: v2,
        predicate: revokes(v2),
        audience: "public",
      });
      await pushArtifact(place, packed);
      await sign(place, plainDescriptor(packed.manifest.descriptor), brief);
      const life = new Life(promotion, {
        folder: "/nonexistent",
        world: { stores },
        now: () => days(10),
      });
      await assert.rejects(
        life.up(
          args({
            artifact: `${HERE}@${v2.digest}`,
            environment: "production",
            to: to.name,
            tag: "prod",
            signer: acme.signer,
          }),
        ),
        CANNOT_BE_TOLD,
        place.name,
      );
    }
  });

  test("is over where its signer has given it an end, with a warning", async () => {
    const packed = packClaim({
      type: "revocation",
      subject: v1,
      predicate: revokes(v1),
      audience: "public",
    });
    await pushArtifact(store, packed);
    const { issued } = brief;
    const envelope = await signEnvelope({
      target: plainDescriptor(packed.manifest.descriptor),
      signer: keySigner(issued.key.privateKey, issued.chain),
      signingTime: new Date(),
      expiry: days(0.5),
    });
    await pushArtifact(
      store,
      packSignature({ subject: plainDescriptor(packed.manifest.descriptor), envelope }),
    );
    assert.equal((await asked(0)).verified, false);
    const later = await asked(10);
    assert.equal(later.verified, true);
    assert.match(
      later.warnings,
      /has a claim, sha256:[0-9a-f]{64} of type revocation, that does not count any more: .*expired/,
    );
  });

  test("is lifted by revoking it, beside the artifact or beside itself, by one who may and whose certificate holds", async () => {
    for (const beside of ["artifact", "revocation"]) {
      v1 = await publish(store, `lifted beside the ${beside}`, wabbit);
      const revocation = await claimed("revocation", revokes(v1), brief);
      const subject = beside === "artifact" ? v1 : revocation;
      await claimed("revocation", { ...revokes(revocation), reason: "noise" }, acme, subject);
      assert.equal((await asked(10)).verified, false, "not by others");
      await claimed(
        "revocation",
        { ...revokes(revocation), reason: "a mistake" },
        renewed,
        subject,
      );
      assert.equal((await asked(10)).verified, true, `${beside}: ${(await asked(10)).warnings}`);
    }
  });

  test("is known again once it is signed again", async () => {
    const revocation = await claimed("revocation", revokes(v1), brief);
    await sign(store, revocation, renewed);
    assert.match(
      (await asked(10)).warnings,
      /revoked by CN=Brief Security Signing.*: CVE-2026-2000/,
    );
  });

  test("holds up nothing where it would count for nothing: by those who may not, of what does not count, or yet to come", async () => {
    await claimed("revocation", revokes(v1), brief);
    assert.equal((await asked(10, { lifecycleIssuers: { revocation: [] } })).verified, true);
    assert.equal(
      (await asked(10, { trust: trustOf(wabbit, acme) })).verified,
      true,
      "a stranger's",
    );
    v1 = await publish(store, "yet to come", wabbit);
    await claimed("revocation", revokes(v1, { since: days(20).toISOString() }), brief);
    const other = await publish(store, "other", wabbit);
    await claimed("revocation", revokes(other), brief);
    assert.equal((await asked(10)).verified, true);
    assert.equal((await asked(21)).verified, false);
  });

  test("of a claim that is relied upon leaves it unmet; one that lifted another lifts it no more", async () => {
    const test1 = await claimed("test-result", passed, brief);
    await sign(store, test1, renewed);
    const require = [{ type: "test-result", issuer: BRIEF }];
    assert.equal((await asked(10, { require })).verified, true);
    const withdrawn = await claimed("revocation", revokes(test1), brief);
    assert.equal((await asked(0, { require })).verified, false);
    assert.match((await asked(10, { require })).warnings, CANNOT_BE_TOLD);
    // What is lifted by one who has lapsed too has to be lifted again.
    await claimed("revocation", revokes(withdrawn), brief);
    assert.equal((await asked(0, { require })).verified, true);
    assert.equal((await asked(10, { require })).verified, false);
    await claimed("revocation", { ...revokes(withdrawn), reason: "again" }, renewed);
    assert.equal(
      (await asked(10, { require })).verified,
      true,
      (await asked(10, { require })).warnings,
    );
  });

  test("counts as his word who signed it to last, also beside others whose word does not", async () => {
    const revocation = await claimed("revocation", revokes(v1), brief);
    await sign(store, revocation, acme);
    const lifecycleIssuers = { revocation: [BRIEF] };
    assert.equal((await asked(10, { lifecycleIssuers })).verified, false);
    await claimed("revocation", { ...revokes(revocation), reason: "a mistake" }, renewed);
    assert.equal(
      (await asked(10, { lifecycleIssuers })).verified,
      true,
      (await asked(10, { lifecycleIssuers })).warnings,
    );
  });
});

describe("an end of life whose signer's certificate has ended", () => {
  test("forbids from its date on, and nothing before", async () => {
    await claimed("endOfLife", { date: days(20).toISOString().slice(0, 10) }, brief);
    assert.equal((await asked(10)).verified, true);
    const past = await asked(22);
    assert.equal(past.verified, false);
    assert.match(past.warnings, /lifecycle\.endOfLife: unmet: .*cannot be told/);
    assert.equal((await asked(22, { lifecycleIssuers: { endOfLife: [] } })).verified, true);
  });

  test("gives way to a later one of the same issuer", async () => {
    const packed = packClaim({
      type: "endOfLife",
      subject: v1,
      predicate: { date: "2020-01-01" },
      audience: "public",
    });
    await pushArtifact(store, packed);
    await sign(store, plainDescriptor(packed.manifest.descriptor), brief, days(-1));
    assert.equal((await asked(10)).verified, false);
    await claimed("endOfLife", { date: days(200).toISOString().slice(0, 10) }, renewed);
    assert.equal((await asked(10)).verified, true, (await asked(10)).warnings);
  });
});
