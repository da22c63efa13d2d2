// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { packClaim } from "../../provider/claims/index";
import type { MemoryStore } from "../../provider/content/memory";
import { pushArtifact } from "../../provider/content/pack";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import type { Properties } from "../../provider/world/reconciler";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import {
  claim,
  MemoryStores,
  publish,
  quickParty,
  sign,
  trustOf,
  type Party,
} from "../harness/memory-world";
import { failsWith } from "../harness/failure";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");
const HERE = "registry.example/wabbit/app";
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const CANNOT_BE_TOLD =
  /lifecycle\.(?:revocation|endOfLife): unmet: not .*: cannot be told, sha256:[0-9a-f]{64} is inconclusive: it is signed by .*, and what it says cannot be read: .*BLOB_UNKNOWN.*\[SIGNATURE_INCONCLUSIVE\]/;

let stores: MemoryStores;
let store: MemoryStore;
let v1: Descriptor;
let gate: Life;
beforeEach(async () => {
  stores = new MemoryStores();
  store = stores.at(HERE);
  v1 = await publish(store, "v1", wabbit);
  gate = new Life(verification, { folder: "/nonexistent", world: { stores } });
});

const args = (more: Properties = {}): Properties => ({
  artifact: `${HERE}@${v1.digest}`,
  trust: trustOf(wabbit, acme),
  ...more,
});
const listed = { lifecycleIssuers: { revocation: [WABBIT], endOfLife: [WABBIT] } };

async function lose(claimed: Descriptor): Promise<void> {
  const manifest = await store.manifest(claimed);
  if (manifest.kind === "manifest")
    for (const layer of manifest.value.layers) await store.deleteBlob(layer);
}

async function revoke(
  subject: Descriptor,
  target: Descriptor,
  by: Party | null,
  reason: string,
  since?: string,
): Promise<Descriptor> {
  const predicate = { target: target.digest, reason, ...(since === undefined ? {} : { since }) };
  return plainDescriptor(
    (await claim(store, { type: "revocation", subject, predicate, audience: "public" }, by))
      .manifest.descriptor,
  );
}

async function lost(by: Party): Promise<Descriptor> {
  const revocation = await revoke(v1, v1, by, "CVE-2026-2000");
  await lose(revocation);
  return revocation;
}

async function assertUnmet(asked: Properties = args(listed)): Promise<void> {
  assert.equal((await gate.preview(asked)).planned["reference"], undefined);
  assert.match(gate.warnings.join("\n"), CANNOT_BE_TOLD);
  await assert.rejects(gate.up(asked), failsWith("VERIFICATION_UNMET"));
}

async function assertVerified(
  asked: Properties = args(listed),
): Promise<Record<string, { status: string }>> {
  const { planned } = await gate.preview(asked);
  assert.equal(planned["reference"], `${HERE}@${v1.digest}`, gate.warnings.join());
  return planned["claims"] as Record<string, { status: string }>;
}

describe("a signed revocation whose statement is lost", () => {
  test("is lifted by revoking it, by its issuer, beside it or beside the artifact", async () => {
    for (const beside of ["the revocation", "the artifact"]) {
      const revocation = await lost(wabbit);
      await assertUnmet();
      const lift = await revoke(
        beside === "the artifact" ? v1 : revocation,
        revocation,
        wabbit,
        `it was a mistake, says ${beside}`,
      );
      const claims = await assertVerified();
      assert.equal(
        claims[revocation.digest]?.status,
        `revoked by ${lift.digest}: revoked by CN=Wabbit Networks Signing,O=Wabbit Networks,ST=WA,C=US: it was a mistake, says ${beside}`,
      );
      await gate.up(args(listed));
      await store.deleteManifest(lift);
    }
  });

  test("stays lifted when the store finds it again", async () => {
    const revocation = await lost(wabbit);
    await revoke(revocation, revocation, wabbit, "a mistake");
    await assertVerified();
    await pushArtifact(
      store,
      packClaim({
        type: "revocation",
        subject: v1,
        predicate: { target: v1.digest, reason: "CVE-2026-2000" },
        audience: "public",
      }),
      { deep: true },
    );
    assert.match((await assertVerified())[revocation.digest]?.status ?? "", /^revoked by sha256:/);
  });

  test("is not lifted by those who may not revoke it: others, strangers, nobody", async () => {
    const revocation = await lost(wabbit);
    for (const by of [acme, stranger, null]) {
      await revoke(revocation, revocation, by, "let me");
      await revoke(v1, revocation, by, "let me");
      await assertUnmet();
    }
    // One who ranks above its issuer may, where the root under which he is meant is named.
    const identity = "x509.subject: C=US, ST=WA, O=ACME Rockets";
    await assertUnmet(args({ precedence: [identity, WABBIT] }));
    await assertVerified(args({ precedence: [{ identity, roots: [acme.root.pem] }, WABBIT] }));
  });

  test("is not lifted by what has no force: a lift that is revoked, that is lost too, that is yet to come", async () => {
    const revocation = await lost(wabbit);
    const lift = await revoke(revocation, revocation, wabbit, "a mistake");
    await revoke(lift, lift, wabbit, "it was none");
    await assertUnmet();
    await lose(await revoke(revocation, revocation, wabbit, "a mistake after all"));
    await assertUnmet();
    await revoke(
      revocation,
      revocation,
      wabbit,
      "from some day on",
      new Date(Date.now() + 86_400_000).toISOString(),
    );
    await assertUnmet();
    await revoke(
      revocation,
      revocation,
      wabbit,
      "from some day on",
      new Date(Date.now() - 86_400_000).toISOString(),
    );
    await assertVerified();
  });

  test("is not lifted by another lost revocation beside its lift, which may revoke that", async () => {
    const revocation = await lost(wabbit);
    const lift = await revoke(revocation, revocation, wabbit, "a mistake");
    const doubt = await revoke(lift, lift, wabbit, "it was none");
    await lose(doubt);
    await assertUnmet();
    await revoke(doubt, doubt, wabbit, "it was one");
    await assertVerified();
  });

  test("and that several have signed is lifted only when each of them who may revoke is answered", async () => {
    const revocation = await lost(wabbit);
    await sign(store, revocation, acme);
    await revoke(revocation, revocation, acme, "not in my name");
    await assertUnmet(args());
    // Where ACME may not revoke, its signature beside Wabbit's is of no weight, and neither is its
    // lift.
    await assertUnmet();
    await revoke(revocation, revocation, wabbit, "nor in mine");
    await assertVerified(args());
    await assertVerified();
  });

  test("so with a lost end of life, and with a denied claim", async () => {
    const end = plainDescriptor(
      (
        await claim(
          store,
          { type: "endOfLife", subject: v1, predicate: { date: "2030-01-01" }, audience: "public" },
          wabbit,
        )
      ).manifest.descriptor,
    );
    const failed = plainDescriptor(
      (
        await claim(
          store,
          {
            type: "test-result",
            subject: v1,
            predicate: { result: "FAILED", configuration: [] },
            audience: "public",
          },
          wabbit,
        )
      ).manifest.descriptor,
    );
    const asked = args({
      ...listed,
      deny: [{ type: "test-result", issuer: WABBIT, condition: 'predicate.result == "FAILED"' }],
    });
    await lose(end);
    await lose(failed);
    await assertUnmet(asked);
    await revoke(end, end, wabbit, "it goes on");
    assert.equal((await gate.preview(asked)).planned["reference"], undefined);
    await revoke(failed, failed, wabbit, "the runner was broken");
    await assertVerified(asked);
  });
});
