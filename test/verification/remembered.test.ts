// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { MemoryStore } from "../../provider/content/memory";
import { ConsignError, type ErrorCode } from "../../provider/errors";
import type { Store } from "../../provider/content/storage";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/pack";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { parseManifest } from "../../provider/oci/manifest";
import { makeContext } from "../../provider/dynamic/host";
import { PartialFailure, type Properties } from "../../provider/world/reconciler";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import { claim, MemoryStores, publish, quickParty, sign, trustOf } from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");
const HERE = "registry.example/wabbit/app";
const revokes = (target: Descriptor, reason = "CVE-2026-2000"): object => ({
  target: target.digest,
  reason,
});

let stores: MemoryStores;
let store: MemoryStore;
let v1: Descriptor;
/** Left out of every list, as who writes a fallback tag can. */
let hidden: Set<Digest>;
let broken: Map<Digest, ErrorCode>;
beforeEach(async () => {
  stores = new MemoryStores();
  store = stores.at(HERE);
  v1 = await publish(store, "v1", wabbit);
  hidden = new Set();
  broken = new Map();
  stores.wrap = (behind) =>
    new Proxy<Store>(behind, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name === "referrers")
          return async (subject: Digest) =>
            (await target.referrers(subject)).filter(({ digest }) => !hidden.has(digest));
        if (name === "manifest")
          return async (asked: Descriptor | string) => {
            const digest = (typeof asked === "string" ? asked : asked.digest) as Digest;
            const code = broken.get(digest);
            if (code !== undefined) throw new ConsignError(code, `${digest} is broken`);
            return target.manifest(asked);
          };
        return typeof member === "function"
          ? (member as (...args: unknown[]) => unknown).bind(target)
          : member;
      },
    });
});

const args = (more: Properties = {}): Properties => ({
  artifact: `${HERE}@${v1.digest}`,
  trust: trustOf(wabbit, acme),
  ...more,
});
const gate = (): Life => new Life(verification, { folder: "/nonexistent", world: { stores } });

async function claimed(type: string, predicate: unknown, subject = v1): Promise<Descriptor> {
  const { manifest } = await claim(store, { type, subject, predicate, audience: "public" }, wabbit);
  return plainDescriptor(manifest.descriptor);
}
const signatureOf = async (target: Descriptor): Promise<Digest> =>
  (await store.referrers(target.digest))[0]?.digest as Digest;
const isVerified = async (life: Life, more: Properties = {}): Promise<boolean> =>
  (await life.preview(args(more))).planned["reference"] !== undefined;

