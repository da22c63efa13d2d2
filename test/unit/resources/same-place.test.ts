// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseLocation } from "../../../provider/oci/reference";
import { RegistryClient } from "../../../provider/registry";
import { Stores } from "../../../provider/resources/context";
import { samePlace } from "../../../provider/resources/same-place";
import { tempDir } from "../../harness/temp";

test("two spellings of one place", () => {
  for (const [a, b] of [["oci:layouts/x", "oci:./layouts/x"], ["oci:layouts/x", "oci:layouts//y/../x/"], ["Registry.Example:5000/app", "registry.example:5000/app"], ["oci:/", "oci://"]] as const) assert.ok(samePlace(a, b), `${a} ${b}`);
  for (const [a, b] of [["oci:layouts/x", "oci:layouts/y"], ["oci:x", "oci:../x"], ["registry.example/app", "registry.example:5000/app"], ["registry.example/app", "registry.example/app2"], ["oci:x", undefined], ["nonsense", "Nonsense"]] as const) assert.ok(!samePlace(a, b), `${a} ${b}`);
});

test("stores know one place also by an absolute path, and through a link", async (context) => {
  const folder = tempDir("places");
  const client = new RegistryClient({ baseDir: folder });
  context.after(() => client.close());
  const stores = new Stores(client, folder);
  const placeOf = (text: string): string => stores.placeOf(parseLocation(text));
  mkdirSync(join(folder, "layout"));
  symlinkSync(join(folder, "layout"), join(folder, "link"));
  for (const text of [`oci:${folder}/layout`, "oci:link", "oci:./layout/"]) assert.equal(placeOf(text), placeOf("oci:layout"), text);
  assert.equal(placeOf("oci:./none"), placeOf(`oci:${folder}/none`), "before it is made");
  assert.equal(placeOf("REGISTRY.example/app"), placeOf("registry.example/app"));
  assert.notEqual(placeOf("oci:layout"), placeOf("oci:none"));
});
