// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { jsonText } from "../printable";
import { verdictLines } from "../report/verdict-text";
import { dress } from "../report/words";
import type { Flags } from "./command-line";
import { inspect } from "./inspection";
import type { ExitCode, World } from "./world";

/** `consign verify`: whether the artifact may be used, and why (not). */
export async function verify(reference: string, flags: Flags, world: World): Promise<ExitCode> {
  const { verification, exitCode } = await inspect("verify", reference, flags, "verdict", world);
  if (verification === undefined)
    throw new ConsignError("INTERNAL", "verified without a trust policy");
  if (flags.json) world.print(jsonText(verification));
  else for (const line of verdictLines(verification, dress(world.color))) world.print(line);
  return exitCode;
}
