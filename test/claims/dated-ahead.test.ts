// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClaimVerdict } from "../../provider/claims/index";
import {
  evaluateRequirements,
  type Requirements,
} from "../../provider/claims/require/requirements";
import { digestOf } from "../../provider/oci/digest";
import {
  ACME,
  ARTIFACT,
  NOW,
  WABBIT,
  daysAgo,
  identity,
  judge,
  observed,
  predicates,
  signedBy,
  statuses,
} from "./builders";

const YEAR_AHEAD = daysAgo(-365);
const result = (
  name: string,
  outcome: string,
  at: string,
  more: Partial<ClaimVerdict> & { supersedes?: ReturnType<typeof digestOf>[] } = {},
) => {
  const { supersedes, ...verdict } = more;
  return observed(name, {
    predicate: predicates.test(outcome),
    verdict: signedBy(WABBIT, at, verdict),
    ...(supersedes && { supersedes }),
  });
};
const evaluate = (requirements: Requirements, ...claims: Parameters<typeof judge>[0]) =>
  evaluateRequirements(requirements, judge(claims), NOW);
const passes: Requirements = {
  require: [{ type: "test-result", condition: 'predicate.result == "PASSED"' }],
};
const fails: Requirements = {
  deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }],
};

describe("a claim that its issuer dates a year ahead", () => {
  test("supersedes none of what that issuer claims until then", () => {
    const claims = judge([
      result("ahead", "PASSED", YEAR_AHEAD),
      result("old", "PASSED", daysAgo(9)),
      result("new", "FAILED", daysAgo(1)),
    ]);
    assert.deepEqual(statuses(claims, "ahead", "old", "new"), [
      "inconclusive",
      "superseded",
      "effective",
    ]);
    assert.match(
      claims.claims.find(({ digest }) => digest === digestOf("ahead"))?.reason ?? "",
      /dates it ahead, 2027-06-01.*cannot be told/,
    );
    assert.deepEqual(
      evaluate(
        passes,
        result("ahead", "PASSED", YEAR_AHEAD),
        result("new", "FAILED", daysAgo(1)),
      )[0]?.met,
      false,
    );
  });

  test("is not taken for the older one either: what it says still stands against the artifact", () => {
    assert.equal(
      evaluate(fails, result("ahead", "FAILED", YEAR_AHEAD), result("new", "PASSED", daysAgo(1)))[0]
        ?.met,
      false,
    );
  });

  test("counts where there is no other, with a warning", () => {
    const [required, warned] = evaluate(passes, result("ahead", "PASSED", YEAR_AHEAD));
    assert.equal(required?.met, true);
    assert.match(warned?.warning ?? "", /dates ahead, 2027-06-01/);
    assert.deepEqual([warned?.path, warned?.met], ["lifecycle.signingTime", true]);
    assert.equal(
      evaluate(passes, result("skew", "PASSED", new Date(NOW.getTime() + 4 * 60_000).toISOString()))
        .length,
      1,
      "clocks differ by minutes",
    );
  });

  test("replaces by name, and is replaced by name and by rank", () => {
    assert.deepEqual(
      statuses(
        judge([
          result("ahead", "PASSED", YEAR_AHEAD, { supersedes: [digestOf("old")] }),
          result("old", "FAILED", daysAgo(9)),
        ]),
        "ahead",
        "old",
      ),
      ["effective", "superseded"],
    );
    assert.deepEqual(
      statuses(
        judge([
          result("ahead", "PASSED", YEAR_AHEAD),
          result("new", "FAILED", daysAgo(1), { supersedes: [digestOf("ahead")] }),
        ]),
        "ahead",
        "new",
      ),
      ["superseded", "effective"],
    );
    const ranked = judge([result("ahead", "PASSED", YEAR_AHEAD), observed("above", { by: ACME })], {
      precedence: [identity(ACME), identity(WABBIT)],
    });
    assert.deepEqual(statuses(ranked, "ahead", "above"), ["superseded", "effective"]);
  });

  test("is ordered by a time that somebody else vouches for, as then it is our clock that is wrong", () => {
    const proven = result("proven", "FAILED", daysAgo(-1), { signedAtProven: true });
    assert.deepEqual(
      statuses(judge([proven, result("old", "PASSED", daysAgo(1))]), "proven", "old"),
      ["effective", "superseded"],
    );
  });

  test("is ordered by another signature of the same issuer that is not", () => {
    const [now, ahead] = [signedBy(WABBIT, daysAgo(9)), signedBy(WABBIT, YEAR_AHEAD)];
    for (const signatures of [
      [now, ahead],
      [ahead, now],
    ]) {
      const twice = observed("twice", { verdict: { ...now, signatures } });
      assert.deepEqual(
        statuses(judge([twice, result("new", "FAILED", daysAgo(1))]), "twice", "new"),
        ["superseded", "effective"],
      );
    }
  });

  test("revokes and lifts as any other", () => {
    const revoking = (name: string, target: ReturnType<typeof digestOf>, at: string) =>
      observed(name, {
        type: "revocation",
        predicate: predicates.revocation(target),
        verdict: signedBy(WABBIT, at),
      });
    const claims = judge([
      revoking("r", ARTIFACT, YEAR_AHEAD),
      revoking("again", ARTIFACT, daysAgo(1)),
    ]);
    assert.deepEqual(
      evaluateRequirements({}, claims, NOW)
        .map(({ path, met }) => `${path} ${met}`)
        .filter((line) => line.endsWith("false")).length > 0,
      true,
    );
    assert.deepEqual(
      statuses(
        judge([revoking("r", ARTIFACT, daysAgo(9)), revoking("lift", digestOf("r"), YEAR_AHEAD)]),
        "r",
        "lift",
      ),
      ["revoked", "effective"],
    );
  });
});
