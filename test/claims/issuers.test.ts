// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClaimVerdict } from "../../provider/claims/index";
import { evaluateRequirements } from "../../provider/claims/require/requirements";
import { digestOf } from "../../provider/oci/digest";
import {
  ACME,
  NOW,
  STRANGER,
  WABBIT,
  daysAgo,
  identity,
  judge,
  observed,
  predicates,
  signedBy,
  statuses,
} from "./builders";

const result = (name: string, outcome: string, verdict: ClaimVerdict) =>
  observed(name, { predicate: predicates.test(outcome), verdict });
const signed = (...signatures: ClaimVerdict[]): ClaimVerdict => {
  const [first] = signatures;
  assert.ok(first);
  return { ...first, signatures };
};

describe('"*" in the precedence', () => {
  const precedence = [identity(ACME), "*"];

  test("is a rank for everybody else, and not one issuer: nobody replaces what another says", () => {
    const claims = judge(
      [
        result("old", "FAILED", signedBy(WABBIT, daysAgo(9))),
        result("new", "PASSED", signedBy(STRANGER, daysAgo(1))),
      ],
      { precedence },
    );
    assert.deepEqual(statuses(claims, "old", "new"), ["effective", "effective"]);
    const deny = [{ type: "test-result", condition: 'predicate.result == "FAILED"' }];
    assert.deepEqual(
      evaluateRequirements({ deny }, claims, NOW).map(({ met }) => met),
      [false],
    );
  });

  test("nobody of that rank may revoke what another says", () => {
    const revoking = observed("r", {
      type: "revocation",
      predicate: predicates.revocation(digestOf("old")),
      by: STRANGER,
    });
    assert.deepEqual(
      statuses(
        judge([result("old", "FAILED", signedBy(WABBIT)), revoking], { precedence }),
        "old",
        "r",
      ),
      ["effective", "untrusted"],
    );
  });

  test("leaves those who are above it above it, and an issuer's own claims in order", () => {
    const claims = [
      result("w1", "FAILED", signedBy(WABBIT, daysAgo(9))),
      result("w2", "PASSED", signedBy(WABBIT, daysAgo(1))),
    ];
    assert.deepEqual(statuses(judge(claims, { precedence }), "w1", "w2"), [
      "superseded",
      "effective",
    ]);
    assert.deepEqual(
      statuses(
        judge([...claims, result("a", "PASSED", signedBy(ACME, daysAgo(20)))], { precedence }),
        "w1",
        "w2",
        "a",
      ),
      ["superseded", "superseded", "effective"],
    );
  });
});

describe("a signature that was renewed", () => {
  const fresh = (verdict: ClaimVerdict) =>
    evaluateRequirements(
      { require: [{ type: "test-result", issuer: identity(WABBIT), maxAge: "7d" }] },
      judge([result("t", "PASSED", verdict)]),
      NOW,
    )[0]?.met;
  const [old, renewed] = [signedBy(WABBIT, daysAgo(30)), signedBy(WABBIT, daysAgo(1))];

  test("is what maxAge counts from, whatever other signatures there are and in whichever order", () => {
    for (const signatures of [
      [old, renewed],
      [renewed, old],
      [signedBy(ACME, daysAgo(40)), old, renewed],
      [renewed, signedBy(ACME, daysAgo(40)), old],
    ])
      assert.equal(fresh(signed(...signatures)), true);
  });

  test("only where it is good, and the same issuer's", () => {
    assert.equal(fresh(signed(old)), false);
    assert.equal(fresh(signed(old, signedBy(ACME, daysAgo(1)))), false);
    for (const bad of [
      { outcome: "inconclusive" as const },
      { outcome: "invalid" as const },
      { expiresAt: daysAgo(0.5) },
    ])
      assert.equal(fresh(signed(old, { ...renewed, ...bad })), false, JSON.stringify(bad));
  });
});
