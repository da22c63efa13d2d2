// SPDX-License-Identifier: Apache-2.0
// What forbids goes along, whoever its signer is called and whatever a list says of it by now.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../provider/content/storage";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { mirror } from "../../provider/mirror/mirror";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import {
  claim,
  MemoryStores,
  party,
  publish,
  quickParty,
  trustOf,
  type Party,
} from "../harness/memory-world";

const FROM = "registry.example/wabbit/app";
const TO = "registry.example/acme/app";
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const PASSED = { result: "PASSED", configuration: [] };

const say = async (
  store: Store,
  type: string,
  subject: Descriptor,
  predicate: unknown,
  by: Party,
): Promise<Descriptor> =>
  (await claim(store, { type, subject, predicate, audience: "public" }, by)).manifest.descriptor;

test("of an issuer who may be meant what forbids is copied, and what allows is not", async () => {
  const wabbit = party("Wabbit Networks");
  const odd: Party = {
    ...party("Wabbit Networks", {
      issuer: wabbit.root,
      subject: { C: "US", ST: "WA", O: "Wabbit Networks", EMAIL: "an@wabbit.example" },
    }),
    root: wabbit.root,
  };
  const acme = party("ACME Rockets");
  const stores = new MemoryStores();
  const source = stores.at(FROM);
  const v1 = await publish(source, "v1", wabbit, "v1");
  const target = { target: v1.digest, reason: "CVE-2026-2000" };
  const revocation = await say(source, "revocation", v1, target, odd);
  const ended = await say(source, "endOfLife", v1, { date: "2016-01-01" }, odd);
  const allows = await say(source, "test-result", v1, PASSED, odd);
  const others = await say(source, "revocation", v1, { ...target, reason: "envy" }, acme);
  const life = new Life(mirror, { folder: "/nonexistent", world: { stores } });
  const claims = { trust: { name: "claims", ...trustOf(wabbit, acme) }, issuers: [WABBIT] };
  await life.up({ source: FROM, destinations: [TO], claims });
  const there = async ({ digest }: Descriptor): Promise<boolean> =>
    (await stores.at(TO).referrers(v1.digest)).some((each) => each.digest === digest);
  assert.deepEqual(
    [await there(revocation), await there(ended), await there(allows), await there(others)],
    [true, true, false, false],
  );
});

for (const withdrawn of ["keep", "remove"])
  test(`withdrawn "${withdrawn}": a revocation that was mirrored counts at every destination, also where the source hides it by now`, async () => {
    const wabbit = quickParty("Wabbit Networks");
    const stores = new MemoryStores();
    const source = stores.at(FROM);
    const hidden = new Set<Digest>();
    stores.wrap = (behind) =>
      new Proxy<Store>(behind, {
        get(place, name) {
          const member: unknown = Reflect.get(place, name, place);
          if (name === "referrers" && place.name === FROM)
            return async (subject: Digest) =>
              (await place.referrers(subject)).filter(({ digest }) => !hidden.has(digest));
          return typeof member === "function"
            ? (member as (...args: unknown[]) => unknown).bind(place)
            : member;
        },
      });
    const v1 = await publish(source, "v1", wabbit, "v1");
    const predicate = { target: v1.digest, reason: "CVE-2026-2000" };
    const revocation = await say(source, "revocation", v1, predicate, wabbit);
    const life = new Life(mirror, { folder: "/nonexistent", world: { stores } });
    const up = (...destinations: string[]) =>
      life.up({ source: FROM, destinations, trust: trustOf(wabbit), withdrawn });
    const isVerifiedAt = async (place: string): Promise<boolean> => {
      const gate = new Life(verification, { folder: "/nonexistent", world: { stores } });
      const args = { artifact: `${place}@${v1.digest}`, trust: trustOf(wabbit) };
      return (await gate.preview(args)).planned["reference"] !== undefined;
    };
    await up(TO);
    assert.equal(await isVerifiedAt(TO), false);
    hidden.add(revocation.digest);
    assert.equal(await isVerifiedAt(FROM), true, "nobody who has not seen it can tell");
    await up(TO, `${TO}-2`);
    for (const place of [TO, `${TO}-2`]) assert.equal(await isVerifiedAt(place), false, place);
    // Gone is gone, where that is asked for.
    for (const signature of await source.referrers(revocation.digest))
      await source.deleteManifest(signature);
    await source.deleteManifest(revocation);
    await up(TO, `${TO}-2`);
    assert.equal(await isVerifiedAt(TO), withdrawn === "remove");
  });
