// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  listSignatures,
  parseTrustPolicy,
  resolveTrustPolicy,
  verifyArtifact,
} from "../../provider/notation/index";
import { offlineRevocation } from "../../provider/notation/revocation/offline-revocation";
import { archivePolicy } from "../../provider/archive/archive";
import { authority, timestampSigner } from "../harness/certificates";
import { httpFetch, timestampAuthority } from "../harness/pki";
import { ARCHIVE, ArchiveWorld, acme } from "./world";
import { Life } from "../harness/life";
import { trustOf } from "../harness/memory-world";

const YEARS = 365 * 86_400_000;

test("signatures that would end with their certificate are told, and timestamped while they can be", async (context) => {
  const tsaRoot = authority({ subject: { C: "US", O: "Time Keepers", CN: "Time Keepers Root" } });
  const tsa = await timestampAuthority(timestampSigner(tsaRoot));
  context.after(() => tsa.close());
  const begun = Date.now();
  const day = (days: number): string =>
    new Date(begun + days * 86_400_000).toISOString().slice(0, 10);
  const verdictLater = async (
    world: ArchiveWorld,
    digest: Parameters<typeof verifyArtifact>[1],
  ) => {
    const policy = parseTrustPolicy({
      ...trustOf(acme),
      roots: { ca: [acme.root.pem], tsa: [tsaRoot.pem] },
      signatureVerification: { level: "strict", verifyTimestamp: "afterCertExpiry" },
    });
    const trust = await resolveTrustPolicy(policy, { baseDir: "/nonexistent" });
    return verifyArtifact(world.archive, digest, trust, {
      now: new Date(begun + 3 * YEARS),
      baseDir: "/nonexistent",
      scope: ARCHIVE,
      revocation: offlineRevocation,
    });
  };

  const plain = new ArchiveWorld();
  const told = await plain.deployed("v1", { from: day(-300), until: day(-200) });
  const without = plain.life();
  await without.up(plain.args(day(0), { retain: { for: "5y" } }));
  const notices = (without.outputs["notices"] as Record<string, string[]>)[told.digest] ?? [];
  assert.equal(notices.length, 3, "its own signature, and those of both claims");
  assert.match(
    notices[0] ?? "",
    /^the signature sha256:\w{12} of sha256:\w{12} ends with its certificate on \d{4}-\d{2}-\d{2}: give timestamp/,
  );
  assert.equal((await verdictLater(plain, told)).outcome, "untrusted");

  const world = new ArchiveWorld();
  const kept = await world.deployed("v1", { from: day(-300), until: day(-200) });
  const policy = new Life(archivePolicy, {
    folder: "/nonexistent",
    world: { stores: world.stores, fetch: httpFetch },
  });
  const args = world.args(day(0), { retain: { for: "5y" }, timestamp: { url: tsa.url } });
  await policy.up(args);
  assert.deepEqual(policy.outputs["notices"], {});
  assert.equal(
    (await listSignatures(world.archive, kept.digest)).length,
    2,
    "the signature as it was, and with its timestamp",
  );
  const verdict = await verdictLater(world, kept);
  assert.equal(verdict.outcome, "verified", verdict.reason);
  assert.equal(await policy.up(args), "same");
  assert.equal(
    (await listSignatures(world.source, kept.digest)).length,
    1,
    "the source is as it was",
  );
});
