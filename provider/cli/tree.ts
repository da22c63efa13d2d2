// SPDX-License-Identifier: Apache-2.0
import { jsonText } from "../printable";
import { renderTree } from "../report/tree";
import type { Flags } from "./command-line";
import { inspect } from "./inspection";
import { nameOf, writePage } from "./page";
import type { ExitCode, World } from "./world";

/** `consign tree`: the artifact with everything that refers to it. */
export async function tree(reference: string, flags: Flags, world: World): Promise<ExitCode> {
  const { observed, verification, exitCode } = await inspect(
    "tree",
    reference,
    flags,
    "everything",
    world,
  );
  if (flags.html !== undefined)
    await writePage(
      flags.html,
      [{ observed }],
      { title: nameOf(reference), first: "graph" },
      flags,
      world,
    );
  else if (flags.json)
    world.print(
      jsonText(
        { ...(verification === undefined ? {} : { verification }), artifact: observed },
        withoutPredicates,
      ),
    );
  else world.print(renderTree(observed, { title: reference, color: world.color }));
  for (const unmet of verification?.requirements.filter(({ met }) => !met) ?? [])
    world.tell(`consign: ${unmet.requirement}: ${unmet.reason} [VERIFICATION_UNMET]`);
  return exitCode;
}

/** A predicate can be an SBOM of many megabytes; `consign claims` has them. */
function withoutPredicates(key: string, value: unknown): unknown {
  return key === "predicate" ? undefined : value;
}
