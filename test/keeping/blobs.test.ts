// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  bytesBlob,
  packManifest,
  pushArtifact,
  type PackedArtifact,
} from "../../provider/content/pack";
import { ConsignError } from "../../provider/errors";
import { leftToCollector, removeBlobs, type LeavingBlobs } from "../../provider/keeping/blobs";
import type { Digest } from "../../provider/oci/digest";
import type { Descriptor } from "../../provider/oci/descriptor";
import { OpenPlace } from "./place";

const clock = { now: () => new Date(0) };

function app(name: string, layers: readonly string[], subject?: Descriptor): PackedArtifact {
  return packManifest({
    artifactType: "application/vnd.example.app",
    layers: layers.map((text) => bytesBlob(Buffer.from(text), "text/plain")),
    annotations: { name },
    subject,
  });
}

const blobsOf = ({ blobs }: PackedArtifact): Descriptor[] =>
  blobs.map(({ descriptor }) => descriptor);

function purge(
  store: OpenPlace,
  packed: PackedArtifact,
  others: Partial<LeavingBlobs> = {},
): LeavingBlobs {
  return {
    store,
    blobs: blobsOf(packed),
    leaving: new Set([packed.manifest.descriptor.digest]),
    emptied: new Set(),
    staying: [],
    notDue: () => undefined,
    ...others,
  };
}

async function place(...all: readonly [PackedArtifact, string?][]): Promise<OpenPlace> {
  const store = new OpenPlace();
  for (const [packed, tag] of all) {
    await pushArtifact(store, packed);
    if (tag !== undefined) await store.tag(packed.manifest, tag);
  }
  return store;
}

const lost = async (store: OpenPlace, packed: PackedArtifact): Promise<Digest[]> => {
  const missing: Digest[] = [];
  for (const blob of blobsOf(packed)) if (!(await store.has(blob))) missing.push(blob.digest);
  return missing;
};

describe("blobs", () => {
  const a = app("a", ["only a's", "shared"]);
  const b = app("b", ["only b's", "shared"]);

  test("go where nothing that stays needs them; the empty config never", async () => {
    const store = await place([a, "archived-a"], [b, "archived-b"]);
    const { removed } = await removeBlobs(purge(store, a), clock);
    assert.deepEqual(removed, [blobsOf(a)[1]?.digest]);
    assert.deepEqual(await lost(store, b), []);
  });

  test("one 404 for a tag or a manifest that needs them makes nothing forgotten", async () => {
    for (const at of ["archived-b", b.manifest.descriptor.digest]) {
      const store = await place([a, "archived-a"], [b, "archived-b"]);
      store.faults.set(at, { times: 1 });
      await removeBlobs(purge(store, a), clock);
      assert.deepEqual(await lost(store, b), [], at);
    }
  });

  test("what is recorded, referred to by what stays, or leased needs them too", async () => {
    const claim = app("claim", ["shared"], b.manifest.descriptor);
    const c = app("c", ["other"]);
    const recorded = await place([a, "archived-a"], [b]);
    await removeBlobs(purge(recorded, a, { staying: [b.manifest.descriptor.digest] }), clock);
    assert.deepEqual(await lost(recorded, b), []);
    const about = app("claim", ["shared"], c.manifest.descriptor);
    const referring = await place([a, "archived-a"], [c, "archived-c"], [about]);
    await removeBlobs(purge(referring, a), clock);
    assert.deepEqual(await lost(referring, about), []);
    const leased = await place([a, "archived-a"], [b], [claim]);
    const leases = async () => new Map([[claim.manifest.descriptor.digest, "lease-b"]]);
    await removeBlobs(purge(leased, a, { leases }), clock);
    assert.deepEqual(await lost(leased, claim), []);
  });

  test("what cannot be read may need them all", async () => {
    const store = await place([a, "archived-a"], [b, "archived-b"]);
    store.faults.set(b.manifest.descriptor.digest, {
      times: 9,
      error: new ConsignError("REGISTRY_FAILED", "500"),
    });
    const { removed, kept } = await removeBlobs(purge(store, a), clock);
    assert.deepEqual(removed, []);
    assert.equal(kept.filter(({ cause }) => cause?.code === "REGISTRY_FAILED").length, 2);
  });

  test("without its layers an artifact still needs its config", async () => {
    const config = bytesBlob(Buffer.from('{"a":1}'), "application/vnd.example.config+json");
    const packed = packManifest({
      config,
      layers: [bytesBlob(Buffer.from("layer"), "text/plain")],
    });
    const store = await place([packed, "archived-a"]);
    const { removed } = await removeBlobs(
      purge(store, packed, {
        leaving: new Set(),
        emptied: new Set([packed.manifest.descriptor.digest]),
      }),
      clock,
    );
    assert.deepEqual(removed, [blobsOf(packed)[1]?.digest]);
  });

  test("what is not due yet stays, and an absent one whose removal fails is gone", async () => {
    const store = await place([a, "archived-a"]);
    const late = await removeBlobs(purge(store, a, { notDue: () => "marked just now" }), clock);
    assert.deepEqual(await lost(store, a), []);
    assert.equal(late.kept.length, 3);
    await store.deleteBlob(blobsOf(a)[1] as Descriptor);
    store.deleteBlob = async (blob) => {
      if (!(await store.has(blob))) throw new ConsignError("REGISTRY_FAILED", "500");
    };
    const { gone } = await removeBlobs(purge(store, a), clock);
    assert.deepEqual(gone, [blobsOf(a)[1]?.digest]);
  });
});

test("a registry's blobs are its collector's, unless one says otherwise", () => {
  const asked = { kind: "registry", freeBlobs: false } as const;
  assert.match(leftToCollector({ ...asked, decision: "purge" }) ?? "", /collector/);
  for (const allowed of [
    { ...asked, decision: "purge-content" },
    { ...asked, decision: "purge", freeBlobs: true },
    { ...asked, decision: "release", kind: "layout" },
  ] as const)
    assert.equal(leftToCollector(allowed), undefined);
});
