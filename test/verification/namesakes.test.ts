// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import type { MemoryStore } from "../../provider/content/memory";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import { verification } from "../../provider/verification/verification";
import type { Properties } from "../../provider/world/reconciler";
import { Life, Refused } from "../harness/life";
import {
  MemoryStores,
  claim,
  party,
  publish,
  sign,
  trustOf,
  type Party,
} from "../harness/memory-world";
import { tempDir } from "../harness/temp";

const wabbit = party("Wabbit Networks");
/** As the authority of another tenant may issue it: the same name, under another trusted root. */
const namesake = party("Wabbit Networks");
const odd = (more: object): Party => ({
  ...party("Wabbit Networks", {
    issuer: wabbit.root,
    subject: { C: "US", ST: "WA", O: "Wabbit Networks", CN: "Wabbit Networks Signing", ...more },
  }),
  root: wabbit.root,
});
const mailed = odd({ EMAIL: "an@wabbit.example" });
const domained = odd({ DC: "wabbit" });
const HERE = "registry.example/wabbit/app";
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const folder = tempDir("namesakes");

let stores: MemoryStores;
let store: MemoryStore;
let v1: Descriptor;
let gate: Life;
beforeEach(async () => {
  stores = new MemoryStores();
  store = stores.at(HERE);
  v1 = await publish(store, "v1", wabbit);
  gate = new Life(verification, { folder, world: { stores } });
});

const args = (more: Properties = {}): Properties => ({
  artifact: `${HERE}@${v1.digest}`,
  trust: trustOf(wabbit, namesake),
  ...more,
});

async function say(type: string, predicate: unknown, by: Party): Promise<Descriptor> {
  const packed = await claim(store, { type, subject: v1, predicate, audience: "public" }, by);
  return plainDescriptor(packed.manifest.descriptor);
}

const revoke = (target: Descriptor, by: Party, reason = "CVE-2026-2000") =>
  say("revocation", { target: target.digest, reason }, by);

async function isVerified(more: Properties = {}): Promise<boolean> {
  return (await gate.preview(args(more))).planned["reference"] !== undefined;
}

describe("a signer with an e-mail address, or a DC, in his subject", () => {
  for (const [what, by] of [
    ["EMAIL", mailed],
    ["DC", domained],
  ] as const)
    test(`revokes, ends and is denied as if it were not there: ${what}`, async () => {
      const passed = { result: "PASSED", configuration: [{ name: "unit" }] };
      await say("test-result", passed, by);
      const entry = { type: "test-result", issuer: WABBIT };
      assert.equal(await isVerified(), true);
      assert.equal(await isVerified({ deny: [entry] }), false);
      assert.equal(await isVerified({ require: [entry] }), false);
      await say("endOfLife", { date: "2020-01-01" }, by);
      assert.equal(await isVerified({ lifecycleIssuers: { endOfLife: [WABBIT] } }), false);
      assert.equal(await isVerified({ lifecycleIssuers: { endOfLife: [] } }), true);
      await revoke(v1, by);
      const lifecycleIssuers = { revocation: [WABBIT], endOfLife: [] };
      assert.equal(await isVerified({ lifecycleIssuers }), false);
      assert.match(gate.warnings.join("\n"), /revoked by .*CVE-2026-2000/);
      assert.equal(await isVerified({ lifecycleIssuers: { revocation: [], endOfLife: [] } }), true);
    });
});

describe("a namesake under another trusted root", () => {
  test("lifts no revocation; he who made it does", async () => {
    const revocation = await revoke(v1, wabbit);
    await revoke(revocation, namesake, "let me");
    assert.equal(await isVerified(), false);
    assert.equal(await isVerified({ lifecycleIssuers: { revocation: [WABBIT] } }), false);
    assert.equal(await isVerified({ precedence: [WABBIT] }), false);
    await revoke(revocation, wabbit, "a mistake");
    assert.equal(await isVerified(), true);
  });

  test("lifts it where the entry names both roots, as PEM or as a file's path: a rollover", async () => {
    const revocation = await revoke(v1, wabbit);
    await revoke(revocation, namesake, "a mistake");
    writeFileSync(join(folder, "second.pem"), namesake.root.pem);
    const entry = (...roots: string[]): object => ({ identity: WABBIT, roots });
    const both = entry(wabbit.root.pem, "second.pem");
    assert.equal(await isVerified({ precedence: [both] }), true);
    assert.equal(await isVerified({ lifecycleIssuers: { revocation: [both] } }), true);
    const first = entry(wabbit.root.pem);
    assert.equal(await isVerified({ precedence: [first] }), false);
    assert.equal(await isVerified({ lifecycleIssuers: { revocation: [first] } }), false);
  });

  test("puts off no end of life, and takes back nothing that is denied", async () => {
    await say("endOfLife", { date: "2020-01-01" }, wabbit);
    await say("endOfLife", { date: "2099-01-01" }, namesake);
    assert.equal(await isVerified(), false);
    v1 = await publish(store, "v2", wabbit);
    const failed = await say("test-result", { result: "FAILED", configuration: [] }, wabbit);
    const deny = [{ type: "test-result", condition: 'predicate.result == "FAILED"' }];
    await revoke(failed, namesake, "let me");
    await say("test-result", { result: "PASSED", configuration: [] }, namesake);
    assert.equal(await isVerified({ deny }), false);
  });

  test("who signs a revocation as well does not make it his to lift", async () => {
    const revocation = await revoke(v1, wabbit);
    await sign(store, revocation, namesake);
    await revoke(revocation, namesake, "let me");
    assert.equal(await isVerified(), false);
  });
});

test("what is wrong with an entry is told where it stands", async () => {
  const refused = async (precedence: unknown, path: RegExp, code: RegExp): Promise<void> => {
    await assert.rejects(gate.preview(args({ precedence })), (error: Error) => {
      const text = error instanceof Refused ? JSON.stringify(error.failures) : error.message;
      assert.match(text, path);
      assert.match(text, code);
      return true;
    });
  };
  await refused([WABBIT, { identity: "Wabbit", roots: ["a"] }], /precedence\[1\]\.identity/, /./);
  await refused([{ identity: WABBIT, roots: [] }], /precedence\[0\]\.roots/, /./);
  await refused(
    [{ identity: WABBIT, roots: ["gone.pem"] }],
    /precedence\[0\]\.roots\[0\]/,
    /FILE_NOT_FOUND/,
  );
  await refused([{ identity: WABBIT }], /precedence\[0\]\.roots/, /./);
  await refused(["Wabbit"], /precedence\[0\]/, /./);
});
