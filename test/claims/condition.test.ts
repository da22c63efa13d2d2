// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compileCondition,
  CONDITION_TIMEOUT,
  conditionSchema,
  type ConditionContext,
} from "../../provider/claims/require/condition";
import { isConsignError } from "../../provider/errors";
import { NOW, WABBIT } from "./builders";

const context: ConditionContext = {
  predicate: JSON.parse(
    '{"n": 3, "score": 7.5, "list": [{"severity": "HIGH"}, {"severity": "LOW"}], "text": "abc", "__proto__": {"x": true}}',
  ),
  type: "https://example.com/x/v1",
  issuer: WABBIT,
  issuedAt: new Date(NOW.getTime() - 3_600_000),
  subject: "sha256:aa",
  now: NOW,
  vex: [
    {
      vulnerability: "CVE-1",
      product: "p",
      subcomponents: [],
      status: "not_affected",
      timestamp: "",
      issuer: WABBIT,
      claim: `sha256:${"0".repeat(64)}`,
      overrides: [],
    },
  ],
};
const run = (text: string, more: Partial<ConditionContext> = {}) =>
  compileCondition(text).evaluate({ ...context, ...more });

test("conditions speak about the predicate and about the claim", () => {
  for (const text of [
    "predicate.n == 3 && predicate.n >= 3",
    "predicate.n + 1.0 == 4.0",
    "predicate.score > 7",
    'predicate.list.exists(e, e.severity == "HIGH")',
    'predicate.list.all(e, e.severity != "CRITICAL")',
    "size(predicate.list) == 2",
    "!has(predicate.missing)",
    'issuer.contains("O=Wabbit") && claimType.startsWith("https://example.com/")',
    'now - issuedAt < duration("2h")',
    'subject == "sha256:aa"',
    'vex.exists(v, v.vulnerability == "CVE-1" && v.status == "not_affected")',
    'predicate.text.matches("^[a-c]+$")',
  ])
    assert.deepEqual(run(text), { result: true }, text);
  assert.deepEqual(run("predicate.n > 3"), { result: false });
});

test("no answer is never true", () => {
  for (const [text, reason] of [
    ["predicate.missing == 1", /No such key: missing/],
    ["predicate.n", /gives a number/],
    ["predicate.constructor == 1", /No such key/],
    ["predicate.n + 1 == 4", /no such overload/],
    ["dyn(null)", /gives null/],
    ['predicate.text.matches("(")', /regular expression/],
  ] as const) {
    const outcome = run(text);
    assert.ok("error" in outcome, text);
    assert.match(outcome.error, reason);
  }
  const without = compileCondition("now > issuedAt").evaluate({ ...context, now: undefined });
  assert.ok("error" in without);
});

test("what is no condition is refused, with its place", () => {
  for (const [text, message] of [
    ["predicate.n >", /at character 14: Unexpected token/],
    ["nothing == 1", /at character 1: Unknown variable: nothing/],
    ['"a" + 1 == "a"', /no such overload/],
    ["1 + 1", /gives a int/],
    ["predicate.a == 1 || ".repeat(300), /at most 4096/],
    ["(".repeat(100) + "true" + ")".repeat(100), /maxDepth/],
    ["", /not valid/],
  ] as const) {
    assert.throws(
      () => compileCondition(text),
      (error: unknown) => isConsignError(error, "CONDITION_INVALID") && message.test(error.message),
      text,
    );
  }
  assert.equal(conditionSchema.safeParse("predicate.n >").success, false);
  assert.equal(conditionSchema.safeParse("predicate.n > 1").success, true);
});

test("a condition that does not come to an end is stopped", () => {
  const started = Date.now();
  const slow = run('predicate.text.matches("^(x+x+)+y$")', { predicate: { text: "x".repeat(64) } });
  assert.deepEqual(slow, { error: `the condition took longer than ${CONDITION_TIMEOUT} ms` });
  const list = Array.from({ length: 3_000 }, (_, n) => n);
  const nested = run(
    "predicate.l.all(a, predicate.l.all(b, predicate.l.all(c, a + b + c >= 0.0)))",
    { predicate: { l: list } },
  );
  assert.deepEqual(nested, { error: `the condition took longer than ${CONDITION_TIMEOUT} ms` });
  assert.ok(Date.now() - started < 10 * CONDITION_TIMEOUT);
  assert.deepEqual(run("predicate.n == 3"), { result: true });
});
