// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { ERROR_CODES, isConsignError, type ErrorCode } from "../../provider/errors";

/**
 * For `assert.rejects` and `assert.throws`: an error with one of these codes, be it an error of the
 * library or what the provider's protocol makes of one, whose message ends in `[CODE]`.
 */
export function failsWith(...codes: ErrorCode[]): (error: unknown) => true {
  return (error) => {
    const code = codeIn(error);
    assert.ok(
      code !== undefined && codes.includes(code),
      `fails with ${code ?? "no code"}, and not with ${codes.join(" or ")}: ${String(error)}`,
    );
    return true;
  };
}

/** As {@link failsWith}, and the message says a fact that the code alone does not tell. */
export function codeOf(code: ErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    failsWith(code)(error);
    assert.match(error instanceof Error ? error.message : String(error), message);
    return true;
  };
}

function codeIn(error: unknown): ErrorCode | undefined {
  if (isConsignError(error)) return error.code;
  const text = error instanceof Error ? error.message : String(error);
  const [, last] = /^[^]*\[([A-Z_]+)\]/.exec(text) ?? [];
  return codes.find((code) => code === last);
}

const codes = Object.keys(ERROR_CODES) as ErrorCode[];
