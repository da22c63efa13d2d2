// SPDX-License-Identifier: Apache-2.0
import { tempDir } from "../harness/temp";
import { Life } from "../harness/life";
import { KINDS } from "./kinds";
import { held, restoreFiles, type RecordedResource, type RecordedScene } from "./recorded";

/** A recorded resource, alive again in a world as it was then. */
export function revive(
  { at, files }: Pick<RecordedScene, "at" | "files">,
  { kind, id, inputs, outputs }: Omit<RecordedResource, "removed">,
): Life {
  const folder = tempDir("states");
  restoreFiles(files, folder);
  const life = new Life(KINDS[kind], { folder, now: () => new Date(at) });
  return Object.assign(life, {
    id,
    inputs: structuredClone(inputs),
    outputs: structuredClone(outputs),
  });
}

/** Removes the resource. @returns what layouts held before, and hold no longer */
export async function remove(life: Life): Promise<string[]> {
  const before = held(life.options.folder);
  await life.destroy();
  const after = new Set(held(life.options.folder));
  return before.filter((line) => !after.has(line));
}
