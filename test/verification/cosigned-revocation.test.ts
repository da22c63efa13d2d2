// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../provider/content/storage";
import { isSignature } from "../../provider/notation/index";
import type { Digest } from "../../provider/oci/digest";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import { claim, MemoryStores, publish, quickParty, sign, trustOf } from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");
const HERE = "registry.example/wabbit/app";

/** The same referrers in the order in which a registry chooses to list them. */
function listing(store: Store, order: (a: number, b: number) => number): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== "referrers")
        return typeof member === "function"
          ? (member as (...args: unknown[]) => unknown).bind(target)
          : member;
      return async (subject: Digest) => {
        const found = await target.referrers(subject);
        return found
          .map((_, index) => index)
          .sort(order)
          .map((index) => found[index]);
      };
    },
  });
}

test("a revocation by one who may is not hidden by the signatures of others beside it, in whichever order they are listed", async () => {
  for (const order of [(a: number, b: number) => a - b, (a: number, b: number) => b - a]) {
    const stores = new MemoryStores();
    const store = stores.at(HERE);
    stores.wrap = (inner) => listing(inner, order);
    const v1 = await publish(store, "v1", wabbit);
    const { descriptor } = (
      await claim(
        store,
        {
          type: "revocation",
          subject: v1,
          predicate: { target: v1.digest, reason: "CVE-2026-2000" },
          audience: "public",
        },
        acme,
      )
    ).manifest;
    await sign(store, descriptor, wabbit);
    for (const by of [acme, stranger]) await sign(store, descriptor, by);
    assert.equal((await store.referrers(descriptor.digest)).filter(isSignature).length >= 3, true);
    const gate = new Life(verification, { folder: "/nonexistent", world: { stores } });
    const args = {
      artifact: `${HERE}@${v1.digest}`,
      trust: trustOf(wabbit, acme),
      lifecycleIssuers: { revocation: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"] },
    };
    const { planned } = await gate.preview(args);
    assert.equal(planned["reference"], undefined);
    assert.match(
      gate.warnings.join(),
      /lifecycle\.revocation: unmet: not revoked: revoked by CN=Wabbit Networks Signing/,
    );
    // Those who may not revoke do not come to be able to by each other.
    const nobody = {
      ...args,
      lifecycleIssuers: { revocation: ["x509.subject: C=US, ST=WA, O=Nobody"] },
    };
    assert.equal((await gate.preview(nobody)).planned["reference"], `${HERE}@${v1.digest}`);
  }
});
