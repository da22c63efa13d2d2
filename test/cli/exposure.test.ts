// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { advisory, cyclonedx, document } from "../exposure/world";
import { pushClaim, wabbit } from "../report/arrange";
import { consign, workplace } from "./arrange";

test("consign exposure says what is affected, by its exit code too, and writes nothing there", async () => {
  const { folder, layout, artifact, file } = await workplace();
  const ask = (...more: string[]) =>
    consign(folder, ["exposure", "--in", "oci:net-monitor", "--root", "wabbit.pem", ...more]);
  assert.equal(
    (await ask("--package", "pkg:npm/log4js@<2.1")).exitCode,
    2,
    "without an SBOM it cannot be told",
  );
  await pushClaim(
    layout,
    {
      type: "sbom/cyclonedx",
      subject: artifact,
      document: document(cyclonedx("pkg:npm/log4js@2.0.1")),
    },
    wabbit,
  );
  await pushClaim(
    layout,
    {
      type: "deployment",
      subject: artifact,
      predicate: { environment: "production", from: "2026-01-01T00:00:00Z" },
    },
    wabbit,
  );
  const found = await ask(
    "--package",
    "pkg:npm/log4js@<2.1",
    "--environment",
    "production",
    "--from",
    "2026-01-02",
  );
  assert.equal(found.exitCode, 1, found.stderr);
  assert.match(
    found.stdout,
    /affected sha256:\w{12} oci:net-monitor:v1\n {4}in production from 2026-01-01, still\n/,
  );
  assert.match(found.stdout, /\n1 affected, 0 unknown, 0 fixed, 0 not affected$/);
  assert.equal((await ask("--package", "pkg:npm/log4js@>=2.1")).exitCode, 0);
  const earlier = await ask("--package", "pkg:npm/log4js", "--until", "2025-12-31");
  assert.deepEqual([earlier.exitCode, /1 not there at that time/.test(earlier.stdout)], [0, true]);

  file("osv.json", [advisory("GHSA-1", "log4js", "2.1.0", ["CVE-2026-1"])]);
  const json = await ask("--vulnerability", "CVE-2026-1", "--osv", ".", "--json");
  assert.equal(json.exitCode, 1, json.stderr);
  const { entries } = JSON.parse(json.stdout) as {
    entries: { digest: string; running: boolean }[];
  };
  assert.deepEqual(
    entries.map(({ digest, running }) => [digest, running]),
    [[artifact.digest, true]],
  );
  const page = await ask("--vulnerability", "CVE-2026-1", "--osv", ".", "--html", "page.html");
  assert.equal(page.exitCode, 1);
  assert.match(
    readFileSync(join(folder, "page.html"), "utf8"),
    /Exposure to CVE-2026-1.*affected/s,
  );
  assert.deepEqual(await layout.tags(), ["v1"]);
  assert.ok(!existsSync(join(folder, "content")));
});

test("consign exposure says what is missing or wrong", async () => {
  const { folder } = await workplace();
  const fails = async (reason: RegExp, ...args: string[]): Promise<void> => {
    const { exitCode, stderr } = await consign(folder, ["exposure", ...args]);
    assert.equal(exitCode, 2);
    assert.match(stderr, reason);
  };
  const at = ["--in", "oci:net-monitor", "--root", "wabbit.pem"];
  await fails(/say where to look/, "--package", "pkg:npm/a");
  await fails(/ask for one thing/, ...at);
  await fails(/ask for one thing/, ...at, "--package", "pkg:npm/a", "--vulnerability", "CVE-1");
  await fails(/whose claims count/, "--in", "oci:net-monitor", "--package", "pkg:npm/a");
  await fails(/say --claim TYPE too/, ...at, "--condition", "true");
  await fails(/one argument too many/, ...at, "oci:net-monitor:v1", "--package", "pkg:npm/a");
  const other = await consign(folder, ["verify", "oci:net-monitor:v1", "--osv", "."]);
  assert.match(other.stderr, /--osv is for exposure/);
  const gone = await consign(folder, [
    "exposure",
    "--in",
    "oci:absent",
    "--root",
    "wabbit.pem",
    "--package",
    "pkg:npm/a",
  ]);
  assert.deepEqual([gone.exitCode, /oci:absent/.test(gone.stdout)], [2, true]);
});
