// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { EXPLANATIONS } from "../../provider/cli/explanations";
import { nearest } from "../../provider/cli/nearest";
import { ERROR_CODES } from "../../provider/errors";
import { tempDir } from "../harness/temp";
import { consign } from "./arrange";

let folder: string;
before(() => {
  folder = tempDir("explain");
});

describe("consign explain", () => {
  test("every code has its cause and its remedy, and no two have the same", () => {
    assert.deepEqual(Object.keys(EXPLANATIONS).sort(), Object.keys(ERROR_CODES).sort());
    const texts = Object.values(EXPLANATIONS).flatMap(({ cause, remedy }) => [cause, remedy]);
    assert.ok(texts.every((text) => text.length >= 20));
    const causes = Object.values(EXPLANATIONS).map(({ cause }) => cause);
    assert.equal(new Set(causes).size, causes.length);
  });

  test("a code is told as it is printed, in any case and in its brackets", async () => {
    for (const asked of ["SIGNATURE_UNTRUSTED", "signature_untrusted", "[SIGNATURE_UNTRUSTED]"]) {
      const { exitCode, stdout } = await consign(folder, ["explain", asked]);
      assert.equal(exitCode, 0);
      assert.deepEqual(stdout.split("\n"), [
        "SIGNATURE_UNTRUSTED",
        `  means   ${ERROR_CODES.SIGNATURE_UNTRUSTED}`,
        `  cause   ${EXPLANATIONS.SIGNATURE_UNTRUSTED.cause}`,
        `  remedy  ${EXPLANATIONS.SIGNATURE_UNTRUSTED.remedy}`,
      ]);
    }
  });

  test("JSON", async () => {
    const { stdout } = await consign(folder, ["explain", "TAG_MOVED", "--json"]);
    assert.deepEqual(JSON.parse(stdout), {
      code: "TAG_MOVED",
      meaning: ERROR_CODES.TAG_MOVED,
      ...EXPLANATIONS.TAG_MOVED,
    });
  });

  test("what is no code ends with 2, and the nearest one", async () => {
    const near = await consign(folder, ["explain", "MANIFEST_UNKOWN"]);
    assert.deepEqual([near.exitCode, near.stdout], [2, ""]);
    assert.match(near.stderr, /did you mean MANIFEST_UNKNOWN\? \[INPUT_INVALID\]$/);
    const far = await consign(folder, ["explain", "E404"]);
    assert.equal(far.exitCode, 2);
    assert.doesNotMatch(far.stderr, /did you mean/);
    const inherited = await consign(folder, ["explain", "toString"]);
    assert.equal(inherited.exitCode, 2);
  });
});

describe("did you mean", () => {
  test("commands and options", async () => {
    const told = async (...args: string[]) => (await consign(folder, args)).stderr;
    assert.match(await told("verfy", "oci:x:v1"), /did you mean verify\?.*\[INPUT_INVALID\]$/);
    assert.match(await told("help", "tre"), /did you mean tree\?.*\[INPUT_INVALID\]$/);
    assert.match(await told("verify", "oci:x:v1", "--polcy", "f"), /did you mean --policy\?/);
    assert.match(await told("completion", "bahs"), /did you mean bash\?/);
    assert.doesNotMatch(await told("sign", "oci:x:v1"), /did you mean/);
  });

  test("letters left out, changed and swapped; nothing that is far, nor endless", () => {
    const names = ["verify", "claims", "tree"];
    assert.equal(nearest("verfiy", names), "verify");
    assert.equal(nearest("CLAIM", names), "claims");
    assert.equal(nearest("tee", names), "tree");
    assert.equal(nearest("bundle", names), undefined);
    assert.equal(nearest("v".repeat(1_000_000), names), undefined);
  });
});
