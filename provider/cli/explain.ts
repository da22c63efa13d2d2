// SPDX-License-Identifier: Apache-2.0
import { ConsignError, ERROR_CODES, isErrorCode } from "../errors";
import { jsonText } from "../printable";
import type { Flags } from "./command-line";
import { EXPLANATIONS } from "./explanations";
import { didYouMean } from "./nearest";
import type { ExitCode, World } from "./world";

const CODES = Object.keys(ERROR_CODES);

/** `consign explain`: what an error code means, what causes it, and what to do. */
export function explain(asked: string, { json }: Flags, world: World): Promise<ExitCode> {
  // Copied from a message it may have its brackets, and lower case is easier to type.
  const code = asked.replace(/^\[(.*)\]$/, "$1").toUpperCase();
  if (!isErrorCode(code))
    return Promise.reject(
      new ConsignError(
        "INPUT_INVALID",
        `"${asked}" is no code of an error${didYouMean(code, CODES)}`,
      ),
    );
  const { cause, remedy } = EXPLANATIONS[code];
  const meaning = ERROR_CODES[code];
  if (json) world.print(jsonText({ code, meaning, cause, remedy }));
  else
    for (const line of [code, `  means   ${meaning}`, `  cause   ${cause}`, `  remedy  ${remedy}`])
      world.print(line);
  return Promise.resolve(0);
}
