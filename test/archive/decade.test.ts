// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  verifyArtifact,
  resolveTrustPolicy,
  parseTrustPolicy,
} from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import { offlineRevocation } from "../../provider/notation/revocation/offline-revocation";
import { ARCHIVE, ArchiveWorld, acme, entryOf, stranger } from "./world";
import {
  at,
  checkHistory,
  countHistory,
  DECADE,
  drawLives,
  HOLD,
  life,
  SEED,
  tellings,
  type Told,
} from "./decade-lives";
import { lastOf, ModelArtifact, type ModelLife, type ModelRules } from "./decade-model";
import { family, publish, trustOf } from "../harness/memory-world";

const rules: fc.Arbitrary<ModelRules> = fc.record({
  grace: fc.integer({ min: 1, max: 120 }),
  keep: fc.integer({ min: 200, max: 1_500 }),
  since: fc.constantFrom(
    "end-of-production" as const,
    "end-of-support" as const,
    "archived" as const,
  ),
  last: fc.integer({ min: 0, max: 4 }),
  onExpiry: fc.constantFrom("report" as const, "purge-content" as const, "purge" as const),
  release: fc.boolean(),
});

/** Lets a world and the model live through the same years, and compares them after each run. */
async function liveThrough(
  lives: readonly ModelLife[],
  given: ModelRules,
  step: number,
): Promise<ModelArtifact[]> {
  const world = new ArchiveWorld();
  const foreign = [
    await publish(world.source, "foreign at the source", stranger, "foreign"),
    await publish(world.archive, "foreign in the archive", stranger, "foreign"),
  ] as const;
  const untouched = [
    await family(world.source, foreign[0].digest),
    await family(world.archive, foreign[1].digest),
  ];
  const artifacts: { descriptor: Descriptor; model: ModelArtifact }[] = [];
  const told: Told[] = [];
  for (const [index, each] of lives.entries()) {
    const descriptor = await publish(world.source, `release ${index}`, acme, `v${index}`);
    const model = new ModelArtifact(descriptor.digest, each);
    artifacts.push({ descriptor, model });
    told.push(...tellings(world.source, descriptor, each, acme, stranger));
  }
  told.sort((a, b) => a.day - b.day);
  const policy = world.life();
  const holds = [
    ...artifacts
      .filter(({ model }) => model.life.heldByDigest)
      .map(({ descriptor }) => descriptor.digest),
    { claim: HOLD },
  ];
  for (let day = step; day <= DECADE + 2 * step; day += step) {
    while (told[0] !== undefined && told[0].day <= day) await told.shift()?.tell();
    const last = lastOf(
      artifacts.map(({ model }) => model),
      day,
      given,
    );
    const expected = new Map(
      artifacts.map(({ descriptor, model }) => [
        descriptor.digest,
        model.run(day, given, last.has(descriptor.digest)),
      ]),
    );
    const retain = {
      for: `${given.keep}d`,
      from: given.since,
      holds,
      ...(given.last === 0 ? {} : { last: given.last }),
    };
    await policy.up(
      world.args(at(day), {
        archiveAfter: `${given.grace}d`,
        retain,
        onExpiry: given.onExpiry,
        release: given.release ? "after-archive" : "never",
      }),
    );
    for (const { descriptor, model } of artifacts) {
      const entry =
        entryOf(policy.outputs, descriptor.digest) ?? entryOf(policy.inputs, descriptor.digest);
      const what = `day ${day} v${artifacts.findIndex((each) => each.model === model)} ${JSON.stringify(model.life)} ${JSON.stringify(given)}: ${entry?.reason ?? "no entry"}`;
      assert.deepEqual(
        [await world.source.has(descriptor), await world.archive.has(descriptor)],
        [model.atSource, model.inArchive],
        what,
      );
      const state = expected.get(descriptor.digest);
      // Where the run only marked, archived or held, the words differ by a run; where bytes are is
      // what counts, and the rest is compared when settled.
      if (state !== "archived" && state !== "held")
        assert.equal(entry?.state ?? "absent", state, what);
    }
  }
  for (const { descriptor, model } of artifacts) await proveArchived(world, descriptor, model);
  assert.deepEqual(
    [await family(world.source, foreign[0].digest), await family(world.archive, foreign[1].digest)],
    untouched,
    "what is not ours is untouched",
  );
  return artifacts.map(({ model }) => model);
}

/**
 * What is archived verifies, with its claims and their signatures; what was purged left nothing.
 */
async function proveArchived(
  world: ArchiveWorld,
  descriptor: Descriptor,
  model: ModelArtifact,
): Promise<void> {
  if (!model.inArchive) {
    assert.deepEqual(await family(world.archive, descriptor.digest), [descriptor.digest]);
    return;
  }
  const trust = await resolveTrustPolicy(parseTrustPolicy(trustOf(acme)), {
    baseDir: "/nonexistent",
  });
  const verdict = await verifyArtifact(world.archive, descriptor, trust, {
    now: new Date(),
    baseDir: "/nonexistent",
    scope: ARCHIVE,
    revocation: offlineRevocation,
  });
  assert.equal(verdict.outcome, "verified", verdict.reason);
  for (const digest of await family(world.archive, descriptor.digest))
    await world.archive.manifest(digest);
  const manifest = await world.archive.manifest(descriptor);
  const own = manifest.kind === "manifest" ? manifest.value.layers[1] : undefined;
  if (own !== undefined) assert.equal(await world.archive.has(own), !model.contentPurged);
}

test("the life of 200 artifacts over a decade is that of the model", async (context) => {
  const given: ModelRules = {
    grace: 60,
    keep: 800,
    since: "end-of-production",
    last: 3,
    onExpiry: "purge-content",
    release: true,
  };
  const artifacts = await liveThrough(drawLives(200), given, 330);
  checkHistory(artifacts, given);
  const { archived, released, content } = countHistory(artifacts);
  context.diagnostic(`archived ${archived}, released ${released}, content purged ${content}`);
  assert.ok(archived > 100 && released > 20 && content > 20);
});

test("whatever the rules, a few artifacts live as the model says", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 3, maxLength: 6 }),
      rules,
      fc.integer({ min: 90, max: 400 }),
      async (lives, given, step) => {
        fc.pre(given.keep >= given.grace);
        checkHistory(await liveThrough(lives, given, step), given);
      },
    ),
    { seed: SEED, numRuns: 8, endOnFailure: true },
  );
});
