// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { samePlace } from "../../provider/world/same-place";

test("two spellings of one place", () => {
  for (const [a, b] of [
    ["oci:layouts/x", "oci:./layouts/x"],
    ["oci:layouts/x", "oci:layouts//y/../x/"],
    ["Registry.Example:5000/app", "registry.example:5000/app"],
    ["oci:/", "oci://"],
  ] as const)
    assert.ok(samePlace(a, b), `${a} ${b}`);
  for (const [a, b] of [
    ["oci:layouts/x", "oci:layouts/y"],
    ["oci:x", "oci:../x"],
    ["registry.example/app", "registry.example:5000/app"],
    ["registry.example/app", "registry.example/app2"],
    ["oci:x", undefined],
    ["nonsense", "Nonsense"],
  ] as const)
    assert.ok(!samePlace(a, b), `${a} ${b}`);
});
