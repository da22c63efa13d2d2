// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../harness/toolchain";
import { consignProcess, workplace } from "./arrange";
import { LOAD_TYPESCRIPT } from "../harness/typescript";

test("as a process: verified is 0, not verified is 1, could not tell is 2", async () => {
  const { folder, artifact } = await workplace();
  const verified = await consignProcess(folder, [
    "verify",
    "oci:net-monitor:v1",
    "--root",
    "wabbit.pem",
    "--json",
  ]);
  assert.equal(verified.exitCode, 0, verified.stderr);
  const report = JSON.parse(verified.stdout) as { reference: string; verified: string };
  assert.deepEqual(
    [report.verified, report.reference],
    ["yes", `oci:net-monitor@${artifact.digest}`],
  );
  assert.equal(
    verified.stderr,
    "consign: no --policy: level strict, any identity with a certificate from the given roots\n",
  );

  const untrusted = await consignProcess(folder, [
    "verify",
    "oci:net-monitor:v1",
    "--root",
    "acme.pem",
  ]);
  assert.equal(untrusted.exitCode, 1, untrusted.stderr);
  assert.match(untrusted.stdout, /not verified/);
  assert.match(untrusted.stdout, /\[SIGNATURE_UNTRUSTED\]/);

  const missing = await consignProcess(folder, [
    "verify",
    "oci:net-monitor:v2",
    "--root",
    "wabbit.pem",
  ]);
  assert.equal(missing.exitCode, 2);
  assert.equal(missing.stdout, "");
  assert.match(missing.stderr, /^consign: oci:net-monitor:v2 is not there \[MANIFEST_UNKNOWN\]$/m);

  const tree = await consignProcess(folder, ["tree", "oci:net-monitor:v1"]);
  assert.equal(tree.exitCode, 0, tree.stderr);
  assert.match(tree.stdout, /^oci:net-monitor:v1\nsha256:/);
});

test(
  "an answer that cannot be written is not 'not verified'",
  { skip: existsSync("/dev/full") ? false : "no /dev/full" },
  async () => {
    const main = join(repositoryRoot, "provider", "cli", "main.ts");
    const child = spawn(process.execPath, [...LOAD_TYPESCRIPT, main, "--help"], {
      stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
      timeout: 60_000,
    });
    let told = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (told += chunk));
    const exitCode = await new Promise((ended) => child.once("close", ended));
    assert.equal(exitCode, 2, told);
    assert.match(told, /^consign: .*ENOSPC.*\n$/);
  },
);
