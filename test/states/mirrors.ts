// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Properties } from "../../provider/world/reconciler";
import { pushIndex, pushReferrer } from "../harness/artifacts";
import type { Life } from "../harness/life";
import { Scene, identity, signer, trusting } from "./scene";
import { failsWith } from "../harness/failure";

const SOURCE = { source: "oci:places/origin" };
const PASSED = { result: "PASSED", configuration: [] };

/** Mirror, in every state. */
export async function mirrors(): Promise<Scene> {
  const scene = new Scene();
  const v1 = await scene.artifact("origin", "v1", "wabbit", ["v1", "1.0.0"]);
  await scene.artifact("origin", "v2", "wabbit", ["v2", "2.0.0"]);
  await scene.artifact("origin", "forged", "stranger");
  await scene.claim(v1, "test-result", PASSED);
  await scene.claim(v1, "https://example.test/remark/v1", { note: "for all" }, "wabbit", {
    audience: "public",
  });
  const { index, images } = await pushIndex(scene.layout("origin"), {
    tag: "index",
    platforms: ["linux/amd64", "linux/arm64", "windows/amd64"],
  });
  for (const { descriptor } of [index, ...images])
    await pushReferrer(scene.layout("origin"), descriptor);

  await scene.record("single", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/single"],
    onDelete: "purge",
  });
  await scene.record("several", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/east", "oci:places/west"],
    tags: { semver: ">=1.0.0", newest: 2 },
    rollout: "sequential",
    onDelete: "untag",
  });
  await scene.record("retained", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/retained"],
    tags: { include: ["v1"], digests: [index.descriptor.digest] },
  });
  await scene.record("summary", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/summary", "oci:places/summary-too"],
    summarizeAbove: 0,
    onDelete: "purge",
  });
  await scene.record("refused", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/refused"],
    trust: trusting("wabbit"),
    claims: { trust: trusting("wabbit"), issuers: [identity("wabbit")], audience: "public" },
    onDelete: "purge",
  });
  await scene.record("sparse", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/sparse"],
    tags: ["index"],
    platforms: { only: ["linux/amd64"], index: "sparse" },
    onDelete: "purge",
  });
  await scene.record("derived", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/derived"],
    tags: ["index", "v1"],
    platforms: { only: ["linux/amd64", "linux/arm64"], index: "derived" },
    signer: signer("acme"),
    onDelete: "purge",
  });
  const narrowing = { ...SOURCE, destinations: ["oci:places/narrowed"], onDelete: "purge" };
  await scene.record("narrowed", "Mirror", narrowing, {
    ...narrowing,
    tags: ["v1"],
    claims: { excludeTypes: ["test-result"] },
  });

  await changing(scene);
  await conflicting(scene);
  await drifting(scene);
  return scene;
}

/** A source from which things went, and where a tag moved on. */
async function changing(scene: Scene): Promise<void> {
  const source = { source: "oci:places/changing" };
  const [, v2] = [await scene.artifact("changing", "v1"), await scene.artifact("changing", "v2")];
  await scene.artifact("changing", "v3");
  const remark = await scene.life("Claim", {
    subject: v2,
    type: "https://example.test/remark/v1",
    predicate: { note: "withdrawn" },
    signer: signer("wabbit"),
  });
  const kept = {
    ...source,
    destinations: ["oci:places/withdrawn", "oci:places/withdrawn-too"],
    withdrawn: "keep",
    onDelete: "purge",
  };
  const summary = { ...kept, destinations: ["oci:places/withdrawn-summary"], summarizeAbove: 0 };
  const removed = {
    ...source,
    destinations: ["oci:places/removed"],
    withdrawn: "remove",
    onDelete: "purge",
  };
  const lives: [string, Life, Properties][] = [];
  for (const [name, args] of Object.entries({
    "kept-withdrawn": kept,
    "kept-withdrawn-summary": summary,
    "removed-withdrawn": removed,
  }))
    lives.push([name, await scene.life("Mirror", args), args]);
  await remark.destroy();
  const origin = scene.layout("changing");
  await origin.untag("v1");
  await origin.tag(await origin.manifest("v3"), "v2");
  for (const [name, life, args] of lives) {
    await life.up(args);
    scene.keep(name, "Mirror", life, args);
  }
}

/** Destinations that have a tag of their own. */
async function conflicting(scene: Scene): Promise<void> {
  await own(scene, "own-kept", "v1");
  await scene.record("kept-tags", "Mirror", {
    ...SOURCE,
    destinations: ["oci:places/own-kept"],
    tags: ["v*"],
    onConflict: "keep",
    onDelete: "purge",
  });
  const args = { ...SOURCE, tags: ["v*"], onDelete: "purge" };
  for (const [name, before] of Object.entries({
    failed: undefined,
    behind: { ...args, tags: ["v1"] },
  })) {
    const destinations = [`oci:places/not-${name}`, `oci:places/${name}`];
    const life =
      before === undefined
        ? scene.born("Mirror")
        : await scene.life("Mirror", { ...before, destinations });
    await own(scene, name, "v2");
    await assert.rejects(life.up({ ...args, destinations }), failsWith("TAG_MOVED"));
    scene.keep(name, "Mirror", life, { ...args, destinations });
  }
}

async function own(scene: Scene, place: string, tag: string): Promise<void> {
  await scene.artifact(place, "own", "stranger");
  const store = scene.layout(place);
  await store.tag(await store.manifest("own"), tag);
}

async function drifting(scene: Scene): Promise<void> {
  const args = {
    ...SOURCE,
    destinations: ["oci:places/drifted", "oci:places/not-drifted"],
    tags: ["v*"],
    onDelete: "purge",
  };
  const life = await scene.record("drifted", "Mirror", args);
  await scene.layout("drifted").untag("v2");
  await life.refresh();
}
