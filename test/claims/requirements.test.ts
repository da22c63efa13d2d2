// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  denyEntrySchema,
  evaluateRequirements,
  requireEntrySchema,
  type Requirements,
} from "../../provider/claims/require/requirements";
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
} from "./builders";

const check = (requirements: Requirements, ...claims: Parameters<typeof judge>[0]) =>
  evaluateRequirements(requirements, judge(claims), NOW);
const scan = (
  name: string,
  o: Parameters<typeof predicates.scan>[0] & { by?: string; at?: string } = {},
) =>
  observed(name, {
    type: "vulnerabilities",
    predicate: predicates.scan(o),
    ...(o.by && { by: o.by }),
    ...(o.at && { at: o.at }),
  });

test("one effective claim must satisfy everything together", () => {
  const entry = {
    type: "test-result",
    issuer: identity(WABBIT),
    maxAge: "7d",
    condition: 'predicate.result == "PASSED"',
  };
  const [good] = check(
    { require: [entry] },
    observed("t"),
    observed("other", { by: STRANGER, predicate: predicates.test("FAILED") }),
  );
  assert.deepEqual(good, {
    path: "require[0]",
    requirement: good?.requirement,
    met: true,
    reason: `met by ${digestOf("t")}`,
    claims: [digestOf("t")],
  });
  assert.match(
    good?.requirement ?? "",
    /of type test-result by x509\.subject: .*, at most 7d old, where predicate\.result/,
  );
  const unmet = (...claims: Parameters<typeof judge>[0]) => {
    const [result] = check({ require: [entry] }, ...claims);
    assert.equal(result?.met, false);
    return result?.reason ?? "";
  };
  assert.match(unmet(), /there is no claim of type test-result/);
  assert.match(unmet(observed("t", { by: STRANGER })), /its issuer is C=US,ST=CA/);
  assert.match(
    unmet(observed("t", { at: daysAgo(8) })),
    /it is older than 7d: it counts from 2026-05-24/,
  );
  assert.match(unmet(observed("t", { at: daysAgo(-1) })), /dated ahead/);
  assert.match(
    unmet(observed("t", { predicate: predicates.test("FAILED") })),
    /its condition is false/,
  );
  assert.match(
    unmet(observed("t", { verdict: { outcome: "missing" } })),
    /is unsigned: no signature/,
  );
  assert.match(
    unmet(
      observed("t", { by: STRANGER }),
      observed("u", { by: WABBIT, predicate: predicates.test("WARNED") }),
    ),
    /its issuer is .*; .*its condition is false|its condition is false; .*its issuer is/,
  );
});

test("signing an old scan again does not make it fresh", () => {
  const [result] = check(
    { require: [{ type: "vulnerabilities", maxAge: "7d" }] },
    scan("s", { finished: daysAgo(20), at: daysAgo(1) }),
  );
  assert.match(result?.reason ?? "", /older than 7d: it counts from 2026-05-12/);
  assert.equal(
    check(
      { require: [{ type: "vulnerabilities", maxAge: "7d" }] },
      scan("s", { finished: daysAgo(3), at: daysAgo(1) }),
    )[0]?.met,
    true,
  );
});

test("a type is the same under its short name, its URI and its other versions", () => {
  const sbom = { spdxVersion: "SPDX-2.3", SPDXID: "x", name: "y" };
  for (const type of ["sbom/spdx", "https://spdx.dev/Document/v2.3", "https://spdx.dev/Document"]) {
    assert.equal(
      check(
        { require: [{ type }] },
        observed("s", { type: "https://spdx.dev/Document", predicate: sbom }),
      )[0]?.met,
      true,
      type,
    );
  }
});

test("anyOf is met by one, and says why by none", () => {
  const require = [{ anyOf: [{ type: "vsa" }, { anyOf: [{ type: "test-result" }] }] }];
  assert.equal(check({ require }, observed("t"))[0]?.met, true);
  const [none] = check({ require });
  assert.match(none?.reason ?? "", /no claim of type vsa; there is no claim of type test-result/);
});

test("deny finds every effective claim that fits, and what cannot be told", () => {
  const deny = [
    {
      type: "vulnerabilities",
      condition: 'predicate.scanner.result.exists(r, r.severity.exists(s, s.score == "critical"))',
    },
  ];
  assert.equal(check({ deny }, scan("s", { scores: ["low"] }))[0]?.met, true);
  const [hit] = check(
    { deny },
    scan("a", { scores: ["critical"] }),
    scan("b", { scores: ["low"], by: ACME }),
  );
  assert.deepEqual([hit?.met, hit?.claims], [false, [digestOf("a")]]);
  const [unknown] = check(
    { deny: [{ type: "vulnerabilities", condition: "predicate.nothing == 1" }] },
    scan("a"),
  );
  assert.match(unknown?.reason ?? "", /cannot be told, .*No such key: nothing/);
  assert.equal(unknown?.met, false);
});

