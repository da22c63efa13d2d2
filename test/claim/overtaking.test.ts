// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { claim as claimKind } from "../../provider/claim/claim";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import { claim, MemoryStores, publish, quickParty, sign, trustOf } from "../harness/memory-world";
import { codeOf, failsWith } from "../harness/failure";

const HERE = "registry.example/wabbit/app";
const TEST_RESULT = (result: string) => ({ result, configuration: [{ name: "unit" }] });
const DAY = 86_400_000;
const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");

async function arrange(by = wabbit) {
  let now = Date.now();
  const stores = new MemoryStores();
  const store = stores.at(HERE);
  const v1 = await publish(store, "v1", wabbit, "v1");
  const options = { folder: "/nonexistent", world: { stores }, now: () => new Date(now) };
  const args = {
    subject: `${HERE}@${v1.digest}`,
    type: "test-result",
    predicate: TEST_RESULT("PASSED"),
    signer: wabbit.signer,
  };
  const signatures = async (digest: string): Promise<Descriptor[]> =>
    store.referrers(digest as Digest);
  const later = async (): Promise<Digest> => {
    const { descriptor } = (
      await claim(
        store,
        { type: "test-result", subject: v1, predicate: TEST_RESULT("FAILED"), audience: "public" },
        null,
      )
    ).manifest;
    await sign(store, descriptor, by, new Date(now));
    return descriptor.digest;
  };
  const verified = async (): Promise<boolean> => {
    const gate = new Life(verification, options);
    const { planned } = await gate.preview({
      artifact: args.subject,
      trust: trustOf(wabbit),
      require: [{ type: "test-result", condition: "predicate.result == 'PASSED'" }],
    });
    return planned["reference"] !== undefined;
  };
  return {
    store,
    args,
    signatures,
    later,
    verified,
    life: new Life(claimKind, options),
    pass: (days: number) => void (now += days * DAY),
  };
}

test("renewing an old claim does not bring it back over what its issuer has said since", async () => {
  const { args, life, later, pass, signatures, verified } = await arrange();
  const renewing = { ...args, validFor: "30d", renewBefore: "10d" };
  await life.up(renewing);
  pass(5);
  await later();
  pass(17);
  assert.match(String((await life.preview(renewing)).planned["renewal"]), /^due/);
  for (let tries = 0; tries < 2; tries++)
    await assert.rejects(
      life.up(renewing),
      codeOf("CLAIM_SUPERSEDED", /is a later claim of the same issuer/),
    );
  assert.equal(
    (await signatures(String(life.outputs["digest"]))).length,
    1,
    "it was not signed again",
  );
  assert.equal(await verified(), false);
  pass(20);
  await assert.rejects(life.up(renewing), failsWith("CLAIM_SUPERSEDED"), "nor when it has ended");
  assert.equal(await verified(), false);
});

test("repairing an old claim's lost signature does not either", async () => {
  const { args, life, later, pass, signatures, store, verified } = await arrange();
  await life.up(args);
  pass(5);
  const newer = await later();
  pass(1);
  const digest = String(life.outputs["digest"]);
  for (const signature of await signatures(digest)) await store.deleteManifest(signature);
  assert.deepEqual(await life.refresh(), ["status"]);
  for (let tries = 0; tries < 2; tries++)
    await assert.rejects(life.up(args), failsWith("CLAIM_SUPERSEDED"));
  assert.deepEqual(await signatures(digest), []);
  assert.equal(await verified(), false);
  assert.equal(
    await life.up({ ...args, supersedes: [newer] }),
    "update",
    "who says so by name means it",
  );
  assert.equal(await verified(), true);
});

test("what another issuer said later, or the same one earlier, is no hindrance", async () => {
  for (const by of [acme, wabbit]) {
    const { args, life, later, pass, store, signatures } = await arrange(by);
    if (by === wabbit) await later();
    pass(1);
    await life.up(args);
    pass(5);
    if (by === acme) await later();
    for (const signature of await signatures(String(life.outputs["digest"])))
      await store.deleteManifest(signature);
    await life.refresh();
    assert.equal(await life.up(args), "update");
    assert.equal(life.outputs["status"], "valid");
  }
});
