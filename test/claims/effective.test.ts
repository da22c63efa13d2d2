// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../provider/oci/digest";
import {
  ACME,
  ARTIFACT,
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

const PRECEDENCE = [identity(ACME), identity(WABBIT)];
const broken = (
  name: string,
  code: "DIGEST_MISMATCH" | "SUBJECT_MISMATCH" | "PREDICATE_INVALID",
  verdict = signedBy(WABBIT),
) => ({
  claim: {
    digest: digestOf(name),
    descriptor: { mediaType: "m/t", digest: digestOf(name), size: 1 },
    type: undefined,
    broken: { code, reason: code },
  },
  verdict,
});

test("each way of being unusable has its own status", () => {
  const result = judge([
    observed("good"),
    broken("tampered", "DIGEST_MISMATCH"),
    broken("mismatch", "SUBJECT_MISMATCH"),
    broken("malformed", "PREDICATE_INVALID"),
    observed("elsewhere", { subject: digestOf("another artifact") }),
    observed("unsigned", { verdict: { outcome: "missing" } }),
    observed("untrusted", {
      verdict: { outcome: "untrusted", code: "SIGNATURE_UNTRUSTED", reason: "who?" },
    }),
    observed("certificate", { verdict: { outcome: "untrusted", code: "SIGNATURE_REVOKED" } }),
    observed("unsure", {
      type: "https://example.com/x",
      predicate: {},
      verdict: { outcome: "inconclusive", code: "SIGNATURE_INCONCLUSIVE" },
    }),
    observed("forged", { verdict: { outcome: "invalid", code: "SIGNATURE_INVALID" } }),
    observed("expired", { verdict: { outcome: "untrusted", code: "SIGNATURE_EXPIRED" } }),
    observed("lapsed", { verdict: signedBy(WABBIT, daysAgo(9), { expiresAt: NOW.toISOString() }) }),
    observed("skipped", { verdict: { outcome: "verified" } }),
    observed("unfit", { predicate: { result: "maybe" } }),
  ]);
  assert.deepEqual(
    statuses(
      result,
      "good",
      "tampered",
      "mismatch",
      "malformed",
      "elsewhere",
      "unsigned",
      "untrusted",
      "certificate",
      "unsure",
      "forged",
      "expired",
      "lapsed",
      "skipped",
      "unfit",
    ),
    [
      "effective",
      "tampered",
      "subject-mismatch",
      "malformed",
      "subject-mismatch",
      "unsigned",
      "untrusted",
      "untrusted",
      "inconclusive",
      "tampered",
      "expired",
      "expired",
      "untrusted",
      "malformed",
    ],
  );
});

test("of one issuer, type and scope the later claim counts, at equal times the greater digest", () => {
  const result = judge([
    observed("old", { at: daysAgo(9) }),
    observed("new", { at: daysAgo(1) }),
    observed("other type", { type: "vsa", predicate: vsa(), at: daysAgo(20) }),
  ]);
  assert.deepEqual(statuses(result, "old", "new", "other type"), [
    "superseded",
    "effective",
    "effective",
  ]);
  assert.equal(result.claims.find(({ digest }) => digest === digestOf("old"))?.by, digestOf("new"));
  const tie = judge([observed("a", { at: daysAgo(1) }), observed("b", { at: daysAgo(1) })]);
  const greater = digestOf("a") > digestOf("b") ? "a" : "b";
  assert.deepEqual(
    tie.claims.filter(({ status }) => status === "effective").map(({ digest }) => digest),
    [digestOf(greater)],
  );
});

test("a newer release of a scanner supersedes, another scanner does not", () => {
  const scan = (name: string, scanner: string, at: string) =>
    observed(name, { type: "vulnerabilities", predicate: predicates.scan({ scanner }), at });
  const result = judge([
    scan("1", "pkg:github/x/scan@1", daysAgo(3)),
    scan("2", "pkg:github/x/scan@2", daysAgo(2)),
    scan("3", "pkg:github/y/other@1", daysAgo(9)),
  ]);
  assert.deepEqual(statuses(result, "1", "2", "3"), ["superseded", "effective", "effective"]);
});

test("across issuers only listed precedence decides, not time", () => {
  const claims = [
    observed("wabbit", { by: WABBIT, at: daysAgo(1) }),
    observed("acme", { by: ACME, at: daysAgo(9) }),
    observed("stranger", { by: STRANGER, at: daysAgo(0) }),
  ];
  assert.deepEqual(statuses(judge(claims), "wabbit", "acme", "stranger"), [
    "effective",
    "effective",
    "effective",
  ]);
  assert.deepEqual(
    statuses(judge(claims, { precedence: PRECEDENCE }), "wabbit", "acme", "stranger"),
    ["superseded", "effective", "effective"],
  );
});

test("a claim replaces another by name only if its issuer may", () => {
  const replacing = (by: string) => [
    observed("old", { by: WABBIT, at: daysAgo(9) }),
    observed("new", {
      by,
      at: daysAgo(1),
      type: "vsa",
      predicate: vsa(),
      supersedes: [digestOf("old")],
    }),
  ];
  assert.deepEqual(statuses(judge(replacing(WABBIT)), "old"), ["superseded"]);
  assert.deepEqual(statuses(judge(replacing(ACME)), "old"), ["effective"]);
  assert.deepEqual(statuses(judge(replacing(ACME), { precedence: [identity(ACME)] }), "old"), [
    "superseded",
  ]);
  assert.deepEqual(statuses(judge(replacing(STRANGER), { precedence: PRECEDENCE }), "old"), [
    "effective",
  ]);
});

test("a claim that was replaced by name stays so when it is signed again later", () => {
  const result = judge([
    observed("old", { at: daysAgo(1) }),
    observed("middle", { at: daysAgo(5) }),
    observed("new", { at: daysAgo(9), supersedes: [digestOf("old")] }),
  ]);
  assert.deepEqual(statuses(result, "old", "middle", "new"), [
    "superseded",
    "superseded",
    "effective",
  ]);
});

test("a superseded claim still supersedes, a revoked one does not", () => {
  const chain = [
    observed("a", { type: "test-result", at: daysAgo(9) }),
    observed("b", { type: "vsa", predicate: vsa(), at: daysAgo(5), supersedes: [digestOf("a")] }),
    observed("c", {
      type: "https://example.com/x/v1",
      predicate: {},
      at: daysAgo(1),
      supersedes: [digestOf("b")],
    }),
  ];
  assert.deepEqual(statuses(judge(chain), "a", "b", "c"), [
    "superseded",
    "superseded",
    "effective",
  ]);
  const revoked = judge([
    ...chain,
    observed("r", { type: "revocation", predicate: predicates.revocation(digestOf("b")) }),
  ]);
  assert.deepEqual(statuses(revoked, "a", "b", "c", "r"), [
    "effective",
    "revoked",
    "effective",
    "effective",
  ]);
});

test("claims that name each other supersede by time", () => {
  const result = judge([
    observed("x", { at: daysAgo(2), supersedes: [digestOf("y")] }),
    observed("y", { at: daysAgo(1), supersedes: [digestOf("x")] }),
  ]);
  assert.deepEqual(statuses(result, "x", "y"), ["superseded", "effective"]);
});

test("who may revoke a claim: its issuer, one that ranks above it, one that is listed and not below it", () => {
  const by = (issuer: string, options = {}) =>
    statuses(
      judge(
        [
          observed("claim", { by: WABBIT }),
          observed("r", {
            by: issuer,
            type: "revocation",
            predicate: predicates.revocation(digestOf("claim")),
          }),
        ],
        options,
      ),
      "claim",
      "r",
    );
  assert.deepEqual(by(WABBIT), ["revoked", "effective"]);
  assert.deepEqual(by(WABBIT, { lifecycleIssuers: { revocation: [] } }), ["revoked", "effective"]);
  assert.deepEqual(by(ACME), ["effective", "untrusted"]);
  assert.deepEqual(by(ACME, { precedence: PRECEDENCE }), ["revoked", "effective"]);
  assert.deepEqual(by(STRANGER, { lifecycleIssuers: { revocation: [identity(STRANGER)] } }), [
    "revoked",
    "effective",
  ]);
  assert.deepEqual(
    by(STRANGER, {
      lifecycleIssuers: { revocation: [identity(STRANGER)] },
      precedence: PRECEDENCE,
    }),
    ["effective", "untrusted"],
  );
});

test("a revocation waits for its time, and is lifted by being revoked", () => {
  const future = judge([
    observed("claim"),
    observed("r", {
      type: "revocation",
      predicate: predicates.revocation(digestOf("claim"), "2026-07-01T00:00:00Z"),
    }),
  ]);
  assert.deepEqual(statuses(future, "claim"), ["effective"]);
  const lifted = judge([
    observed("claim"),
    observed("r1", { type: "revocation", predicate: predicates.revocation(digestOf("claim")) }),
    observed("r2", { type: "revocation", predicate: predicates.revocation(digestOf("r1")) }),
  ]);
  assert.deepEqual(statuses(lifted, "claim", "r1", "r2"), ["effective", "revoked", "effective"]);
  const circle = judge([
    observed("r1", { type: "revocation", predicate: predicates.revocation(digestOf("r2")) }),
    observed("r2", { type: "revocation", predicate: predicates.revocation(digestOf("r1")) }),
  ]);
  assert.deepEqual(statuses(circle, "r1", "r2"), ["revoked", "revoked"]);
});

test("a revocation may refer to the claim that it revokes", () => {
  const attached = observed("r", {
    type: "revocation",
    predicate: predicates.revocation(digestOf("claim")),
    subject: digestOf("claim"),
  });
  assert.deepEqual(statuses(judge([observed("claim"), attached]), "claim", "r"), [
    "revoked",
    "effective",
  ]);
  assert.deepEqual(statuses(judge([attached]), "r"), ["subject-mismatch"]);
});

test("lifecycle claims of issuers that the policy does not allow are untrusted", () => {
  const claims = [
    observed("revoke", {
      by: STRANGER,
      type: "revocation",
      predicate: predicates.revocation(ARTIFACT),
    }),
    observed("redirect", { by: STRANGER, type: "redirect", predicate: { to: "evil.example/x" } }),
    observed("end", { by: STRANGER, type: "endOfLife", predicate: { date: "2020-01-01" } }),
  ];
  const lists = [identity(WABBIT)];
  const result = judge(claims, {
    lifecycleIssuers: { revocation: lists, redirect: lists, endOfLife: lists },
  });
  assert.deepEqual(statuses(result, "revoke", "redirect", "end"), [
    "untrusted",
    "untrusted",
    "untrusted",
  ]);
  assert.deepEqual(statuses(judge(claims), "revoke", "redirect", "end"), [
    "effective",
    "effective",
    "effective",
  ]);
});

test("two certificates of one precedence entry are one issuer", () => {
  const claims = [
    observed("ci", { by: `${WABBIT},CN=ci`, at: daysAgo(9) }),
    observed("ci2", { by: `${WABBIT},CN=ci2`, at: daysAgo(1) }),
  ];
  assert.deepEqual(statuses(judge(claims), "ci", "ci2"), ["effective", "effective"]);
  assert.deepEqual(statuses(judge(claims, { precedence: [identity(WABBIT)] }), "ci", "ci2"), [
    "superseded",
    "effective",
  ]);
  const spelled = [
    observed("1", { by: "C=US, ST=WA, O=W", at: daysAgo(9) }),
    observed("2", { by: "O=W,S=WA,C=US", at: daysAgo(1) }),
  ];
  assert.deepEqual(statuses(judge(spelled), "1", "2"), ["superseded", "effective"]);
});

test("VEX documents do not supersede each other; their statements do", () => {
  const vex = (name: string, by: string, at: string, statements: object[]) =>
    observed(name, {
      type: "vex",
      by,
      at,
      predicate: predicates.vex(statements, { timestamp: at }),
    });
  const says = (vulnerability: string, status: string, more = {}) => ({
    vulnerability: { name: vulnerability },
    products: [{ "@id": "pkg:oci/x" }],
    status,
    ...more,
  });
  const claims = [
    vex("first", WABBIT, daysAgo(9), [
      says("CVE-1", "under_investigation"),
      says("CVE-2", "fixed"),
    ]),
    vex("second", WABBIT, daysAgo(5), [
      says("CVE-1", "not_affected", { justification: "component_not_present" }),
    ]),
    vex("acme", ACME, daysAgo(20), [says("CVE-1", "affected", { action_statement: "update" })]),
  ];
  const alone = judge(claims);
  assert.deepEqual(statuses(alone, "first", "second", "acme"), [
    "effective",
    "effective",
    "effective",
  ]);
  const view = (result: typeof alone) =>
    result.vex.map(({ vulnerability, status }) => `${vulnerability} ${status}`).sort();
  assert.deepEqual(view(alone), ["CVE-1 affected", "CVE-1 not_affected", "CVE-2 fixed"]);
  const ranked = judge(claims, { precedence: PRECEDENCE });
  assert.deepEqual(view(ranked), ["CVE-1 affected", "CVE-2 fixed"]);
  assert.deepEqual(ranked.vex[0]?.overrides, [digestOf("first"), digestOf("second")].sort());
  const pinned = judge([
    vex("later", WABBIT, daysAgo(1), [says("CVE-1", "fixed", { timestamp: daysAgo(30) })]),
    ...claims.slice(0, 2),
  ]);
  assert.deepEqual(view(pinned), ["CVE-1 not_affected", "CVE-2 fixed"]);
});

test("a VEX statement without products is about the artifact", () => {
  const result = judge([
    observed("v", {
      type: "vex",
      predicate: predicates.vex([{ vulnerability: "CVE-1", status: "fixed" }]),
    }),
  ]);
  assert.equal(result.vex[0]?.product, ARTIFACT);
});

function vsa() {
  return {
    verifier: { id: "https://acme.example" },
    resourceUri: "r",
    policy: { uri: "p" },
    verificationResult: "PASSED",
    verifiedLevels: [],
  };
}
