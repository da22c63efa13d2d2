// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { survey } from "../../provider/graph/index";
import { OciLayout } from "../../provider/content/index";
import type { Gate } from "../harness/proxy";
import { registryMissing, type RegistryKind, type TestRegistry } from "../harness/registries";
import { pushImage, pushReferrer } from "../harness/artifacts";
import { MirrorStack } from "./stack";
import { World } from "./world";
import { LOAD_TYPESCRIPT } from "../harness/typescript";

/**
 * Under way at once, and so sent without anybody knowing that it arrived: requests, and manifests
 * of which a fallback tag does not know yet.
 */
const IN_FLIGHT = { blobs: 16, manifests: 32 };
const IMAGES = 24;

/** Images of four blobs, each with three referrers, one of which is referred to itself. */
async function fill(origin: OciLayout, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const image = await pushImage(origin, { tag: `v${n}`, layers: [`${n} a`, `${n} b`, `${n} c`] });
    for (let m = 0; m < 3; m++) {
      const referrer = await pushReferrer(origin, image.descriptor, { content: `${n} ${m}` });
      if (m === 0) await pushReferrer(origin, referrer.descriptor, { content: `${n} ${m} deep` });
    }
  }
}

/** By digest, how many blobs or manifests were sent and taken. */
function sent(registry: TestRegistry, what: RegExp): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { method, path, status } of registry.requests()) {
    const digest =
      method === "PUT" || method === "POST"
        ? /sha256(?::|%3A)([0-9a-f]{64})/.exec(path)?.[1]
        : undefined;
    if (digest !== undefined && status === 201 && what.test(path))
      counts.set(digest, (counts.get(digest) ?? 0) + 1);
  }
  return counts;
}

const BLOBS = /\/blobs\//;
const MANIFESTS = /\/manifests\//;

/** A registry that has the process killed which sends it the nth write. */
async function deadly(
  world: World,
  kind: RegistryKind,
): Promise<{
  registry: TestRegistry;
  runAndKill: (stack: MirrorStack, args: Record<string, unknown>, nth: number) => Promise<void>;
}> {
  let strike: (() => void) | undefined;
  let left = 0;
  const counting: Gate = (request) => {
    if ((request.method === "PUT" || request.method === "POST") && --left === 0) strike?.();
    return false;
  };
  const registry = await world.registry(kind, { gates: [counting], delayMs: 2 });
  const runAndKill = async (
    stack: MirrorStack,
    args: Record<string, unknown>,
    nth: number,
  ): Promise<void> => {
    const recorded =
      stack.id === undefined
        ? undefined
        : { id: stack.id, inputs: stack.inputs, outputs: stack.outputs };
    left = nth;
    const job = JSON.stringify({ baseDir: stack.baseDir, args, recorded });
    const child = spawn(
      process.execPath,
      [...LOAD_TYPESCRIPT, join(__dirname, "process.ts"), job],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    strike = () => void child.kill("SIGKILL");
    const [, signal] = (await once(child, "exit")) as [number | null, string | null];
    strike = undefined;
    assert.equal(signal, "SIGKILL", `the run came to its end before it had made ${nth} writes`);
    // What was on its way arrives.
    await sleep(100);
  };
  return { registry, runAndKill };
}

async function assertComplete(
  world: World,
  registry: TestRegistry,
  origin: OciLayout,
  images: number,
): Promise<void> {
  const place = world.repository(registry, "c/d");
  assert.equal((await place.tags()).filter((tag) => tag.startsWith("v")).length, images);
  for (const tag of await origin.tags()) {
    const [here, there] = [
      await survey(origin, await origin.resolve(tag)),
      await survey(place, await place.resolve(tag)),
    ];
    assert.deepEqual([...there.read.keys()].sort(), [...here.read.keys()].sort());
  }
}

function assertNothingTwice(
  registry: TestRegistry,
  before: { blobs: Map<string, number>; manifests: Map<string, number> },
  context: TestContext,
): void {
  for (const [what, pattern] of [
    ["blobs", BLOBS],
    ["manifests", MANIFESTS],
  ] as const) {
    const again = [...sent(registry, pattern).keys()].filter((digest) => before[what].has(digest));
    context.diagnostic(
      `${before[what].size} ${what} before the kill, ${again.length} of them again`,
    );
    assert.ok(
      again.length <= IN_FLIGHT[what],
      `${again.length} of ${before[what].size} ${what} were sent again`,
    );
  }
}

/**
 * Over the first blobs, over the first manifests, and over what refers to them, before any tag; and
 * when the first 64 have their tags. distribution is sent two writes for each blob.
 */
const KILLS: readonly [RegistryKind, nth: number, images?: number][] = [
  ["ggcr", 40],
  ["ggcr", 190],
  ["ggcr", 940, 80],
  ["distribution", 330],
  ["olareg", 140],
];

for (const [kind, nth, images = IMAGES] of KILLS) {
  test(
    `killed at its write number ${nth} to ${kind}, the next run sends nothing twice but what was in flight`,
    { skip: registryMissing(kind) },
    async (context) => {
      const world = new World(context);
      const { registry, runAndKill } = await deadly(world, kind);
      const stack = new MirrorStack();
      const origin = OciLayout.open(join(stack.baseDir, "origin"), { create: true });
      await fill(origin, 0, images);
      const args = { source: "oci:origin", destinations: [`${registry.host}/c/d`] };
      await runAndKill(stack, args, nth);
      assert.equal(
        (await world.repository(registry, "c/d").tags()).length,
        images === IMAGES ? 0 : 64,
      );
      const before = { blobs: sent(registry, BLOBS), manifests: sent(registry, MANIFESTS) };
      assert.ok(before.blobs.size > IN_FLIGHT.blobs);
      registry.clear();
      // A killed process leaves no state at all, so the next run is a create as well.
      await new MirrorStack(stack.baseDir).up(args);
      assertNothingTwice(registry, before, context);
      await assertComplete(world, registry, origin, images);
    },
  );
}

for (const what of ["artifacts", "claims"]) {
  test(
    `an update that was killed over new ${what} is gone on with`,
    { skip: registryMissing("ggcr") },
    async (context) => {
      const world = new World(context);
      const { registry, runAndKill } = await deadly(world, "ggcr");
      const stack = new MirrorStack();
      const origin = OciLayout.open(join(stack.baseDir, "origin"), { create: true });
      await fill(origin, 0, 8);
      const args = {
        source: "oci:origin",
        destinations: [`${registry.host}/c/d`],
        onDelete: "purge",
      };
      await stack.up(args);
      if (what === "artifacts") await fill(origin, 8, IMAGES);
      else
        for (let n = 0; n < 8; n++)
          for (let m = 10; m < 20; m++)
            await pushReferrer(origin, await origin.resolve(`v${n}`), { content: `${n} ${m}` });
      registry.clear();
      await runAndKill(stack, args, 90);
      const before = { blobs: sent(registry, BLOBS), manifests: sent(registry, MANIFESTS) };
      registry.clear();
      await stack.up(args);
      assertNothingTwice(registry, before, context);
      await assertComplete(world, registry, origin, what === "artifacts" ? IMAGES : 8);
      assert.deepEqual(await stack.refresh(), {});
    },
  );
}
