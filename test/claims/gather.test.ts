// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { effectiveClaims, gatherClaims, type GatherOptions } from "../../provider/claims/index";
import { MemoryStore } from "../../provider/content/memory";
import type { ReadStore } from "../../provider/content/storage";
import type { ResolvedTrustPolicy } from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import {
  World,
  acme,
  impostor,
  sbom,
  scan,
  testResult,
  trust,
  wabbit,
} from "../engine/verification-world";
import { resolve } from "../notation/arrange";

const now = new Date();
const context = { now, baseDir: "/nonexistent", scope: "memory:gather" };
const policy = resolve(trust());

/**
 * A store that writes down what is read from it: `manifest`, `blob`, `has` or `referrers`, and the
 * digest.
 */
function watched(store: ReadStore): { store: ReadStore; reads: string[] } {
  const reads: string[] = [];
  const noted = <T>(verb: string, target: string | Descriptor, answer: T): T => {
    reads.push(`${verb} ${typeof target === "string" ? target : target.digest}`);
    return answer;
  };
  return {
    reads,
    store: {
      name: store.name,
      resolve: (reference) => noted("resolve", reference, store.resolve(reference)),
      manifest: (target) => noted("manifest", target, store.manifest(target)),
      blob: (target) => noted("blob", target, store.blob(target)),
      has: (target) => noted("has", target, store.has(target)),
      referrers: (subject) => noted("referrers", subject, store.referrers(subject)),
      tags: () => store.tags(),
    },
  };
}

async function arrange(): Promise<{
  world: World;
  artifact: Descriptor;
  gather: (o?: GatherOptions, p?: Promise<ResolvedTrustPolicy>) => Promise<Record<string, string>>;
  reads: string[];
}> {
  const world = new World(new MemoryStore("gather"));
  const artifact = await world.publish();
  const { store, reads } = watched(world.store);
  const gather = async (
    options: GatherOptions = {},
    given = policy,
  ): Promise<Record<string, string>> => {
    reads.length = 0;
    const claims = await gatherClaims(store, artifact, await given, context, options);
    return Object.fromEntries(
      effectiveClaims({ subject: artifact.digest, now, claims }).claims.map(
        ({ digest, status }) => [digest, status],
      ),
    );
  };
  return { world, artifact, gather, reads };
}

async function layersOf(world: World, claim: Descriptor): Promise<Descriptor[]> {
  const manifest = await world.store.manifest(claim);
  return manifest.kind === "manifest" ? manifest.value.layers : [];
}

const vsa = (resource: string): unknown => ({
  verifier: { id: "https://example.com/verifier" },
  resourceUri: resource,
  policy: { uri: "https://example.com/policy" },
  verificationResult: "PASSED",
  verifiedLevels: ["SLSA_BUILD_LEVEL_3"],
});

test("a claim about a claim is not a claim about the artifact, unless it revokes", async () => {
  const { world, artifact, gather } = await arrange();
  const bill = await world.claim(artifact, "sbom/spdx", sbom());
  const about = await world.claim(bill, "vsa", vsa("the SBOM"));
  await world.claim(about, "test-result", testResult());
  assert.deepEqual(await gather(), { [bill.digest]: "effective" });
  const revocation = await world.claim(bill, "revocation", {
    target: bill.digest,
    reason: "incomplete",
  });
  assert.deepEqual(await gather(), { [bill.digest]: "revoked", [revocation.digest]: "effective" });
  const lifted = await world.claim(revocation, "revocation", {
    target: revocation.digest,
    reason: "it was complete",
  });
  assert.deepEqual(await gather(), {
    [bill.digest]: "effective",
    [revocation.digest]: "revoked",
    [lifted.digest]: "effective",
  });
});

test("what nobody trusted has signed is listed, and neither read nor followed", async () => {
  const { world, artifact, gather, reads } = await arrange();
  const bill = await world.claim(artifact, "sbom/spdx", sbom(), { by: null });
  const forged = await world.claim(artifact, "test-result", testResult(), { by: impostor });
  await world.claim(bill, "revocation", { target: bill.digest, reason: "noise" });
  assert.deepEqual(await gather(), { [bill.digest]: "unsigned", [forged.digest]: "untrusted" });
  for (const layer of [...(await layersOf(world, bill)), ...(await layersOf(world, forged))])
    assert.ok(!reads.includes(`blob ${layer.digest}`), "its content was read");
});

