// SPDX-License-Identifier: Apache-2.0
// What stays behind for what it is about has a line in the plan, and fails nothing.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pushImage, pushIndex } from "../harness/artifacts";
import { scene } from "./scene";
import { party, pushClaim } from "./world";

test("a claim about a claim that is not selected is named", async () => {
  const { stack, origin } = await scene();
  const image = await pushImage(origin, { tag: "v1" });
  const excluded = await pushClaim(origin, image.descriptor, { type: "https://a.example/b/v1" });
  const about = await pushClaim(origin, excluded.descriptor);
  await stack.up({
    source: "oci:origin",
    destinations: ["oci:copy"],
    claims: { excludeTypes: ["https://a.example/b/v1"] },
    onRefused: "fail",
  });
  const refused = stack.plan["refused"] as Record<string, string>;
  assert.deepEqual(Object.keys(refused), [`claim ${about.descriptor.digest}`]);
});

test("claims of an index that a derived one leaves behind are named", async () => {
  const { stack, origin } = await scene();
  const { index } = await pushIndex(origin, { tag: "v1" });
  const claim = await pushClaim(origin, index.descriptor);
  const { leaf } = await party("mirror");
  const [keyFile, certificateChainFile] = ["key.pem", "chain.pem"].map((name) =>
    join(stack.baseDir, name),
  ) as [string, string];
  writeFileSync(keyFile, leaf.keyPem);
  writeFileSync(certificateChainFile, leaf.chainPem);
  await stack.up({
    source: "oci:origin",
    destinations: ["oci:copy"],
    platforms: { only: ["linux/amd64"], index: "derived" },
    signer: { keyFile, certificateChainFile },
    onRefused: "fail",
  });
  const refused = stack.plan["refused"] as Record<string, string>;
  assert.deepEqual(Object.keys(refused), [`claim ${claim.descriptor.digest}`]);
});
