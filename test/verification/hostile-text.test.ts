// SPDX-License-Identifier: Apache-2.0
// What strangers, and signers, write into names and reasons steers nobody's terminal: what is
// planned and recorded, and so shown by the engine, has nothing in it that a reader cannot see.
import assert from "node:assert/strict";
import { test } from "node:test";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import { claim, MemoryStores, publish, quickParty, sign, trustOf } from "../harness/memory-world";

const HERE = "registry.example/wabbit/app";
const EVIL = "x\x1b[2J\u202ey\u200b\n✔ verified\r\u2028z\x9b1m";
const REVIEW = "https://example.com/review/v1";
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u;
const wabbit = quickParty("Wabbit Networks");
const stranger = quickParty(`Stranger ${EVIL}`);

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...strings(inner)]);
}

function isClean(value: unknown): void {
  for (const text of strings(value)) assert.doesNotMatch(text, UNSEEN, JSON.stringify(text));
}

test("a stranger's name and a revocation's reason are clean in what is planned", async () => {
  const stores = new MemoryStores();
  const store = stores.at(HERE);
  const v1 = await publish(store, "v1", wabbit);
  await sign(store, v1, stranger);
  const said = { subject: v1, audience: "internal" } as const;
  await claim(
    store,
    { ...said, type: "revocation", predicate: { target: v1.digest, reason: EVIL } },
    wabbit,
  );
  await claim(store, { ...said, type: REVIEW, predicate: { by: EVIL } }, stranger);
  const life = (trust: object) =>
    new Life(verification, { folder: "/nonexistent", world: { stores } }).preview({
      artifact: `${HERE}@${v1.digest}`,
      trust,
      require: [{ type: REVIEW, condition: "predicate.by == 'x'" }],
      lifecycleIssuers: { revocation: ["*"] },
    });
  for (const trust of [trustOf(wabbit), trustOf(stranger), trustOf(wabbit, stranger)]) {
    const { planned } = await life(trust);
    const { trust: _, ...rest } = planned;
    isClean(rest);
    assert.ok(JSON.stringify(rest).includes("verified"), "the text itself is there");
  }
});