test("a condition can weigh vulnerabilities against the effective VEX statements", () => {
  const condition =
    'predicate.scanner.result.all(r, vex.exists(v, v.vulnerability == r.id && v.status == "not_affected"))';
  const vex = observed("v", {
    type: "vex",
    predicate: predicates.vex([
      {
        vulnerability: "CVE-2026-0",
        status: "not_affected",
        justification: "component_not_present",
      },
    ]),
  });
  assert.equal(
    check(
      { require: [{ type: "vulnerabilities", condition }] },
      scan("s", { scores: ["high"] }),
      vex,
    )[0]?.met,
    true,
  );
  assert.equal(
    check(
      { require: [{ type: "vulnerabilities", condition }] },
      scan("s", { scores: ["high", "high"] }),
      vex,
    )[0]?.met,
    false,
  );
});

test("revocation, end of life and redirect count without being asked for", () => {
  const revoked = check(
    {},
    observed("r", { type: "revocation", predicate: predicates.revocation(ARTIFACT) }),
  );
  assert.deepEqual(
    revoked.map(({ path, met }) => [path, met]),
    [["lifecycle.revocation", false]],
  );
  assert.match(revoked[0]?.reason ?? "", /revoked by .*: found to be unsafe/);
  const later = check(
    {},
    observed("r", {
      type: "revocation",
      predicate: predicates.revocation(ARTIFACT, "2026-07-01T00:00:00Z"),
    }),
  );
  assert.equal(later[0]?.met, true);
  assert.match(later[0]?.warning ?? "", /will be revoked on 2026-07-01/);
  const end = (date: string) =>
    check({}, observed("e", { type: "endOfLife", predicate: { date, successor: "v2" } }))[0];
  assert.match(
    end("2026-06-01")?.reason ?? "",
    /reached its end of life on 2026-06-01; its successor is v2/,
  );
  assert.equal(end("2026-06-01")?.met, false);
  assert.match(end("2026-06-02")?.warning ?? "", /reaches its end of life on 2026-06-02/);
  assert.equal(end("2026-06-02")?.met, true);
  const redirect = check(
    {},
    observed("d", { type: "redirect", predicate: { to: "acme.example/net-monitor:v2" } }),
  );
  assert.match(redirect[0]?.warning ?? "", /points to acme\.example\/net-monitor:v2/);
  assert.deepEqual(
    check(
      {},
      observed("other", {
        type: "revocation",
        predicate: predicates.revocation(digestOf("something else")),
      }),
    ),
    [],
  );
});

test("a revoked claim meets nothing, and does not revoke the artifact", () => {
  const results = check(
    { require: [{ type: "test-result" }] },
    observed("t"),
    observed("r", { type: "revocation", predicate: predicates.revocation(digestOf("t")) }),
  );
  assert.equal(results.length, 1);
  assert.match(results[0]?.reason ?? "", /is revoked: revoked by/);
});

test("entries are checked where they are written", () => {
  for (const entry of [
    { type: "no such type" },
    { type: "vsa", maxAge: "7 days" },
    { type: "vsa", issuer: "O=Wabbit" },
    { type: "vsa", condition: "predicate.x >" },
    { type: "vsa", unknown: 1 },
    { anyOf: [] },
    { anyOf: [{ anyOf: [{ anyOf: [{ anyOf: [{ type: "vsa" }] }] }] }] },
  ])
    assert.equal(requireEntrySchema.safeParse(entry).success, false, JSON.stringify(entry));
  assert.equal(denyEntrySchema.safeParse({ type: "vsa", maxAge: "7d" }).success, false);
  assert.equal(
    requireEntrySchema.safeParse({ anyOf: [{ type: "vsa", issuer: [identity(ACME), "*"] }] })
      .success,
    true,
  );
});

test("a claim that forbids and cannot be judged now counts as if it did, so nobody gains by keeping its signer's status from us", () => {
  const verdict = { outcome: "inconclusive" as const, reason: "the responder does not answer" };
  const revocation = observed("r", {
    type: "revocation",
    predicate: predicates.revocation(ARTIFACT),
    verdict,
  });
  const [lifecycle] = check({}, revocation);
  assert.deepEqual(
    [lifecycle?.path, lifecycle?.met, lifecycle?.claims],
    ["lifecycle.revocation", false, [digestOf("r")]],
  );
  assert.match(
    lifecycle?.reason ?? "",
    /cannot be told, .* is inconclusive: the responder does not answer/,
  );
  const failed = observed("t", { predicate: predicates.test("FAILED"), verdict });
  const [denied] = check(
    { deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }] },
    failed,
  );
  assert.equal(denied?.met, false);
  assert.match(denied?.reason ?? "", /cannot be told, the responder does not answer/);
  assert.deepEqual(
    check(
      {},
      observed("r", {
        type: "revocation",
        predicate: predicates.revocation(ARTIFACT),
        verdict: { outcome: "untrusted" },
      }),
    ),
    [],
  );
  assert.equal(
    check(
      { deny: [{ type: "test-result" }] },
      observed("t", { verdict: { outcome: "missing" } }),
    )[0]?.met,
    true,
  );
});
