// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import { claim as claimKind } from "../../provider/claim/claim";
import { Life, Refused } from "../harness/life";
import { claim, MemoryStores, publish, quickParty } from "../harness/memory-world";

const HERE = "registry.example/wabbit/app";
const wabbit = quickParty("Wabbit Networks");

async function arrange() {
  const stores = new MemoryStores();
  const store = stores.at(HERE);
  const [v1, v2] = [await publish(store, "v1", wabbit), await publish(store, "v2", wabbit)];
  const about = async (subject: Descriptor): Promise<Descriptor> => {
    const content = {
      type: "test-result",
      subject,
      predicate: { result: "PASSED", configuration: [{ name: subject.digest }] },
      audience: "public",
    } as const;
    return plainDescriptor((await claim(store, content, wabbit)).manifest.descriptor);
  };
  const life = new Life(claimKind, { folder: "/nonexistent", world: { stores } });
  const revoke = async (subject: Descriptor, target: string): Promise<string> => {
    await life.preview({
      subject: `${HERE}@${subject.digest}`,
      type: "revocation",
      predicate: { target, reason: "forged" },
      signer: wabbit.signer,
    });
    return life.warnings.join();
  };
  return { v1, v2, about, revoke };
}

test("a revocation may name its subject, or a claim about it, or a claim about that", async () => {
  const { v1, about, revoke } = await arrange();
  const tested = await about(v1);
  const nested = await about(tested);
  for (const [subject, target] of [
    [v1, v1],
    [v1, tested],
    [tested, tested],
    [v1, nested],
    [tested, nested],
  ] as const)
    assert.equal(await revoke(subject, target.digest), "");
});

test("one that names anything else that is there would do nothing, and is refused at the property", async () => {
  const { v1, v2, about, revoke } = await arrange();
  for (const target of [v2, await about(v2)]) {
    await assert.rejects(
      revoke(v1, target.digest),
      (error) =>
        error instanceof Refused &&
        error.failures[0]?.property === "predicate.target" &&
        /name the subject's digest/.test(error.message),
    );
  }
  await assert.rejects(
    revoke(await about(v1), v1.digest),
    Refused,
    "the artifact is no claim about a claim",
  );
});

test("of one that names what is not there nobody can tell: a warning says so", async () => {
  const { v1, revoke } = await arrange();
  assert.match(
    await revoke(v1, `sha256:${"ab".repeat(32)}`),
    /has no effect at .* as far as can be seen/,
  );
});
