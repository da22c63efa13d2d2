// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { ArchivePolicy } from "../../sdk";
import { engineMissing, openEngine, type Engine, type EngineRun } from "../harness/engine";
import { registryMissing } from "../harness/registries";
import { missing, runTool, toolOutput } from "../harness/toolchain";
import { notationConfig } from "../interop/notation-cli";
import { at, checkHistory, countHistory, DECADE, drawLives, HOLD } from "../archive/decade-lives";
import type { ModelRules } from "../archive/decade-model";
import { trustOf } from "../harness/memory-world";
import { openPlaceIn } from "../harness/places";
import { DecadeWorld, wabbit, type Home } from "./decade-world";

type Entries = Record<string, { state: string; decision: string; reason: string; marked?: string }>;

const REMOVALS = ["release", "purge-content", "purge"];

/** The program, on some day. */
function program(world: DecadeWorld, day: number) {
  const { grace, keep, since, last, onExpiry, release } = world.rules;
  const holds = [
    ...world.inhabitants
      .filter(({ model }) => model.life.heldByDigest)
      .map(({ descriptor }) => descriptor.digest),
    { claim: HOLD },
  ];
  return async () => {
    new ArchivePolicy("archive", {
      sources: world.sources.map(({ location }) => location),
      archive: world.archive.location,
      archiveAfter: `${grace}d`,
      retain: { for: `${keep}d`, from: since, last, holds },
      onExpiry,
      release: release ? "after-archive" : "never",
      releaseTags: ["*"],
      purgeGrace: "0s",
      freeBlobs: true,
      signer: wabbit.signer,
      trust: trustOf(wabbit),
      asOf: at(day),
    });
  };
}

function entriesOf(run: EngineRun, side: "newInputs" | "newOutputs"): Entries {
  return (run.step("archive")?.[side]?.["entries"] ?? {}) as Entries;
}

function removedBy(entries: Entries): string[] {
  return Object.keys(entries).filter((digest) =>
    REMOVALS.includes(entries[digest]?.decision ?? ""),
  );
}

/** A decade of `up`s, each compared with the model; a preview before one that purges. */
async function liveThrough(world: DecadeWorld, engine: Engine, step: number): Promise<void> {
  let before: Entries = {};
  let foreseen = false;
  for (let day = step; day <= DECADE + step; day += step) {
    const purgedUntilNow = countHistory(world.inhabitants.map(({ model }) => model));
    const expected = await world.live(day);
    const { content, purged } = countHistory(world.inhabitants.map(({ model }) => model));
    const purges = content + purged > purgedUntilNow.content + purgedUntilNow.purged;
    const shown: EngineRun | undefined =
      purges && !foreseen ? await engine.preview({ program: program(world, day) }) : undefined;
    const run: EngineRun = await engine.up({ program: program(world, day) });
    const planned = entriesOf(run, "newInputs");
    if (shown !== undefined) {
      foreseen = true;
      assert.deepEqual(entriesOf(shown, "newInputs"), planned, "up does what the preview showed");
      assert.ok(
        shown.diagnostics.some((line) => /this run removes: .*purge/.test(line)),
        shown.diagnostics.join("\n"),
      );
    }
    for (const digest of removedBy(planned))
      assert.ok(
        planned[digest]?.decision === "release" || before[digest]?.marked !== undefined,
        `${digest} was marked by the run before`,
      );
    const after = entriesOf(run, "newOutputs");
    await world.compare(day);
    for (const { name, descriptor, model } of world.inhabitants) {
      const [entry, state] = [after[descriptor.digest], expected.get(descriptor.digest)];
      // Where the run archived or held, the words differ by a run; where the bytes are was
      // compared.
      if (state !== "archived" && state !== "held")
        assert.equal(
          entry?.state ?? "absent",
          state,
          `day ${day} ${name} ${JSON.stringify(model.life)}: ${entry?.reason}`,
        );
    }
    before = after;
  }
  assert.ok(foreseen, "something was purged");
  await world.compareAtTheEnd();
  checkHistory(
    world.inhabitants.map(({ model }) => model),
    world.rules,
  );
}

