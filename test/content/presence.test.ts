// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../provider/content";
import { manifestIfThere, presenceOf } from "../../provider/content/presence";
import { ConsignError } from "../../provider/errors";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Manifest } from "../../provider/oci/manifest";
import { pushImage } from "../harness/artifacts";

/** Says of everything that it is not there, so many times, and then tells the truth. */
class Forgetting extends MemoryStore {
  forgets = 0;

  override async has(...asked: Parameters<MemoryStore["has"]>): Promise<boolean> {
    return this.#forgotten() ? false : super.has(...asked);
  }

  override async resolve(...asked: Parameters<MemoryStore["resolve"]>): Promise<Descriptor> {
    if (this.#forgotten()) throw new ConsignError("MANIFEST_UNKNOWN", "not there");
    return super.resolve(...asked);
  }

  override async manifest(...asked: Parameters<MemoryStore["manifest"]>): Promise<Manifest> {
    if (this.#forgotten()) throw new ConsignError("MANIFEST_UNKNOWN", "not there");
    return super.manifest(...asked);
  }

  #forgotten(): boolean {
    this.forgets -= 1;
    return this.forgets >= 0;
  }
}

/** Cannot be asked. */
class Down extends MemoryStore {
  override resolve(): Promise<Descriptor> {
    return Promise.reject(new ConsignError("REGISTRY_UNREACHABLE", "down"));
  }

  override manifest(): Promise<Manifest> {
    return Promise.reject(new ConsignError("REGISTRY_UNREACHABLE", "down"));
  }
}

test("what is missing once is there; what is missing twice is gone", async () => {
  const store = new Forgetting("presence");
  const image = await pushImage(store);
  await store.tag(image, "v1");
  for (const target of [image.descriptor, image.descriptor.digest, "v1"]) {
    for (const [forgets, is] of [
      [1, "there"],
      [2, "gone"],
    ] as const) {
      store.forgets = forgets;
      assert.deepEqual(await presenceOf(store, target), { is });
      store.forgets = forgets;
      const manifest = await manifestIfThere(store, target);
      assert.equal(
        manifest?.descriptor.digest,
        is === "gone" ? undefined : image.descriptor.digest,
      );
    }
  }
});

test("of a store that cannot be asked nothing is gone", async () => {
  const down = new Down("down");
  const found = await presenceOf(down, "v1");
  assert.equal(found.is === "unknown" && found.why.code, "REGISTRY_UNREACHABLE");
  await assert.rejects(manifestIfThere(down, "v1"), { code: "REGISTRY_UNREACHABLE" });
});
