// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Narrator } from "./narrator";
import { throwawayKeys } from "./throwaway-keys";

/** Who may sign, in the examples: folder name of the key, and organisation. */
const COMPANIES = { wabbit: "Wabbit Networks", acme: "ACME Rockets" } as const;

export interface Stage {
  /** Tells the story on one stack. Several stacks of one example share keys and registries. */
  narrator(stack: string): Promise<Narrator>;
  /** Roots of all who sign, for showing trees. */
  roots: string[];
}

/**
 * Clears an example's folder of what it wrote before, unless told to `keep` it, and makes its keys
 * anew.
 */
export async function stage(
  folder: string,
  companies: readonly (keyof typeof COMPANIES)[],
  options: { keep?: boolean | undefined } = {},
): Promise<Stage> {
  const made = join(folder, ".run");
  if (options.keep !== true) {
    rmSync(made, { recursive: true, force: true });
    for (const file of readdirSync(folder))
      if (/^Pulumi\..+\.yaml$/.test(file)) rmSync(join(folder, file));
  }
  mkdirSync(join(made, "backend"), { recursive: true });
  for (const company of companies)
    await throwawayKeys(join(made, "keys"), company, COMPANIES[company]);
  return {
    roots: companies.map((company) => join(made, "keys", `${company}.root.pem`)),
    async narrator(stack) {
      const narrator = new Narrator(folder, stack);
      await narrator.stack({});
      return narrator;
    },
  };
}

/** Runs an example's story; what goes wrong ends it with an exit code that is not 0. */
export function tell(story: () => Promise<void>): void {
  story().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
