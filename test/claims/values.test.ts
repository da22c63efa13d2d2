// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../../provider/claims/canonical-json";
import { formatAge, parseDuration } from "../../provider/claims/duration";
import { identitySchema, matchesIdentity } from "../../provider/claims/effective/identity";
import { dateSchema, dayOf, parseTarget } from "../../provider/claims/lifecycle";
import { CLAIM_KINDS, kindOf, resolveType, sameType } from "../../provider/claims/types";
import { isConsignError } from "../../provider/errors";

test("durations", () => {
  assert.deepEqual(
    ["90s", "15m", "12h", "7d", "4w", "1y"].map(parseDuration),
    [90_000, 900_000, 43_200_000, 604_800_000, 2_419_200_000, 31_536_000_000],
  );
  for (const text of ["", "7", "d", "0d", "-1d", "1.5d", "7 d", "07d", "1001y", "1M"])
    assert.throws(
      () => parseDuration(text),
      (e) => isConsignError(e, "INPUT_INVALID"),
      text,
    );
  assert.deepEqual([-5, 59_999, 61_000, 7_200_000, 172_800_000].map(formatAge), [
    "0s",
    "59s",
    "1m",
    "2h",
    "2d",
  ]);
});

test("canonical JSON is JSON, sorted, and the same for equal values", () => {
  assert.equal(
    canonicalJson({ b: [1, "x", null], a: { d: true, c: 1e21 }, gone: undefined }),
    '{"a":{"c":1e+21,"d":true},"b":[1,"x",null]}',
  );
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = canonicalJson(value);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(JSON.parse(text)), text);
    }),
  );
  for (const value of [Number.NaN, () => 1, 1n, new Map(), "\ud800", [undefined]])
    assert.throws(
      () => canonicalJson(value),
      (e) => isConsignError(e, "PREDICATE_INVALID"),
    );
});

test("identities match a subset of a subject's attributes, in any order and spelling", () => {
  const subject = "CN=ci,O=Wabbit\\, Inc.,ST=WA,C=US";
  assert.ok(matchesIdentity("*", subject));
  assert.ok(matchesIdentity("x509.subject: C=US, S=WA, O=Wabbit\\2C Inc.", subject));
  assert.ok(!matchesIdentity("x509.subject: C=US, ST=WA, O=Wabbit\\, Inc., CN=other", subject));
  assert.ok(!matchesIdentity("x509.subject: C=US, ST=WA, O=wabbit\\, inc.", subject));
  assert.ok(!matchesIdentity("x509.subject: C=US, ST=WA, O=W", "C=US+ST=WA,O=W"));
  assert.ok(!matchesIdentity("C=US, ST=WA, O=W", "C=US,ST=WA,O=W"));
  assert.equal(identitySchema.safeParse("x509.subject: O=W").success, false);
});

test("types go by short name or URI", () => {
  assert.equal(new Set(CLAIM_KINDS.map(({ type }) => type)).size, CLAIM_KINDS.length);
  assert.equal(resolveType("provenance"), "https://slsa.dev/provenance/v1");
  assert.equal(resolveType("https://example.com/x/v1"), "https://example.com/x/v1");
  assert.throws(
    () => resolveType("sbom"),
    (e) => isConsignError(e, "INPUT_INVALID") && /sbom\/spdx/.test(e.message),
  );
  assert.ok(sameType("vex", "https://openvex.dev/ns"));
  assert.ok(
    !sameType("vex", "https://openvex.dev/ns/v0.0.1") &&
      !sameType("provenance", "https://slsa.dev/provenance/v0.2"),
  );
  assert.equal(kindOf("https://example.com/x/v1"), undefined);
});

test("targets are a digest, a tag or a repository elsewhere; never a path", () => {
  assert.deepEqual(parseTarget("v2"), { kind: "tag", tag: "v2" });
  assert.equal(parseTarget(`sha256:${"0".repeat(64)}`).kind, "digest");
  assert.equal(parseTarget("acme.example/x:v2").kind, "reference");
  for (const text of ["oci:/etc", "oci:x:v1", "nginx/x", ""])
    assert.throws(
      () => parseTarget(text),
      (e) => isConsignError(e, "REFERENCE_INVALID"),
      text,
    );
});

test("dates are days or moments", () => {
  assert.equal(dayOf("2026-01-31"), "2026-01-31");
  assert.equal(dayOf("2026-01-31T23:00:00-02:00"), "2026-02-01");
  for (const text of ["2026-02-30", "31.1.2026", "2026-01-31T10:00"])
    assert.equal(dateSchema.safeParse(text).success, false, text);
});
