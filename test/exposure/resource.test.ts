// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { exposure } from "../../provider/exposure/resource/exposure";
import { Life } from "../harness/life";
import { trustOf } from "../harness/memory-world";
import { tempDir } from "../harness/temp";
import { advisory, cyclonedx, document, ExposureWorld, LIVE, NOW } from "./world";

test("a refresh shows each new finding as a line, and the claim that it may become", async () => {
  const world = new ExposureWorld();
  const folder = tempDir("exposure");
  process.env["XDG_CACHE_HOME"] = join(folder, "cache");
  const osv = join(folder, "osv.json");
  writeFileSync(osv, JSON.stringify([advisory("GHSA-9", "absent", "1.0.0")]));
  const subject = await world.publish("v1");
  await world.say({
    type: "sbom/cyclonedx",
    subject,
    document: document(cyclonedx("pkg:npm/log4js@2.0.1")),
  });
  let now = NOW;
  const life = new Life(exposure, { folder, now: () => now, world: { stores: world.stores } });
  const args = { places: [LIVE], trust: trustOf(world.vendor), osv: "." };
  await life.up(args);
  assert.deepEqual([life.outputs["status"], life.outputs["findings"]], ["none", {}]);
  assert.equal((await life.preview(args)).op, "same");

  writeFileSync(osv, JSON.stringify([advisory("GHSA-1", "log4js", "2.1.0")]));
  await life.refresh();
  assert.equal(life.outputs["status"], "some");
  const findings = life.outputs["findings"] as Record<string, Record<string, string>>;
  assert.deepEqual(Object.keys(findings), [subject.digest]);
  assert.match(
    findings[subject.digest]?.["GHSA-1 pkg:npm/log4js@2.0.1"] ?? "",
    /^affected: GHSA-1, fixed in 2.1.0 \(sbom\/cyclonedx by .*Vendor/,
  );
  const before = life.outputs["vulnerabilities"] as Record<string, object>;
  assert.deepEqual(Object.keys(before), [subject.digest]);
  await world.say({ type: "vulnerabilities", subject, predicate: before[subject.digest] });
  assert.equal((await world.ask({ vulnerability: "GHSA-1" })).status, "some");

  now = new Date(now.getTime() + 86_400_000);
  await life.refresh();
  assert.deepEqual(life.outputs["vulnerabilities"], before, "the same finding is no new claim");
  assert.equal((await life.preview(args)).op, "same");
});

test("one thing is asked for, and what is wrong is refused in the preview", async () => {
  const world = new ExposureWorld();
  const life = new Life(exposure, { folder: tempDir("exposure"), world: { stores: world.stores } });
  const args = { places: [LIVE], trust: trustOf(world.vendor) };
  for (const wrong of [
    {},
    { vulnerability: "CVE-1", package: "pkg:npm/a" },
    { package: "no purl" },
    { vulnerability: "CVE-1", from: "2026-02-01", until: "2026-01-01" },
  ])
    await assert.rejects(
      life.preview({ ...args, ...wrong }),
      /INPUT_INVALID/,
      JSON.stringify(wrong),
    );
});
