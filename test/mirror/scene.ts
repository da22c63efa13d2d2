// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { OciLayout, type Store } from "../../provider/content/index";
import type { Manifest } from "../../provider/oci/manifest";
import { MirrorStack } from "./stack";

export const ARGS = { source: "oci:origin", destinations: ["oci:copy"] };

/** A mirror between layouts in a folder of its own, not run yet. */
export async function scene() {
  const stack = new MirrorStack();
  const at = (name = "copy"): OciLayout =>
    OciLayout.open(join(stack.baseDir, name), { create: true });
  const held = async (...manifests: Manifest[]): Promise<boolean[]> =>
    Promise.all(manifests.map(({ descriptor }) => at().has(descriptor)));
  return { stack, origin: at("origin"), at, held };
}

export const isThere = async (store: Store, reference: string): Promise<boolean> =>
  store.resolve(reference).then(
    () => true,
    () => false,
  );
