// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packClaim } from "../../provider/claims/index";
import { MemoryStore } from "../../provider/content/memory";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import type { ReadStore } from "../../provider/content/storage";
import { ConsignError, type ErrorCode } from "../../provider/errors";
import { judge } from "../../provider/judging/judgement";
import { openTrust } from "../../provider/judging/trust";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { RegistryClient } from "../../provider/registry/index";
import { contextAt } from "../verification/context";
import {
  claim,
  family,
  publish,
  quickParty,
  sign,
  trustOf,
  type Party,
} from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
/** Trusted, and may neither allow nor forbid. */
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const DAY = 86_400_000;

const question = {
  require: [{ type: "test-result", issuer: WABBIT, condition: 'predicate.result == "PASSED"' }],
  deny: [{ type: "vulnerabilities", issuer: WABBIT }],
  lifecycleIssuers: { revocation: [WABBIT], endOfLife: [WABBIT] },
};
const tested = (result: string) => ({ result, configuration: [{ name: "unit" }] });
const revokes = (target: Digest) => ({ target, reason: "CVE-2026-2000" });
const content = (type: string, subject: Descriptor, predicate: unknown) =>
  ({ type, subject, predicate, audience: "public" }) as const;

async function claimed(
  store: MemoryStore,
  type: string,
  subject: Descriptor,
  predicate: unknown,
  daysAgo = 0,
): Promise<Descriptor> {
  const packed = packClaim(content(type, subject, predicate));
  await pushArtifact(store, packed);
  const descriptor = plainDescriptor(packed.manifest.descriptor);
  await sign(store, descriptor, wabbit, new Date(Date.now() - daysAgo * DAY));
  return descriptor;
}

/** Each of them is not verified. */
const REASONS: Record<string, (store: MemoryStore, v1: Descriptor) => Promise<unknown>> = {
  revoked: (store, v1) => claimed(store, "revocation", v1, revokes(v1.digest)),
  ended: (store, v1) => claimed(store, "endOfLife", v1, { date: "2020-01-01" }),
  superseded: (store, v1) => claimed(store, "test-result", v1, tested("FAILED")),
  async withdrawn(store, v1) {
    const passed = packClaim(content("test-result", v1, tested("PASSED"))).manifest.descriptor;
    await claimed(store, "revocation", plainDescriptor(passed), revokes(passed.digest));
  },
};

type Act =
  | { kind: "damage"; at: number; code: ErrorCode }
  | { kind: "claim"; by: Party | null; type: string; at: number }
  | { kind: "cosign"; by: Party; at: number }
  | { kind: "junk"; at: number; artifactType: string };

const by = fc.constantFrom(acme, stranger);
const at = fc.nat(1_000);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant("damage" as const),
    at,
    code: fc.constantFrom<ErrorCode>("MANIFEST_UNKNOWN", "DIGEST_MISMATCH", "SIZE_MISMATCH"),
  }),
  fc.record({
    kind: fc.constant("claim" as const),
    by: fc.constantFrom(acme, stranger, null),
    type: fc.constantFrom("test-result", "revocation", "endOfLife"),
    at,
  }),
  fc.record({ kind: fc.constant("cosign" as const), by, at }),
  fc.record({
    kind: fc.constant("junk" as const),
    at,
    artifactType: fc.constantFrom(MEDIA_TYPES.notarySignature, MEDIA_TYPES.statement),
  }),
);

class World {
  readonly store = new MemoryStore("adversary");
  readonly broken = new Map<string, ErrorCode>();
  v1!: Descriptor;

  /** What is there about the artifact, itself not included. */
  async all(): Promise<Descriptor[]> {
    const digests = [...new Set(await family(this.store, this.v1.digest))].slice(1).sort();
    return Promise.all(digests.map(async (digest) => this.store.resolve(digest)));
  }

  async perform(what: Act): Promise<void> {
    const all = await this.all();
    const target = all[what.at % all.length] ?? this.v1;
    if (what.kind === "damage") {
      const manifest = await this.store.manifest(target.digest);
      const layers = manifest.kind === "manifest" ? manifest.value.layers : [];
      const whole = [target, ...layers];
      this.broken.set(whole[what.at % whole.length]?.digest ?? "", what.code);
    } else if (what.kind === "cosign") await sign(this.store, target, what.by);
    else if (what.kind === "claim") {
      const predicate =
        what.type === "revocation"
          ? revokes(target.digest)
          : what.type === "endOfLife"
            ? { date: "2099-01-01" }
            : tested("PASSED");
      await claim(this.store, content(what.type, this.v1, predicate), what.by);
    } else
      await pushArtifact(
        this.store,
        packManifest({
          artifactType: what.artifactType,
          layers: [bytesBlob(Buffer.from(`junk ${what.at}`), MEDIA_TYPES.cose)],
          subject: target,
        }),
      );
  }

  seen(): ReadStore {
    const { broken } = this;
    return new Proxy<ReadStore>(this.store, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        const call = member as (...args: unknown[]) => unknown;
        if (name !== "manifest" && name !== "blob") return call.bind(target);
        return async (given: Descriptor | string) => {
          const code = broken.get(typeof given === "string" ? given : given.digest);
          if (code === undefined) return call.call(target, given);
          const isGone = code === "MANIFEST_UNKNOWN" && name === "blob";
          throw new ConsignError(isGone ? "BLOB_UNKNOWN" : code, "it is damaged");
        };
      },
    });
  }

  async verified(): Promise<boolean> {
    const context = contextAt(new RegistryClient({ baseDir: "/nonexistent" }), () => new Date());
    const trust = await openTrust(trustOf(wabbit, acme), this.store.name, context);
    return (await judge(this.seen(), this.v1, trust, question, context)).verified;
  }
}

async function world(reason?: string): Promise<World> {
  const made = new World();
  made.v1 = await publish(made.store, "v1", wabbit);
  await claimed(made.store, "test-result", made.v1, tested("PASSED"), 2);
  if (reason !== undefined) await REASONS[reason]?.(made.store, made.v1);
  return made;
}

test("damage, absence and additions by those who may not allow never make a verdict better", async () => {
  assert.equal(await (await world()).verified(), true);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(REASONS)),
      fc.array(act, { minLength: 1, maxLength: 5 }),
      async (reason, acts) => {
        const made = await world(reason);
        assert.equal(await made.verified(), false, reason);
        for (const what of acts) {
          await made.perform(what);
          assert.equal(await made.verified(), false, `${reason}, after ${what.kind}`);
        }
      },
    ),
    { numRuns: 60, seed: 16 },
  );
});

test("strangers, and those who may not forbid, block nothing with what they push", async () => {
  const additions = act.filter(
    ({ kind }) => kind === "junk" || kind === "cosign" || kind === "claim",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(additions, { minLength: 1, maxLength: 5 }), async (acts) => {
      const made = await world();
      for (const what of acts) await made.perform(what);
      assert.equal(await made.verified(), true);
    }),
    { numRuns: 40, seed: 16 },
  );
});
