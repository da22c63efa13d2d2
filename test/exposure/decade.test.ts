// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { quickParty } from "../harness/memory-world";
import { tempDir } from "../harness/temp";
import { DAY, Decade, osvOf, START, truthOf, wasIn } from "./decade";
import { ExposureWorld, LIVE } from "./world";

test("a decade of releases is answered as an independent model answers it", async () => {
  const [vendor, stranger] = [quickParty("Vendor"), quickParty("Stranger")];
  const options = {
    releases: 60,
    services: 4,
    packages: [20, 60] as const,
    advisories: 8,
    seed: 22,
  };
  const decade = await Decade.make(LIVE, options, vendor, stranger);
  const world = new ExposureWorld(vendor, stranger);
  world.wrap = () => decade;
  const osv = tempDir("osv");
  for (const each of decade.advisories)
    writeFileSync(join(osv, `${each.id}.json`), JSON.stringify(osvOf(each)));
  const seen = new Set<string>();
  for (const [index, known] of decade.advisories.entries()) {
    const environment = index % 2 === 0 ? "production" : "staging";
    const [from, until] = [START + index * 300 * DAY, START + (index * 300 + 900) * DAY];
    const answer = await world.ask({
      vulnerability: known.id,
      osv,
      environments: [environment],
      from: new Date(from).toISOString().slice(0, 10),
      until: new Date(until).toISOString().slice(0, 10),
    });
    const expected = decade.releases.filter((release) =>
      wasIn(release, environment, from, until + DAY - 1),
    );
    assert.deepEqual(
      new Map(answer.entries.map(({ digest, status }) => [digest, status] as const).toSorted()),
      new Map(
        expected.map((release) => [release.digest, truthOf(release, known)] as const).toSorted(),
      ),
      known.id,
    );
    assert.equal(answer.counts.elsewhere, decade.releases.length - expected.length);
    for (const { status, where, digest } of answer.entries) {
      seen.add(status);
      const release = decade.releases.find((each) => each.digest === digest);
      assert.equal(
        where[0]?.state,
        release?.purged === true && release.until !== undefined ? "content purged" : "there",
      );
    }
  }
  assert.deepEqual([...seen].sort(), ["affected", "fixed", "not-affected", "unknown"]);
  const all = await world.ask({ osv });
  for (const release of decade.releases) {
    const truths = decade.advisories.map((known) => truthOf(release, known));
    const { status } = all.entries.find(({ digest }) => digest === release.digest) ?? {};
    if (truths.includes("affected")) assert.equal(status, "affected");
    else if (release.sbom === "none" || release.sbom === "stranger")
      assert.equal(status, "unknown");
    else assert.ok(status === "fixed" || status === "not-affected");
  }
});
