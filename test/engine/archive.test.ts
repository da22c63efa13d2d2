// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ArchivePolicy, Promotion, SignedArtifact, Verification } from "../../sdk";
import { EngineFailure, engineMissing, openEngine } from "../harness/engine";
import { registryMissing, startRegistry } from "../harness/registries";
import { missing, toolOutput } from "../harness/toolchain";
import { party, trustOf } from "../harness/memory-world";

const acme = party("ACME Rockets");

/** Promotions happen now, and only the archive looks ahead: so many days. */
const started = Date.now();
const day = (days: number): string => new Date(started + days * 86_400_000).toISOString();

/**
 * One program over its life: which release production runs, and when the archive thinks that it is.
 */
function program(
  place: (name: string) => string,
  release: string,
  asOf: string,
  onExpiry: "report" | "purge-content" | "purge" = "purge-content",
) {
  return async () => {
    const trust = trustOf(acme);
    const build = new SignedArtifact(`build-${release}`, {
      repository: place("build"),
      tags: [release],
      files: [`${release}.txt`],
      signer: acme.signer,
    });
    const gate = new Verification("gate", { artifact: build, trust });
    const production = new Promotion("production", {
      artifact: gate,
      environment: "production",
      to: place("production"),
      tag: "current",
      signer: acme.signer,
    });
    const archive = new ArchivePolicy("archive", {
      sources: [place("production")],
      archive: place("archive"),
      promotions: [production],
      archiveAfter: "30d",
      retain: { for: "1y" },
      onExpiry,
      purgeGrace: "0s",
      signer: acme.signer,
      trust,
      asOf,
    });
    return {
      move: production.move,
      record: production.record,
      history: production.history,
      plan: archive.plan,
      entries: archive.entries,
      reference: production.reference,
    };
  };
}

test(
  "on the engine: promote, roll on, archive, mark, purge the content, and destroy",
  { skip: engineMissing() || registryMissing("olareg") },
  async (context) => {
    const registry = await startRegistry("olareg");
    context.after(() => registry.stop());
    const place = (name: string) => `${registry.host}/${name}`;
    const engine = await openEngine({ program: program(place, "v1", day(0)) });
    for (const release of ["v1", "v2"])
      writeFileSync(join(engine.folder, `${release}.txt`), `the content of ${release}\n`);

    const first = await engine.up();
    assert.deepEqual(first.changes, { create: 4 });
    assert.match(String(first.outputs.move), /^production current: nothing → sha256:/);
    assert.equal((await engine.up()).changes.same, 4, "a second up changes nothing");

    await engine.up({ program: program(place, "v2", day(1)) });
    const v1 = (first.outputs.history as { digest: string }[])[0]?.digest ?? "";
    const archived = await engine.up({ program: program(place, "v2", day(62)) });
    const entry = (archived.outputs.entries as Record<string, { state: string; decision: string }>)[
      v1
    ];
    assert.deepEqual([entry?.state, entry?.decision], ["archived", "keep"]);
    assert.equal(
      (await engine.up({ program: program(place, "v2", day(62)), expectNoChanges: true })).changes
        .same,
      4,
    );
    const recorded = archived.step("archive")?.newOutputs;
    assert.deepEqual(
      [recorded?.["policy"], recorded?.["self"]],
      ["test/dev/archive", undefined],
      "its records have the name of the resource",
    );
    assert.match(JSON.stringify(recorded?.["entries"]), /"archived [^ "]+Z =test\/dev\/archive"/);

    const marking = await engine.preview({ program: program(place, "v2", day(458)) });
    assert.equal(marking.step("archive")?.op, "update");
    assert.match(line(marking.step("archive")?.newInputs, v1), /^MARK /);
    await engine.up();
    const purging = await engine.preview({ program: program(place, "v2", day(459)) });
    assert.match(
      line(purging.step("archive")?.newInputs, v1),
      /^PURGE-CONTENT /,
      "a purge is in the preview before it happens",
    );
    assert.ok(purging.diagnostics.some((text) => /this run removes: purge-content 1/.test(text)));
    const purged = await engine.up();
    assert.match(line(purged.step("archive")?.newOutputs, v1), /^KEEP .*content-purged/);
    assert.deepEqual(
      (await engine.previewRefresh({ expectNoChanges: true })).steps.filter(
        ({ op }) => op === "update",
      ),
      [],
    );
    if (missing("oras") === false)
      assert.match(
        await toolOutput("oras", ["discover", "--plain-http", `${registry.direct}/archive@${v1}`]),
        /application\/vnd\.cncf\.notary\.signature/,
      );

    await assert.rejects(
      engine.up({ program: program(place, "v2", day(458)) }),
      (error) => error instanceof EngineFailure && /the clock runs backwards/.test(error.message),
    );
    const destroyed = await engine.destroy();
    assert.equal(destroyed.changes.delete, 4);
  },
);

test(
  "on the engine, with layouts: the first preview tells the move, and a lost state is found again",
  { skip: engineMissing() },
  async () => {
    const place = (name: string) => `oci:layouts/${name}`;
    const only = (asOf: string) => async () => {
      const build = new SignedArtifact("build", {
        repository: place("build"),
        files: ["v1.txt"],
        signer: acme.signer,
      });
      const production = new Promotion("production", {
        artifact: build,
        environment: "production",
        to: place("production"),
        tag: "current",
        signer: acme.signer,
        trust: trustOf(acme),
        asOf,
      });
      return {
        move: production.move,
        record: production.record,
        digest: production.digest,
        promotedAt: production.promotedAt,
      };
    };
    const engine = await openEngine({ program: only("2016-01-01") });
    writeFileSync(join(engine.folder, "v1.txt"), "the content\n");
    const preview = await engine.preview();
    assert.match(
      String(preview.step("production")?.newInputs?.move),
      /^production current: nothing → sha256:/,
      "before anything is pushed",
    );
    const up = await engine.up();
    assert.equal(preview.step("production")?.newInputs?.digest, up.outputs.digest);
    const urn = up.step("production")?.urn ?? "";
    const deployment = await engine.stack.exportStack();
    const content = deployment.deployment as { resources: { urn: string }[] };
    await engine.stack.importStack({
      ...deployment,
      deployment: { ...content, resources: content.resources.filter((each) => each.urn !== urn) },
    });
    const again = await engine.up({ program: only("2016-09-09") });
    assert.equal(again.step("production")?.op, "create");
    assert.deepEqual(
      [again.outputs.record, again.outputs.promotedAt],
      [up.outputs.record, "2016-01-01T00:00:00Z"],
      "it was promoted once",
    );
  },
);

function line(properties: Record<string, unknown> | undefined, digest: string): string {
  return String((properties?.plan as Record<string, string> | undefined)?.[digest]);
}
