// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { isConsignError, type ErrorCode } from "../../provider/errors";

/** For `assert.rejects` and `assert.throws`: an error with this code, whose message matches. */
export function codeOf(code: ErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(isConsignError(error), `not a ConsignError: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}
