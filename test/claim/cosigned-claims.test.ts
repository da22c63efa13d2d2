// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeContext } from "../../provider/dynamic/host";
import type { RevocationChecker } from "../../provider/notation/index";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import { lifecycleAt, revocationIn } from "../../provider/judging/objections";
import type { Properties } from "../../provider/world/reconciler";
import { openTrust } from "../../provider/judging/trust";
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
import { codeOf, failsWith } from "../harness/failure";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");
const HERE = "registry.example/wabbit/app";
const identityOf = (organization: string): string => `x509.subject: C=US, ST=WA, O=${organization}`;
const tested = { result: "PASSED", configuration: [{ name: "unit" }] };

/** Asked only about certificates that name a responder. */
const away: RevocationChecker = { check: async () => ({ result: "unknown", reason: "no answer" }) };

async function world(...signers: Party[]): Promise<{
  gate: Life;
  v1: Descriptor;
  claimed: Descriptor;
  sign(target: Descriptor, by: Party): Promise<void>;
  args(more: Properties): Properties;
  stores: MemoryStores;
}> {
  const stores = new MemoryStores();
  const store = stores.at(HERE);
  const v1 = await publish(store, "v1", wabbit);
  const claimed = plainDescriptor(
    (
      await claim(
        store,
        { type: "test-result", subject: v1, predicate: tested, audience: "public" },
        null,
      )
    ).manifest.descriptor,
  );
  for (const by of signers) await sign(store, claimed, by);
  const args = (more: Properties): Properties => ({
    artifact: `${HERE}@${v1.digest}`,
    trust: trustOf(wabbit, acme),
    ...more,
  });
  return {
    gate: new Life(verification, { folder: "/nonexistent", world: { stores, revocation: away } }),
    v1,
    claimed,
    sign: (target, by) => sign(store, target, by),
    args,
    stores,
  };
}

test("a claim that two trusted issuers have signed meets what is required of either, and is denied as either's", async () => {
  for (const signers of [
    [wabbit, acme],
    [acme, wabbit],
  ]) {
    const { gate, v1, claimed, args } = await world(...signers, stranger);
    for (const name of ["Wabbit Networks", "ACME Rockets"]) {
      const { planned } = await gate.preview(
        args({ require: [{ type: "test-result", issuer: identityOf(name) }] }),
      );
      assert.equal(planned["reference"], `${HERE}@${v1.digest}`, name);
      const claims = planned["claims"] as Record<string, { status: string }>;
      assert.match(
        claims[claimed.digest]?.status ?? "",
        /^effective: by .*O=ACME Rockets.* and .*O=Wabbit Networks/,
      );
      await assert.rejects(
        gate.up(args({ deny: [{ type: "test-result", issuer: identityOf(name) }] })),
        codeOf("VERIFICATION_UNMET", /deny\[0\]: unmet: no claim of type test-result/),
      );
    }
    const { planned } = await gate.preview(
      args({ require: [{ type: "test-result", issuer: identityOf("Stranger") }] }),
    );
    assert.equal(planned["reference"], undefined, "a signer who is not trusted has signed nothing");
    assert.equal(
      (
        await gate.preview(
          args({ deny: [{ type: "test-result", issuer: identityOf("Stranger") }] }),
        )
      ).planned["reference"],
      `${HERE}@${v1.digest}`,
    );
  }
});

test("a refresh shows that a requirement is not met any more once the signature of the one it asks for is gone", async () => {
  const { gate, args, claimed, stores } = await world(wabbit, acme);
  await gate.up(args({ require: [{ type: "test-result", issuer: identityOf("ACME Rockets") }] }));
  const store = stores.at(HERE);
  for (const signature of await store.referrers(claimed.digest))
    await store.deleteManifest(signature);
  await sign(store, claimed, wabbit);
  await gate.refresh();
  assert.match(
    String(
      (gate.outputs["verdict"] as { requirements: Record<string, string> }).requirements[
        "require[0]"
      ],
    ),
    /^unmet: .*its issuer is CN=Wabbit/,
  );
  assert.equal(gate.outputs["reference"], undefined);
});

test("a co-signer who takes back his signature by a revocation of his own takes nothing from the other", async () => {
  const { gate, v1, claimed, args, stores } = await world(wabbit, acme);
  await claim(
    stores.at(HERE),
    {
      type: "revocation",
      subject: claimed,
      predicate: { target: claimed.digest, reason: "signed too early" },
      audience: "public",
    },
    acme,
  );
  const asking = async (name: string) =>
    (await gate.preview(args({ require: [{ type: "test-result", issuer: identityOf(name) }] })))
      .planned["reference"];
  assert.deepEqual(
    [await asking("Wabbit Networks"), await asking("ACME Rockets")],
    [`${HERE}@${v1.digest}`, undefined],
  );
});

test("a revocation of a claim, beside it, counts as inconclusive while its signer's responder does not answer", async () => {
  const remote = party("Remote", { ocsp: "http://ocsp.example" });
  const { gate, claimed, args, stores } = await world(wabbit);
  const asking = {
    ...args({ require: [{ type: "test-result" }] }),
    trust: trustOf(wabbit, remote),
  };
  assert.notEqual((await gate.preview(asking)).planned["reference"], undefined);
  await claim(
    stores.at(HERE),
    {
      type: "revocation",
      subject: claimed,
      predicate: { target: claimed.digest, reason: "it never ran" },
      audience: "public",
    },
    remote,
  );
  const { planned } = await gate.preview(asking);
  assert.equal(planned["reference"], undefined);
  assert.match(
    gate.warnings.join(),
    /lifecycle\.revocation: unmet: not revoked: cannot be told, sha256:[0-9a-f]{64} is inconclusive: .*no answer/,
  );
  await assert.rejects(gate.up(asking), failsWith("VERIFICATION_UNMET"));
});

test("a revocation that one place has with a stranger's signature and another with its issuer's own is its issuer's", async () => {
  const { v1, stores } = await world();
  const [here, there] = [stores.at(HERE), stores.at("registry.example/acme/app")];
  const packed = {
    type: "revocation",
    subject: v1,
    predicate: { target: v1.digest, reason: "CVE-2026-2000" },
    audience: "public",
  } as const;
  await claim(here, packed, acme);
  await claim(there, packed, wabbit);
  const trust = await openTrust(trustOf(wabbit, acme), HERE, { baseDir: "/nonexistent" });
  const jury = {
    trust,
    scope: HERE,
    question: { lifecycleIssuers: { revocation: [identityOf("Wabbit Networks")] } },
  };
  const context = { ...makeContext("/nonexistent", { get: () => undefined }), revocation: away };
  assert.equal(revocationIn(await lifecycleAt([{ store: here }], v1, jury, context)), undefined);
  for (const witnesses of [
    [here, there],
    [there, here],
  ]) {
    assert.match(
      revocationIn(
        await lifecycleAt(
          witnesses.map((store) => ({ store })),
          v1,
          jury,
          context,
        ),
      ) ?? "",
      /^revoked by CN=Wabbit.*: CVE-2026-2000$/,
    );
  }
});
