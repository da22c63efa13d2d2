// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ReadStore, Store } from "../../provider/content/storage";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import type { MemoryStore } from "../../provider/content/memory";
import { ConsignError, type ErrorCode } from "../../provider/errors";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import type { Properties } from "../../provider/world/reconciler";
import { promotion } from "../../provider/promotion/promotion";
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
const HERE = "registry.example/wabbit/app";
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const STATEMENT = "application/vnd.in-toto+json";

type Call = "manifest" | "blob" | "has" | "referrers" | "resolve";
const FAULTS: Record<Call, ErrorCode[]> = {
  manifest: [
    "MANIFEST_UNKNOWN",
    "DIGEST_MISMATCH",
    "SIZE_MISMATCH",
    "MANIFEST_TOO_LARGE",
    "REGISTRY_FAILED",
  ],
  blob: ["BLOB_UNKNOWN", "DIGEST_MISMATCH", "SIZE_MISMATCH", "REGISTRY_FAILED"],
  has: ["REGISTRY_FAILED"],
  referrers: ["REGISTRY_RESPONSE_INVALID"],
  resolve: ["MANIFEST_UNKNOWN", "REGISTRY_FAILED"],
};

/** A place where one request goes wrong, each time that it is made. */
class Faulty {
  readonly asked: string[] = [];
  readonly errors: string[] = [];
  strike: { at: string; code: ErrorCode } | undefined;

  wrap = (store: MemoryStore): Store =>
    new Proxy<Store>(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        const call = member as (...args: unknown[]) => unknown;
        if (!Object.hasOwn(FAULTS, name)) return call.bind(target);
        return async (...args: unknown[]) => {
          const at = `${String(name)} ${target.name} ${keyOf(args[0])}`;
          if (!this.asked.includes(at)) this.asked.push(at);
          if (this.strike?.at === at) throw new ConsignError(this.strike.code, `${at} is broken`);
          return call.apply(target, args);
        };
      },
    });
}

function keyOf(target: unknown): string {
  return typeof target === "string" ? target : (target as Descriptor).digest;
}

interface Scene {
  args: Properties;
  publish: (store: MemoryStore, v1: Descriptor) => Promise<unknown>;
}

const says =
  (type: string, predicate: (v1: Descriptor) => unknown, by: Party, at?: Date) =>
  async (store: Store, subject: Descriptor): Promise<Descriptor> => {
    const packed = await claim(
      store,
      { type, subject, predicate: predicate(subject), audience: "public" },
      at === undefined ? by : null,
    );
    const descriptor = plainDescriptor(packed.manifest.descriptor);
    if (at !== undefined) await sign(store, descriptor, by, at);
    return descriptor;
  };

/** As `oras attach` and `notation sign` leave it: only its content says what it is. */
const byHand =
  (predicateType: string, predicate: (v1: Descriptor) => unknown, by: Party) =>
  async (store: ReadStore & Store, subject: Descriptor): Promise<Descriptor> => {
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { sha256: subject.digest.slice(7) } }],
      predicateType,
      predicate: predicate(subject),
    };
    const packed = packManifest({
      artifactType: STATEMENT,
      layers: [bytesBlob(Buffer.from(JSON.stringify(statement)), STATEMENT)],
      subject,
    });
    await pushArtifact(store, packed);
    const descriptor = plainDescriptor(packed.manifest.descriptor);
    await sign(store, descriptor, by);
    return descriptor;
  };

const revokes = ({ digest }: Descriptor): object => ({ target: digest, reason: "CVE-2026-2000" });
const tested = (result: string) => () => ({ result, configuration: [{ name: "unit" }] });
const ended = (): object => ({ date: "2020-01-01" });
const DAY = 86_400_000;
const mayForbid = { revocation: [WABBIT], endOfLife: [WABBIT] };
const ofTest = (result: string) => [
  { type: "test-result", condition: `predicate.result == "${result}"` },
];

const SCENES: Record<string, Scene> = {
  revoked: { args: { lifecycleIssuers: mayForbid }, publish: says("revocation", revokes, wabbit) },
  "revoked by hand": {
    args: { lifecycleIssuers: mayForbid },
    publish: byHand("https://consign.dev/claims/revocation/v1", revokes, wabbit),
  },
  ended: { args: { lifecycleIssuers: mayForbid }, publish: says("endOfLife", ended, wabbit) },
  denied: {
    args: { deny: ofTest("FAILED") },
    publish: says("test-result", tested("FAILED"), acme),
  },
  "denied by hand": {
    args: { deny: ofTest("FAILED") },
    publish: byHand("https://in-toto.io/attestation/test-result/v0.1", tested("FAILED"), acme),
  },
  required: {
    args: { require: ofTest("PASSED") },
    async publish(store, v1) {
      const passed = await says("test-result", tested("PASSED"), acme)(store, v1);
      const revocation = () => ({ target: passed.digest, reason: "it never ran" });
      await says("revocation", revocation, acme)(store, passed);
    },
  },
  superseded: {
    args: { require: ofTest("PASSED") },
    async publish(store, v1) {
      await says("test-result", tested("PASSED"), acme, new Date(Date.now() - 2 * DAY))(store, v1);
      await says("test-result", tested("FAILED"), acme, new Date(Date.now() - DAY))(store, v1);
    },
  },
  "superseded by precedence": {
    args: {
      require: ofTest("PASSED"),
      precedence: [WABBIT, "x509.subject: C=US, ST=WA, O=ACME Rockets"],
    },
    async publish(store, v1) {
      await says("test-result", tested("PASSED"), acme)(store, v1);
      await says("test-result", tested("FAILED"), wabbit, new Date(Date.now() - DAY))(store, v1);
    },
  },
};

interface Probe {
  stores: MemoryStores;
  faulty: Faulty;
  verified: () => Promise<boolean>;
}

async function scene(name: string, kind: "verification" | "promotion"): Promise<Probe> {
  const stores = new MemoryStores();
  const store = stores.at(HERE);
  const v1 = await publish(store, name, wabbit);
  const { args, publish: add } = SCENES[name] as Scene;
  await add(store, v1);
  const faulty = new Faulty();
  stores.wrap = faulty.wrap;
  const life = () =>
    new Life(kind === "verification" ? verification : promotion, {
      folder: "/nonexistent",
      world: { stores },
    });
  const given = {
    artifact: `${HERE}@${v1.digest}`,
    trust: trustOf(wabbit, acme),
    ...args,
    ...(kind === "verification"
      ? {}
      : {
          environment: "production",
          to: "registry.example/acme/app",
          tag: "prod",
          signer: acme.signer,
        }),
  };
  return {
    stores,
    faulty,
    async verified() {
      try {
        const { planned } = await life().preview(given);
        return kind === "verification"
          ? planned["reference"] !== undefined
          : planned["verified"] === true;
      } catch (error) {
        faulty.errors.push(String(error));
        return false;
      }
    },
  };
}

describe("no single fault of a place improves a verdict", () => {
  for (const kind of ["verification", "promotion"] as const)
    for (const name of Object.keys(SCENES))
      test(`${kind}: ${name}`, async () => {
        const { faulty, verified } = await scene(name, kind);
        assert.equal(await verified(), false, "without a fault");
        assert.deepEqual(faulty.errors, []);
        const wrong: string[] = [];
        for (const at of [...faulty.asked])
          for (const code of FAULTS[at.split(" ")[0] as Call]) {
            faulty.strike = { at, code };
            if (await verified()) wrong.push(`${at}: ${code}`);
          }
        assert.deepEqual(wrong, []);
        assert.ok(faulty.asked.length > 5);
      });
});