describe("what was said against an artifact", () => {
  test("counts while it is there, also where a list leaves it out", async () => {
    const life = gate();
    await life.up(args());
    const revocation = await claimed("revocation", revokes(v1));
    await life.refresh();
    assert.equal(life.outputs["reference"], undefined);
    const signature = await signatureOf(revocation);
    for (const left of [revocation.digest, signature]) {
      hidden = new Set([left]);
      assert.equal(await isVerified(gate()), true, "nobody who has not seen it can tell");
      assert.equal(await isVerified(life), false);
      await life.refresh();
      assert.equal(await isVerified(life), false);
    }
  });

  test("counts as what cannot be read, where it is damaged besides", async () => {
    const life = gate();
    const revocation = await claimed("revocation", revokes(v1));
    await assert.rejects(life.up(args()), /VERIFICATION_UNMET/);
    const signature = await signatureOf(revocation);
    for (const left of [revocation.digest, signature])
      for (const code of ["DIGEST_MISMATCH", "SIZE_MISMATCH"] as const) {
        hidden = new Set([left]);
        broken = new Map([[left, code]]);
        const { planned } = await life.preview(args());
        assert.equal(planned["reference"], undefined);
        assert.match(life.warnings.join(), /lifecycle\.revocation: unmet: .*cannot be told/);
      }
    broken = new Map([[revocation.digest, "REGISTRY_FAILED"]]);
    await assert.rejects(life.preview(args()), /REGISTRY_FAILED/);
  });

  test("is over once it is gone, asked twice", async () => {
    const life = gate();
    const revocation = await claimed("revocation", revokes(v1));
    await assert.rejects(life.up(args()), /VERIFICATION_UNMET/);
    await store.deleteManifest(revocation);
    assert.equal(await isVerified(life), true);
    await life.up(args());
    assert.equal(life.outputs["against"], undefined);
    assert.equal(life.outputs["reference"], `${HERE}@${v1.digest}`);
  });

  test("is over once it is revoked", async () => {
    const life = gate();
    const revocation = await claimed("revocation", revokes(v1));
    await assert.rejects(life.up(args()), /VERIFICATION_UNMET/);
    hidden = new Set([revocation.digest]);
    await claimed("revocation", revokes(revocation, "a mistake"), revocation);
    assert.equal(await isVerified(life), true);
  });

  test("so with what is denied, and what has replaced something good", async () => {
    const result = (text: string) => ({ result: text, configuration: [{ name: "unit" }] });
    const denied = await claimed("test-result", result("FAILED"));
    const deny = [{ type: "test-result", condition: 'predicate.result == "FAILED"' }];
    const life = gate();
    await assert.rejects(life.up(args({ deny })), /VERIFICATION_UNMET/);
    hidden = new Set([denied.digest]);
    assert.equal(await isVerified(gate(), { deny }), true);
    assert.equal(await isVerified(life, { deny }), false);
  });

  test("is nothing that strangers said, and nothing where all is well", async () => {
    const content = { type: "revocation", subject: v1, predicate: revokes(v1) } as const;
    await claim(store, { ...content, audience: "public" }, stranger);
    await claimed("test-result", { result: "PASSED", configuration: [{ name: "unit" }] });
    const life = gate();
    await life.up(args({ require: [{ type: "test-result" }] }));
    assert.equal(life.outputs["against"], undefined);
    assert.deepEqual(await life.refresh(), []);
  });
});

describe("a gate that fails", () => {
  test("leaves a state with the bad verdict and without a reference, where it was good before and where there was none", async () => {
    const life = gate();
    await life.up(args());
    assert.equal(life.outputs["reference"], `${HERE}@${v1.digest}`);
    await claimed("revocation", revokes(v1));
    const fresh = gate();
    for (const each of [life, fresh]) {
      await assert.rejects(each.up(args()), /VERIFICATION_UNMET/);
      assert.notEqual(each.id, undefined);
      assert.equal(each.outputs["reference"], undefined);
      assert.equal(each.outputs["summary"], undefined);
      assert.match(
        JSON.stringify(each.outputs["verdict"]),
        /lifecycle\.revocation":"unmet: not revoked: revoked by/,
      );
      await each.refresh();
      assert.equal(each.outputs["reference"], undefined);
    }
  });

  test("takes away what the plan had found good, where that ended meanwhile", async () => {
    const { planned } = await gate().preview(args());
    assert.equal(planned["reference"], `${HERE}@${v1.digest}`);
    await claimed("revocation", revokes(v1));
    const context = { ...makeContext("/nonexistent", undefined), stores };
    await assert.rejects(
      verification.ensure(planned, undefined, context),
      (error: unknown) =>
        error instanceof PartialFailure &&
        error.properties["reference"] === undefined &&
        error.properties["summary"] === undefined,
    );
  });

  test("is passed again once what was wrong is taken back", async () => {
    const life = gate();
    const revocation = await claimed("revocation", revokes(v1));
    await assert.rejects(life.up(args()), /VERIFICATION_UNMET/);
    await claimed("revocation", revokes(revocation, "a mistake"), revocation);
    assert.equal(await life.up(args()), "update");
    assert.equal(life.outputs["reference"], `${HERE}@${v1.digest}`);
    assert.equal(await life.up(args()), "same");
  });
});

