// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../provider/content/memory";
import type { ReadStore } from "../../provider/content/storage";
import { ConsignError, type ErrorCode } from "../../provider/errors";
import { openTrust } from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import { observeArtifact } from "../../provider/report/collect";
import { renderTree } from "../../provider/report/tree";
import { faultsOf, verificationOf } from "../../provider/report/verification";
import { claim, publish, quickParty, trustOf } from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const revokes = ({ digest }: Descriptor): object => ({ target: digest, reason: "CVE-2026-2000" });

async function asked(store: ReadStore, root: Descriptor, trusted = true) {
  const now = new Date();
  const observed = await observeArtifact(store, root, {
    trust: trusted ? await openTrust(trustOf(wabbit, acme), store.name, "/nonexistent") : undefined,
    now,
    baseDir: "/nonexistent",
    scope: store.name,
    extent: "verdict",
  });
  return { observed, verification: verificationOf(observed, {}, now) };
}

test("of an artifact that is gone its signature and claims are told, and that it is no use", async () => {
  const store = new MemoryStore("remains");
  const v1 = await publish(store, "v1", wabbit);
  const predicate = { result: "PASSED", configuration: [{ name: "unit" }] };
  const tested = await claim(
    store,
    { type: "test-result", subject: v1, predicate, audience: "public" },
    acme,
  );
  assert.equal((await asked(store, v1)).verification?.verified, "yes");
  await store.deleteManifest(v1);
  const { observed, verification } = await asked(store, v1);
  assert.deepEqual(
    [verification?.verified, verification?.signature.outcome, observed.problem?.code],
    ["no", "verified", "MANIFEST_UNKNOWN"],
  );
  assert.deepEqual(
    observed.claims.map(({ digest, status }) => [digest, status]),
    [[tested.manifest.descriptor.digest, "effective"]],
  );
  assert.deepEqual(
    verification?.requirements.map(({ path, met }) => [path, met]),
    [["content", false]],
  );
  assert.match(renderTree(observed), /cannot be read: .*\n.*test-result/s);
});

test("no single fault improves what is told of a revocation, and a lost signature is a fault", async () => {
  const store = new MemoryStore("faults");
  const v1 = await publish(store, "v1", wabbit);
  const revocation = await claim(
    store,
    { type: "revocation", subject: v1, predicate: revokes(v1), audience: "public" },
    acme,
  );
  const revoked = revocation.manifest.descriptor;
  const [signature] = await store.referrers(revoked.digest);
  const blobs = [revocation.manifest, await store.manifest(signature?.digest ?? "")].flatMap(
    (manifest) => (manifest.kind === "manifest" ? manifest.value.layers : []),
  );
  const broken = (verb: "manifest" | "blob", digest: string | undefined, code: ErrorCode) =>
    new Proxy<ReadStore>(store, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name === verb)
          return async (given: Descriptor | string) => {
            if ((typeof given === "string" ? given : given.digest) === digest)
              throw new ConsignError(code, "it is broken");
            return (member as (...args: unknown[]) => unknown).call(target, given);
          };
        return typeof member === "function"
          ? (member as (...args: unknown[]) => unknown).bind(target)
          : member;
      },
    });
  for (const code of ["MANIFEST_UNKNOWN", "DIGEST_MISMATCH", "SIZE_MISMATCH"] as const)
    for (const digest of [revoked.digest, signature?.digest]) {
      const place = broken("manifest", digest, code);
      assert.notEqual((await asked(place, v1)).verification?.verified, "yes", code);
      assert.ok(faultsOf((await asked(place, v1, false)).observed).length > 0);
    }
  for (const code of ["BLOB_UNKNOWN", "DIGEST_MISMATCH", "SIZE_MISMATCH"] as const)
    for (const { digest } of blobs)
      assert.notEqual(
        (await asked(broken("blob", digest, code), v1)).verification?.verified,
        "yes",
      );
});
