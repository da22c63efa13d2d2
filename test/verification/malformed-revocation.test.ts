// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { MemoryStore } from "../../provider/content/memory";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
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

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");
const HERE = "registry.example/wabbit/app";
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const STATEMENT = "application/vnd.in-toto+json";
const REVOCATION = "https://consign.dev/claims/revocation/v1";
const END_OF_LIFE = "https://consign.dev/claims/endOfLife/v1";

let stores: MemoryStores;
let store: MemoryStore;
let v1: Descriptor;
beforeEach(async () => {
  stores = new MemoryStores();
  store = stores.at(HERE);
  v1 = await publish(store, "v1", wabbit);
});

interface Malformed {
  predicate?: unknown;
  text?: string;
  layers?: number;
  annotations?: Record<string, string>;
}

/** A claim as somebody makes it by hand, and gets it wrong. */
async function byHand(type: string, wrong: Malformed, by: Party | null): Promise<Descriptor> {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: v1.digest.slice(7) } }],
    predicateType: type,
    predicate: wrong.predicate,
  };
  const text = wrong.text ?? JSON.stringify(statement);
  const packed = packManifest({
    artifactType: STATEMENT,
    layers: Array.from({ length: wrong.layers ?? 1 }, (_, index) =>
      bytesBlob(Buffer.from(`${text}${" ".repeat(index)}`), STATEMENT),
    ),
    subject: v1,
    annotations: { "dev.consign.claim.type": type, ...wrong.annotations },
  });
  await pushArtifact(store, packed);
  const descriptor = plainDescriptor(packed.manifest.descriptor);
  if (by !== null) await sign(store, descriptor, by);
  return descriptor;
}

async function asked(
  more: Properties = {},
): Promise<{ verified: boolean; warnings: string; claims: Record<string, { status: string }> }> {
  const gate = new Life(verification, { folder: "/nonexistent", world: { stores } });
  const { planned } = await gate.preview({
    artifact: `${HERE}@${v1.digest}`,
    trust: trustOf(wabbit, acme),
    lifecycleIssuers: { revocation: [WABBIT], endOfLife: [WABBIT] },
    ...more,
  });
  return {
    verified: planned["reference"] !== undefined,
    warnings: gate.warnings.join("\n"),
    claims: planned["claims"] as Record<string, { status: string }>,
  };
}

const CANNOT_BE_TOLD =
  /lifecycle\.\w+: unmet: not .*: cannot be told, sha256:[0-9a-f]{64} is inconclusive: it is signed by CN=Wabbit .*, and what it says cannot be read: .*\((?:PREDICATE|STATEMENT)_INVALID\) \[SIGNATURE_INCONCLUSIVE\]/;

describe("what forbids and is malformed", () => {
  const wrong: Record<string, (digest: string) => [type: string, Malformed]> = {
    "a date that is none": (target) => [
      REVOCATION,
      { predicate: { target, reason: "CVE-2026-2000", since: "2026-01-01" } },
    ],
    "no reason": (target) => [REVOCATION, { predicate: { target } }],
    "no statement": () => [REVOCATION, { text: '{"target": "this one"}' }],
    "no JSON": () => [REVOCATION, { text: "this must not be used any more" }],
    "a statement of another type": () => [
      REVOCATION,
      {
        text: JSON.stringify({
          _type: "https://in-toto.io/Statement/v1",
          subject: [{ digest: { sha256: v1.digest.slice(7) } }],
          predicateType: "https://example.com/x",
          predicate: {},
        }),
      },
    ],
    "two layers": (target) => [
      REVOCATION,
      { predicate: { target, reason: "CVE-2026-2000" }, layers: 2 },
    ],
    "what it supersedes is no list of digests": (target) => [
      REVOCATION,
      {
        predicate: { target, reason: "CVE-2026-2000" },
        annotations: { "dev.consign.claim.supersedes": "the old one" },
      },
    ],
    "an end of life without a date": () => [END_OF_LIFE, { predicate: { date: "soon" } }],
  };
  test("leaves a verification unmet, whatever is wrong with it", async () => {
    for (const [what, make] of Object.entries(wrong)) {
      v1 = await publish(store, what, wabbit);
      const descriptor = await byHand(...make(v1.digest), wabbit);
      const { verified, warnings, claims } = await asked();
      assert.equal(verified, false, what);
      assert.match(warnings, CANNOT_BE_TOLD, what);
      assert.match(claims[descriptor.digest]?.status ?? "", /^inconclusive: /, what);
    }
  });

  test("counts for nothing where nobody who may has signed it", async () => {
    for (const by of [acme, stranger, null])
      await byHand(
        REVOCATION,
        {
          predicate: {
            target: v1.digest,
            reason: "no",
            since: String(by?.issued.chain.length ?? 0),
          },
        },
        by,
      );
    assert.equal((await asked()).verified, true);
  });

  test("is lifted by revoking it", async () => {
    const broken = await byHand(REVOCATION, { predicate: { target: v1.digest } }, wabbit);
    await claim(
      store,
      {
        type: "revocation",
        subject: v1,
        predicate: { target: broken.digest, reason: "to be made again" },
        audience: "public",
      },
      acme,
    );
    assert.equal((await asked()).verified, false, "not by others");
    await claim(
      store,
      {
        type: "revocation",
        subject: broken,
        predicate: { target: broken.digest, reason: "to be made again" },
        audience: "public",
      },
      wabbit,
    );
    assert.equal((await asked()).verified, true, (await asked()).warnings);
  });

  test("so with a claim that is denied, by an issuer whose claims are, until it is revoked", async () => {
    const broken = await byHand(
      "https://in-toto.io/attestation/test-result/v0.1",
      { predicate: { result: "failed", configuration: [] } },
      wabbit,
    );
    const denying = (issuer: string) => ({
      deny: [{ type: "test-result", issuer, condition: 'predicate.result == "FAILED"' }],
    });
    assert.equal(
      (await asked(denying("x509.subject: C=US, ST=WA, O=ACME Rockets"))).verified,
      true,
    );
    const { verified, warnings } = await asked(denying(WABBIT));
    assert.equal(verified, false);
    assert.match(
      warnings,
      /deny\[0\]: unmet: no claim of type test-result .*: cannot be told, the predicate does not fit test-result/,
    );
    await claim(
      store,
      {
        type: "revocation",
        subject: v1,
        predicate: { target: broken.digest, reason: "to be made again" },
        audience: "public",
      },
      wabbit,
    );
    assert.equal((await asked(denying(WABBIT))).verified, true);
  });
});