/** Other people's tools see what is archived, verified, and nothing of what was purged. */
async function askOthers(
  world: DecadeWorld,
  reference: (digest: string) => string,
  layout: boolean,
): Promise<string> {
  const absent = missing("notation", "oras");
  if (absent !== false) return `not asked: ${absent}`;
  const { env } = notationConfig(wabbit.issued);
  const kept = world.inhabitants
    .filter(({ model }) => model.inArchive)
    .filter((_, index) => index % 10 === 0)
    .slice(0, 4);
  for (const { name, descriptor } of kept) {
    const where = layout ? ["--oci-layout", "--scope", "local/archive"] : ["--insecure-registry"];
    const verified = await runTool("notation", ["verify", ...where, reference(descriptor.digest)], {
      env: { ...env, NOTATION_EXPERIMENTAL: "1" },
    });
    assert.equal(verified.code, 0, `${name}: ${verified.stderr}`);
  }
  const discover = (digest: string) => [
    "discover",
    "--format",
    "json",
    layout ? "--oci-layout" : "--plain-http",
    reference(digest),
  ];
  const content = world.inhabitants.find(({ model }) => model.contentPurged) ?? kept[0];
  const discovered = JSON.parse(
    await toolOutput("oras", discover(content?.descriptor.digest ?? "")),
  ) as { referrers: { artifactType: string }[] };
  const types = discovered.referrers.map(({ artifactType }) => artifactType);
  assert.ok(
    types.includes("application/vnd.cncf.notary.signature") &&
      types.includes("application/vnd.in-toto+json"),
    types.join(),
  );
  const purged = world.inhabitants.find(({ model }) => model.purged);
  if (purged !== undefined)
    assert.notEqual(
      (await runTool("oras", discover(purged.descriptor.digest))).code,
      0,
      "of what was purged there is nothing to discover",
    );
  return `notation verified ${kept.length}`;
}

async function decade(
  context: TestContext,
  engine: Engine,
  world: DecadeWorld,
  lives: Parameters<DecadeWorld["settle"]>[0],
  step: number,
  reference: (digest: string) => string,
  layout: boolean,
): Promise<void> {
  const began = Date.now();
  await world.settle(lives);
  const settled = Date.now();
  await liveThrough(world, engine, step);
  const { archived, released, content, purged } = countHistory(
    world.inhabitants.map(({ model }) => model),
  );
  const others = await askOthers(world, reference, layout);
  context.diagnostic(
    `${lives.length} digests, archived ${archived}, released ${released}, content purged ${content}, purged ${purged}; ${others}; ${(settled - began) / 1000} s to settle, ${(Date.now() - settled) / 1000} s to live`,
  );
  assert.ok(archived > lives.length / 3 && released > 0 && content + purged > lives.length / 10);
}

/**
 * With `CONSIGN_DECADE=full` 200 digests, which take two minutes on two cores; each run has a part
 * of them, and the reconcilers all 200 (`archive/`).
 */
const FULL = process.env.CONSIGN_DECADE === "full";
const [IN_REGISTRIES, IN_LAYOUTS] = FULL ? [130, 70] : [39, 21];
/** Days between two runs. */
const STEP = FULL ? 600 : 720;
const lives = drawLives(IN_REGISTRIES + IN_LAYOUTS);

describe("on the engine, a decade of an archive policy", { concurrency: 2 }, () => {
  test(
    "in three registries is that of the model",
    { skip: engineMissing() || registryMissing("distribution", "ggcr", "olareg") },
    async (context) => {
      const rules: ModelRules = {
        grace: 60,
        keep: 1_500,
        since: "end-of-production",
        last: 2,
        onExpiry: "purge",
        release: true,
      };
      const engine = await openEngine({ program: async () => ({}) });
      const home = async (
        kind: "distribution" | "ggcr" | "olareg",
        name: string,
      ): Promise<Home> => {
        const place = await openPlaceIn(kind, engine.folder, context);
        return { location: `${place.registry?.direct}/${name}`, store: () => place.store(name) };
      };
      const world = new DecadeWorld(
        rules,
        [await home("distribution", "acme/app"), await home("ggcr", "acme/edge")],
        await home("olareg", "archive"),
      );
      await decade(
        context,
        engine,
        world,
        lives.slice(0, IN_REGISTRIES),
        STEP,
        (digest) => `${world.archive.location}@${digest}`,
        false,
      );
    },
  );

  test("in layouts is that of the model", { skip: engineMissing() }, async (context) => {
    const rules: ModelRules = {
      grace: 60,
      keep: 1_500,
      since: "end-of-production",
      last: 2,
      onExpiry: "purge-content",
      release: true,
    };
    const engine = await openEngine({ program: async () => ({}) });
    const place = await openPlaceIn("layout", engine.folder, context);
    const home = (name: string): Home => ({
      location: place.location(name),
      store: () => place.store(name),
    });
    const world = new DecadeWorld(rules, [home("app")], home("archive"));
    await decade(
      context,
      engine,
      world,
      lives.slice(IN_REGISTRIES),
      STEP,
      (digest) => `${join(engine.folder, "layouts", "archive")}@${digest}`,
      true,
    );
  });
});
