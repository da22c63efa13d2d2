// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import manifest from "../../package.json";
import { nodeComplaint } from "../../provider/node-version";

test("an older Node is told from one that will do, as package.json has it", () => {
  assert.equal(manifest.engines.node, ">=22.19");
  for (const version of ["22.19.0", "22.20.1", "23.0.0", "24.21.0", process.versions.node])
    assert.equal(nodeComplaint(version), undefined, version);
  for (const version of ["20.20.2", "22.18.9", "18.0.0"])
    assert.match(
      nodeComplaint(version) ?? "",
      new RegExp(`needs Node 22\\.19 or newer, and this is Node ${version}`),
      version,
    );
});
