// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { asCheckFailure, asEngineError } from "../../provider/protocol/failures";
import { ConsignError } from "../../provider/errors";
import { PartialFailure } from "../../provider/world/reconciler";

const wrong = new ConsignError("FILE_NOT_FOUND", '"app.sh" does not exist', { path: "files[0]" });

test("what fails in create or update names the argument, as a failed check does", () => {
  assert.equal(
    asEngineError(wrong, "id", undefined).message,
    'files[0]: "app.sh" does not exist [FILE_NOT_FOUND]',
  );
  const partial = asEngineError(new PartialFailure(wrong, {}), "id", { a: 1 }) as Error & {
    reasons: string[];
  };
  assert.deepEqual(
    [partial.message, partial.reasons],
    [
      'files[0]: "app.sh" does not exist [FILE_NOT_FOUND]',
      ['files[0]: "app.sh" does not exist [FILE_NOT_FOUND]'],
    ],
  );
  assert.deepEqual(
    asCheckFailure(wrong, "x"),
    { property: "files[0]", reason: '"app.sh" does not exist [FILE_NOT_FOUND]' },
    "a check says it beside the reason",
  );
});

test("nothing is said twice, and nothing where no argument is at fault", () => {
  assert.equal(
    asEngineError(
      new ConsignError("INPUT_INVALID", "tags: too many", { path: "tags" }),
      "id",
      undefined,
    ).message,
    "tags: too many [INPUT_INVALID]",
  );
  assert.equal(
    asEngineError(new ConsignError("INTERNAL", "a bug"), "id", undefined).message,
    "a bug [INTERNAL]",
  );
});
