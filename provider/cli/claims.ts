// SPDX-License-Identifier: Apache-2.0
import { claimLine, claimReason, foreignLine } from "../report/claim-text";
import { verdictLines } from "../report/verdict-text";
import { jsonText, printable } from "../printable";
import { dress } from "../report/words";
import type { Flags } from "./command-line";
import { inspect } from "./inspection";
import type { ExitCode, World } from "./world";

/** `consign claims`: what is claimed about the artifact, and whether it counts. */
export async function claims(reference: string, flags: Flags, world: World): Promise<ExitCode> {
  const { observed, verification, exitCode } = await inspect(
    "claims",
    reference,
    flags,
    "claims",
    world,
  );
  const { digest, claims: found, vex, foreign } = observed;
  if (flags.json) {
    world.print(
      jsonText({
        reference: observed.reference,
        digest,
        ...(verification === undefined ? {} : { verification }),
        claims: found,
        vex,
        foreign,
      }),
    );
    return exitCode;
  }
  const style = dress(world.color);
  const head =
    verification === undefined
      ? [printable(observed.reference)]
      : verdictLines(verification, style);
  const lines = [
    ...found.flatMap((claim) => [
      claimLine(claim, style),
      ...claimReason(claim).map((reason) => `  ${reason}`),
    ]),
    ...foreign.map((claim) => foreignLine(claim, style)),
  ];
  for (const line of [...head, ...(lines.length === 0 ? ["no claims"] : lines)]) world.print(line);
  return exitCode;
}
