// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { pushClaim, wabbit } from "../report/arrange";
import { consign, workplace } from "./arrange";

test("consign retention prints what a policy would decide, and writes nothing", async () => {
  const { folder, layout, artifact, file } = await workplace();
  const stay = { environment: "production", from: "2026-01-01T00:00:00Z" };
  await pushClaim(layout, { type: "deployment", subject: artifact, predicate: stay }, wabbit);
  await pushClaim(
    layout,
    {
      type: "deployment",
      subject: artifact,
      predicate: { ...stay, until: "2026-03-01T00:00:00Z" },
    },
    wabbit,
  );
  const rules = file("rules.json", {
    archive: "oci:archive",
    archiveAfter: "30d",
    retain: { for: "1y" },
  });
  const asked = (...more: string[]) =>
    consign(folder, [
      "retention",
      "oci:net-monitor",
      "--rules",
      rules,
      "--root",
      "wabbit.pem",
      ...more,
    ]);
  const due = await asked("--as-of", "2026-04-01");
  assert.equal(due.exitCode, 0, due.stderr);
  assert.match(
    due.stdout,
    /^DECISION {2}ARTIFACT .*\narchive +v1 sha256:\w{12} +to-archive +production 2026-01-01 to 2026-03-01 +- +2027-03-01 +its grace period of 30d ended on 2026-03-31$/,
  );
  const json = await asked("--as-of", "2026-03-15", "--json");
  const { entries } = JSON.parse(json.stdout) as { entries: Record<string, { state: string }> };
  assert.deepEqual(
    Object.values(entries).map(({ state }) => state),
    ["grace"],
  );
  assert.deepEqual(await layout.tags(), ["v1"]);
});

test("consign retention says what is missing or wrong", async () => {
  const { folder, file } = await workplace();
  const rules = file("rules.json", {
    archive: "oci:archive",
    archiveAfter: "30d",
    retain: { for: "7d" },
  });
  const fails = async (reason: RegExp, ...args: string[]): Promise<void> => {
    const { exitCode, stderr } = await consign(folder, args);
    assert.equal(exitCode, 2);
    assert.match(stderr, reason);
  };
  await fails(/--rules says what/, "retention", "oci:net-monitor", "--root", "wabbit.pem");
  await fails(/whose claims count/, "retention", "oci:net-monitor", "--rules", rules);
  await fails(
    /is over before the grace period.*\[INPUT_INVALID\]/,
    "retention",
    "oci:net-monitor",
    "--rules",
    rules,
    "--root",
    "wabbit.pem",
  );
  await fails(
    /--as-of tomorrow/,
    "retention",
    "oci:net-monitor",
    "--rules",
    file("fine.json", { archive: "oci:archive" }),
    "--root",
    "wabbit.pem",
    "--as-of",
    "tomorrow",
  );
  await fails(
    /not for retention/,
    "retention",
    "oci:net-monitor",
    "--rules",
    rules,
    "--root",
    "wabbit.pem",
    "--require",
    "sbom",
  );
  await fails(/--as-of is for retention/, "verify", "oci:net-monitor:v1", "--as-of", "2026-01-01");
});
