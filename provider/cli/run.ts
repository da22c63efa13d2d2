// SPDX-License-Identifier: Apache-2.0
import { createRequire } from "node:module";
import { z } from "zod";
import { asConsignError, redact } from "../errors";
import { forTerminal, oneLine, printable } from "../printable";
import { claims } from "./claims";
import { parseCommandLine, type Flags } from "./command-line";
import type { OfOne, OfSeveral } from "./commands";
import { completion } from "./completion";
import { diff } from "./diff/diff";
import { doctor } from "./doctor/doctor";
import { explain } from "./explain";
import { exposure } from "./exposure";
import { generalHelp, helpOf } from "./help";
import { ls } from "./ls";
import { retention } from "./retention";
import { timeline } from "./timeline";
import { tree } from "./tree";
import { verify } from "./verify";
import type { ExitCode, World } from "./world";

const RUN: Readonly<
  Record<OfOne, (reference: string, flags: Flags, world: World) => Promise<ExitCode>>
> = { verify, claims, tree, retention, ls, doctor, explain, completion };

const RUN_SEVERAL: Readonly<
  Record<
    OfSeveral,
    (references: readonly string[], flags: Flags, world: World) => Promise<ExitCode>
  >
> = { timeline, diff };

/**
 * The whole command line but for where it gets its world from. Never throws: what fails is one
 * line, with its code, and exit code 2.
 */
export async function run(args: readonly string[], outside: World): Promise<ExitCode> {
  const world: World = {
    ...outside,
    print: (text) => outside.print(forTerminal(text, outside.color)),
    tell: (line) => outside.tell(oneLine(redact(line))),
  };
  try {
    const commandLine = parseCommandLine(args);
    if (commandLine.show === "result" && commandLine.command === "exposure")
      return await exposure(commandLine.flags, world);
    if (commandLine.show === "result" && "references" in commandLine)
      return await RUN_SEVERAL[commandLine.command](
        commandLine.references,
        commandLine.flags,
        world,
      );
    if (commandLine.show === "result")
      return await RUN[commandLine.command](commandLine.reference, commandLine.flags, world);
    if (commandLine.show === "version") world.print(version());
    else
      world.print(commandLine.command === undefined ? generalHelp() : helpOf(commandLine.command));
    return 0;
  } catch (error) {
    const { code, message } = asConsignError(error);
    world.tell(`consign: ${printable(message, 2_000)} [${code}]`);
    return 2;
  }
}

/** The package finds itself by its name, from its sources as from dist/. */
function version(): string {
  return z
    .object({ version: z.string() })
    .parse(createRequire(__filename)("pulumi-consign/package.json")).version;
}