describe("content that is not there", () => {
  const member = (name: string) =>
    packManifest({
      artifactType: "application/vnd.example",
      layers: [bytesBlob(Buffer.from(name), "text/plain")],
    });

  async function index(...names: string[]): Promise<Descriptor[]> {
    const members = [];
    for (const name of names) {
      const packed = member(name);
      await pushArtifact(store, packed);
      members.push(plainDescriptor(packed.manifest.descriptor));
    }
    const manifest = parseManifest(
      Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: members }),
      ),
      MEDIA_TYPES.index,
    );
    await store.pushManifest(manifest);
    v1 = plainDescriptor(manifest.descriptor);
    await sign(store, v1, wabbit);
    return members;
  }

  test("gives no reference: an index without any of its manifests", async () => {
    const members = await index("amd64", "arm64");
    assert.equal(await isVerified(gate()), true);
    await store.deleteManifest(members[0] as Descriptor);
    const sparse = gate();
    assert.equal(await isVerified(sparse), true);
    assert.match(
      sparse.warnings.join(),
      new RegExp(`is not here as a whole: ${members[0]?.digest}`),
    );
    await store.deleteManifest(members[1] as Descriptor);
    const empty = gate();
    assert.equal(await isVerified(empty), false);
    assert.match(
      empty.warnings.join(),
      /content: unmet: its content is there: none of its manifests/,
    );
    await assert.rejects(empty.up(args()), /VERIFICATION_UNMET/);
    assert.equal(empty.outputs["reference"], undefined);
  });

  test("gives no reference: what is purged by the word of one who is trusted", async () => {
    const purged = { purgedAt: "2026-01-01T00:00:00Z", reason: "no longer kept" };
    await claim(
      store,
      { type: "content-purged", subject: v1, predicate: purged, audience: "internal" },
      stranger,
    );
    assert.equal(await isVerified(gate()), true);
    await claimed("content-purged", purged);
    const life = gate();
    assert.equal(await isVerified(life), false);
    assert.match(
      life.warnings.join(),
      /its content is there: .* took it away on 2026-01-01: no longer/,
    );
  });

  test("matters not for blobs, which may come from elsewhere", async () => {
    const manifest = await store.manifest(v1);
    if (manifest.kind === "manifest")
      for (const layer of manifest.value.layers) await store.deleteBlob(layer);
    assert.equal(await isVerified(gate()), true);
  });
});

describe("a claim that only its content names", () => {
  async function byHand(predicateType: string, text?: string): Promise<Descriptor> {
    const STATEMENT = "application/vnd.in-toto+json";
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { sha256: v1.digest.slice(7) } }],
      predicateType,
      predicate: {},
    };
    const packed = packManifest({
      artifactType: STATEMENT,
      layers: [bytesBlob(Buffer.from(text ?? JSON.stringify(statement)), STATEMENT)],
      subject: v1,
    });
    await pushArtifact(store, packed);
    return plainDescriptor(packed.manifest.descriptor);
  }

  test("and is malformed may forbid, until it is revoked, where its signer may", async () => {
    const odd = await byHand("", "{ not JSON");
    assert.equal(await isVerified(gate()), true, "nobody has signed it");
    await sign(store, odd, stranger);
    assert.equal(await isVerified(gate()), true, "a stranger has");
    await sign(store, odd, wabbit);
    const life = gate();
    assert.equal(await isVerified(life), false);
    assert.match(life.warnings.join(), /unmet: not revoked: cannot be told.*\(STATEMENT_INVALID\)/);
    const ACME = ["x509.subject: C=US, ST=WA, O=ACME Rockets"];
    const some = { revocation: ACME };
    assert.equal(await isVerified(gate(), { lifecycleIssuers: some }), false, "it may be an end");
    const others = { revocation: ACME, endOfLife: ACME };
    assert.equal(await isVerified(gate(), { lifecycleIssuers: others }), true, "he may not");
    const denying = { lifecycleIssuers: others, deny: [{ type: "test-result" }] };
    assert.equal(await isVerified(gate(), denying), false, "it may be what is denied");
    await claimed("revocation", revokes(odd, "to be made again"), odd);
    assert.equal(await isVerified(gate()), true);
    assert.equal(await isVerified(gate(), denying), true);
  });

  test("and neither forbids nor is denied is ignored, with a line", async () => {
    await sign(store, await byHand("https://example.com/notes/v1"), wabbit);
    const life = gate();
    assert.equal(await isVerified(life), true);
    assert.match(
      life.warnings.join(),
      /has a claim, sha256:\S+ of type https:\/\/example.com\/notes\/v1 by CN=Wabbit .*, that is neither asked for nor forbids/,
    );
  });
});