test("a policy that only logs authenticity does not make a stranger's claim count", async () => {
  const { world, artifact, gather } = await arrange();
  const forged = await world.claim(artifact, "test-result", testResult(), { by: impostor });
  const good = await world.claim(artifact, "sbom/spdx", sbom());
  const audit = resolve(trust({ signatureVerification: { level: "audit" } }));
  assert.deepEqual(await gather({}, audit), {
    [forged.digest]: "untrusted",
    [good.digest]: "effective",
  });
});

test("a large SBOM is downloaded only when somebody asks what is in it, and missed when it is not there", async () => {
  const { world, artifact, gather, reads } = await arrange();
  const bytes = Buffer.from(JSON.stringify({ ...(sbom() as object), files: "x".repeat(300_000) }));
  const bill = await world.claim(artifact, "sbom/spdx", undefined, {
    document: { bytes, mediaType: "application/spdx+json" },
  });
  const [layer] = await layersOf(world, bill);
  assert.ok(layer);
  const reading = () => reads.filter((read) => read.endsWith(layer.digest));
  assert.deepEqual(
    [await gather({ predicates: () => false }), reading()],
    [{ [bill.digest]: "effective" }, [`has ${layer.digest}`]],
  );
  assert.deepEqual(
    [await gather({ predicates: (type) => type.includes("spdx") }), reading()],
    [{ [bill.digest]: "effective" }, [`blob ${layer.digest}`]],
  );
  await world.store.deleteBlob(layer);
  assert.deepEqual(await gather({ predicates: () => false }), { [bill.digest]: "tampered" });
});

test("types that nobody asks about cost nothing, but for those that supersede", async () => {
  const { world, artifact, gather, reads } = await arrange();
  const old = await world.claim(artifact, "test-result", testResult(), {
    signedAt: new Date(now.getTime() - 60_000),
  });
  const other = await world.claim(artifact, "vsa", vsa("x"));
  const about = (type: string): boolean => type.includes("test-result");
  assert.deepEqual(await gather({ about }), { [old.digest]: "effective" });
  assert.ok(!reads.some((read) => read.endsWith(other.digest)));
  const replacing = await world.claim(artifact, "vsa", vsa("y"), { supersedes: [old.digest] });
  assert.deepEqual(await gather({ about }), {
    [old.digest]: "superseded",
    [replacing.digest]: "effective",
  });
});

test("reads per claim: its manifest, its referrers, its signature's manifest and envelope, its statement", async () => {
  const { world, artifact, gather, reads } = await arrange();
  await world.claim(artifact, "vulnerabilities", scan(now), { by: acme });
  await gather();
  const verbs = reads.map((read) => read.split(" ")[0]).sort();
  // Referrers twice: for signatures and for revocations. A repository answers the second from
  // memory.
  assert.deepEqual(verbs, [
    "blob",
    "blob",
    "manifest",
    "manifest",
    "referrers",
    "referrers",
    "referrers",
  ]);
  assert.equal(new Set(reads).size, 6);
});

test("work is bounded: what is not looked at could be what forbids", async () => {
  const { world, artifact } = await arrange();
  const descriptor = await world.claim(artifact, "test-result", testResult());
  const many = Array.from({ length: 10_001 }, (_, index): Descriptor => ({
    ...descriptor,
    digest: `sha256:${String(index).padStart(64, "0")}`,
    annotations: { "dev.consign.claim.type": "https://example.com/x" },
  }));
  const endless: ReadStore = {
    ...watched(world.store).store,
    referrers: async (subject) => (subject === artifact.digest ? many : []),
  };
  await assert.rejects(gatherClaims(endless, artifact, await policy, context), {
    code: "GRAPH_TOO_LARGE",
  });
});

test("a store that cannot be asked is an error and not an answer", async () => {
  const { world, artifact } = await arrange();
  await world.claim(artifact, "test-result", testResult(), { by: wabbit });
  const down: ReadStore = {
    ...watched(world.store).store,
    blob: async () =>
      Promise.reject(Object.assign(new Error("no connection"), { code: "ECONNRESET" })),
  };
  await assert.rejects(gatherClaims(down, artifact, await policy, context));
});
