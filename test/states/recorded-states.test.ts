// SPDX-License-Identifier: Apache-2.0
// State written by earlier versions stays readable: each state that a release recorded is checked, compared, read and removed by this one.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KINDS } from "./kinds";
import { readScene, releases, scenesOf, type RecordedResource } from "./recorded";
import { remove, revive } from "./replay";

/** What a preview and a refresh show of states that are not as they should be; of all others they show nothing. */
interface Shown {
  /** The operation, and the lines of the preview. None, and still a change, is something that every run has to say again. */
  preview?: string[];
  refresh?: string[] | "gone";
  /** The preview after that refresh. @default as before */
  after?: string[] | "unchanged";
}

const DUE = ["entries.73be1bdd.decision", "entries.73be1bdd.reason", "plan.73be1bdd"];

const WORDS = ["entries.73be1bdd.reason", "plan.73be1bdd"];

const linesOf = (place: string, ...names: string[]): string[] =>
  names.map((name) => `status.oci:places/${place}.${name}`);

const EXPECTED: Readonly<Record<string, Shown>> = {
  // Expired and marked, so that the next run takes it away, or what it is a copy of.
  "0.1.0 archives/purge-marked": {
    preview: ["update", "entries.73be1bdd.blobs", ...DUE],
    refresh: ["entries.73be1bdd.blobs", ...DUE],
    after: ["update"],
  },
  // Its content waits until the mark is as old as purgeGrace says.
  "0.1.0 archives/purge-content-marked": {
    preview: ["update", ...WORDS],
    refresh: WORDS,
    after: "unchanged",
  },
  // It stays at its source, where somebody has tagged it.
  "0.1.0 archives/releasing": {
    preview: ["update", "asOf", ...WORDS],
    refresh: WORDS,
    after: "unchanged",
  },
  // The reason names the roots that are trusted.
  "0.1.0 mirrors/refused": {
    preview: ["update", "plan.budget.bytes", "plan.budget.requests", "plan.refused.forged"],
  },
  "0.1.0 artifacts/tag-moved-by-hand": { preview: ["update", "tagged.v1"] },
  // Claims of the original that stay behind have a line now, and a plan that differs is counted anew.
  "0.1.0 mirrors/derived": {
    preview: ["update", "plan.budget.bytes", "plan.budget.requests", "plan.refused"],
  },
  // Cut off before they were signed: a claim that nobody could see yet is not there at all.
  "0.1.0 artifacts/incomplete": {
    preview: ["update", "signature", "tagged.v1"],
    refresh: ["signature"],
  },
  "0.1.0 artifacts/claim-incomplete": {
    preview: ["update", "status"],
    refresh: "gone",
    after: ["create"],
  },
  // What was recorded is not taken back by leaving it out of the program any more.
  "0.1.0 artifacts/revocation": { preview: ["update", "onDelete"] },
  "0.1.0 artifacts/claim-unsigned": { preview: ["update", "status"] },
  // What an up could not do; a refresh shows what is missing by its name.
  "0.1.0 mirrors/failed": {
    preview: ["update", "parity.oci:places/failed", "status.oci:places/failed.failed"],
    refresh: [
      "parity.oci:places/failed",
      ...linesOf("failed", "artifact 1135835e", "artifact 22bf6647", "failed", "tag v1", "tag v2"),
    ],
    after: [
      "update",
      "parity.oci:places/failed",
      ...linesOf("failed", "artifact 1135835e", "artifact 22bf6647", "tag v1", "tag v2"),
    ],
  },
  "0.1.0 mirrors/behind": {
    preview: ["update", "parity.oci:places/behind", "status.oci:places/behind.failed"],
    refresh: ["parity.oci:places/behind", ...linesOf("behind", "artifact 22bf6647", "tag v2")],
    after: [
      "update",
      "parity.oci:places/behind",
      ...linesOf("behind", "artifact 22bf6647", "failed", "tag v2"),
    ],
  },
  "0.1.0 mirrors/drifted": {
    preview: ["update", "parity.oci:places/drifted", "status.oci:places/drifted.tag v2"],
  },
  // What was said against something is remembered with what is written anew.
  "0.1.0 promotions/revoked": {
    preview: ["update", "against", "carries.3d5746d5", "carries.e5796d89", "seen"],
    refresh: ["against"],
    after: ["update", "carries.3d5746d5", "carries.e5796d89", "seen"],
  },
  "0.1.0 promotions/moved-by-hand": {
    preview: ["update", "move", "seen", "status", "tagged.current"],
  },
  "0.1.0 promotions/tag-taken-away": { preview: ["update", "status", "tagged.current"] },
  "0.1.0 verdicts/bad-revoked": { preview: ["update", "against"] },
  "0.1.0 verdicts/bad-denied": { preview: ["update", "against"] },
  "0.1.0 verdicts/bad-unsigned": { preview: ["update"] },
  "0.1.0 verdicts/bad-gone": { preview: ["update", "verdict.signature"] },
  "0.1.0 verdicts/moved": {
    preview: [
      "update",
      "against",
      "claims.35699a13",
      "reference",
      "summary.inputAttestations.0",
      "summary.resourceUri",
    ],
  },
};

/**
 * States of 0.1.0 do not tell what a resource had put somewhere from what it had found there: only
 * a promotion's tag, a mirror's inventory and what an archive has marked is known to be theirs.
 */
function isStillRemoved({ kind, removed }: RecordedResource): (line: string) => boolean {
  if (kind === "SignedArtifact" || kind === "Claim") return () => false;
  if (kind === "Promotion") return (line) => line.includes(" tag ");
  if (kind !== "Mirror") return () => true;
  const inventories = removed.flatMap(
    (line) => / tag consign-inventory-\w+ (\S+)$/.exec(line)?.[1] ?? [],
  );
  return (line) => inventories.some((digest) => line.endsWith(digest));
}

const short = (path: string): string => path.replace(/sha256:([0-9a-f]{8})[0-9a-f]{56}/g, "$1");

for (const release of releases()) {
  test(`${release} recorded states of every kind`, () => {
    const resources = scenesOf(release).flatMap((name) =>
      Object.values(readScene(release, name).resources),
    );
    assert.deepEqual(
      [...new Set(resources.map(({ kind }) => kind))].sort(),
      Object.keys(KINDS).sort(),
    );
  });

  for (const name of scenesOf(release)) {
    const scene = readScene(release, name);
    describe(`states that ${release} recorded: ${name}`, () => {
      for (const [resource, recorded] of Object.entries(scene.resources)) {
        test(`${resource} (${recorded.kind}) is read, unchanged, and removed twice`, async () => {
          const expected = EXPECTED[`${release} ${name}/${resource}`] ?? {};
          const life = revive(scene, recorded);
          const preview = async (): Promise<string[] | "unchanged"> => {
            const { op, changed } = await life.preview(recorded.args);
            return op === "same" ? "unchanged" : [op, ...changed.map(short)];
          };
          assert.deepEqual(await preview(), expected.preview ?? "unchanged");
          const drift = await life.refresh();
          assert.deepEqual(drift === "gone" ? drift : drift.map(short), expected.refresh ?? []);
          assert.deepEqual(
            await preview(),
            expected.after ?? expected.preview ?? "unchanged",
            "after a refresh",
          );
          // As it was recorded, and not as the refresh has recorded it anew.
          const leaving = revive(scene, recorded);
          assert.deepEqual(
            await remove(leaving),
            recorded.removed.filter(isStillRemoved(recorded)),
            "what it does not tell from what was there before stays",
          );
          assert.deepEqual(await remove(leaving), []);
        });
      }
    });
  }
}
