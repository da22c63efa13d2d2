// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import { verification } from "../../provider/verification/verification";
import { World, trust } from "../engine/verification-world";
import { tempDir } from "../harness/temp";
import { Life, Refused } from "../harness/life";

async function refusal(change: object): Promise<string> {
  const folder = tempDir("trust-property");
  await new World(OciLayout.open(join(folder, "repo"), { create: true })).publish("v1");
  writeFileSync(join(folder, "text.txt"), "text\n");
  mkdirSync(join(folder, "config", "trustpolicy.json"), { recursive: true });
  const error = await new Life(verification, { folder })
    .preview({ artifact: "oci:repo:v1", trust: trust(), ...change })
    .catch((refused: unknown) => refused);
  if (!(error instanceof Refused)) return "accepted";
  const [failure] = error.failures;
  return `${failure?.property} ${/\[(\w+)\]$/.exec(failure?.reason ?? "")?.[1]}`;
}

test("a trust store that is not there is told at trust.trustStores", async () => {
  assert.equal(
    await refusal({ trust: { ...trust(), trustStores: ["ca:consign-none"] } }),
    "trust.trustStores[0] TRUST_STORE_INVALID",
  );
});

test("a notation configuration that is a file is told at trust.notationConfig, and is no bug", async () => {
  assert.equal(
    await refusal({ trust: { notationConfig: "text.txt" } }),
    "trust.notationConfig FILE_UNREADABLE",
  );
});

test("a member of the trust policy that does not exist is told at that member", async () => {
  assert.equal(
    await refusal({ trust: { ...trust(), registryScope: ["x"] } }),
    "trust.registryScope TRUST_POLICY_INVALID",
  );
  assert.equal(
    await refusal({ trust: { ...trust(), roots: { ...trust().roots, cas: [] } } }),
    "trust.roots.cas TRUST_POLICY_INVALID",
  );
  assert.equal(
    await refusal({ trust: { notationConfig: "default", level: "strict" } }),
    "trust.level TRUST_POLICY_INVALID",
  );
});
