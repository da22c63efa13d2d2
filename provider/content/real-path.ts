// SPDX-License-Identifier: Apache-2.0
import { realpath } from "node:fs/promises";
import path from "node:path";

/**
 * A path with links followed as far as it exists; what does not exist yet is added as it stands.
 */
export async function realPath(file: string): Promise<string> {
  const absent: string[] = [];
  for (let there = path.resolve(file); ; there = path.dirname(there)) {
    try {
      return path.join(await realpath(there), ...absent);
    } catch {
      // Not there yet, or not to be looked at: either way all that is known of it is its name.
      if (there === path.dirname(there)) return path.resolve(file);
      absent.unshift(path.basename(there));
    }
  }
}
