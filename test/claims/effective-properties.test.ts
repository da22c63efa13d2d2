// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EffectiveClaims, JudgedClaim, Revocation } from "../../provider/claims/index";
import { digestOf } from "../../provider/oci/digest";
import {
  ACME,
  ARTIFACT,
  STRANGER,
  WABBIT,
  daysAgo,
  identity,
  judge,
  observed,
  predicates,
  signedBy,
} from "./builders";
import type { ObservedClaim } from "../../provider/claims/effective/terms";

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];
const name = fc.constantFrom(...NAMES);
const OUTCOMES = ["missing", "invalid", "untrusted", "inconclusive"] as const;

const claimArbitrary = (of: string, admitted: fc.Arbitrary<boolean>): fc.Arbitrary<ObservedClaim> =>
  fc
    .record({
      kind: fc.constantFrom(
        "test-result",
        "test-result",
        "https://example.com/x/v1",
        "revocation",
        "vex",
      ),
      by: fc.constantFrom(ACME, WABBIT, STRANGER),
      at: fc.integer({ min: 0, max: 3 }),
      supersedes: fc.uniqueArray(name, { maxLength: 3 }),
      target: fc.option(name),
      outcome: fc.constantFrom(...OUTCOMES),
      admitted,
    })
    .map(({ kind, by, at, supersedes, target, outcome, admitted: good }) =>
      observed(of, {
        type: kind,
        predicate:
          kind === "revocation"
            ? predicates.revocation(target === null ? ARTIFACT : digestOf(target))
            : kind === "vex"
              ? predicates.vex([{ vulnerability: "CVE-1", status: "fixed" }])
              : kind === "test-result"
                ? predicates.test()
                : {},
        supersedes: supersedes.map((other) => digestOf(other)),
        verdict: good ? signedBy(by, daysAgo(at)) : { outcome },
      }),
    );

const claimsArbitrary = fc.subarray(NAMES, { minLength: 1 }).chain((names) =>
  fc.tuple(
    ...names.map((one) =>
      claimArbitrary(
        one,
        fc.integer({ max: 9, min: 0 }).map((n) => n > 1),
      ),
    ),
  ),
);
const optionsArbitrary = fc.record({
  precedence: fc.subarray([identity(ACME), identity(WABBIT)]),
  lifecycleIssuers: fc.constantFrom({}, { revocation: [identity(STRANGER)] }, { revocation: [] }),
});

test("the order of the input is of no consequence", () => {
  fc.assert(
    fc.property(
      claimsArbitrary.chain((claims) =>
        fc.tuple(fc.constant(claims), fc.shuffledSubarray(claims, { minLength: claims.length })),
      ),
      optionsArbitrary,
      ([claims, shuffled], options) =>
        assert.deepEqual(judge(shuffled, options), judge(claims, options)),
    ),
    { numRuns: 500 },
  );
});

test("each claim has exactly one status, also when it is given twice", () => {
  fc.assert(
    fc.property(claimsArbitrary, optionsArbitrary, (claims, options) => {
      const result = judge([...claims, ...claims.slice(0, 2)], options);
      assert.deepEqual(
        result.claims.map(({ digest }) => digest),
        claims.map(({ claim }) => claim.digest).sort(),
      );
    }),
  );
});

test("nothing unverified is effective, superseded or revoked, and what is by something is by a verified claim", () => {
  fc.assert(
    fc.property(claimsArbitrary, optionsArbitrary, (claims, options) => {
      const verified = new Set(
        claims
          .filter(({ verdict }) => verdict.outcome === "verified")
          .map(({ claim }) => claim.digest),
      );
      for (const claim of judge(claims, options).claims) {
        if (["effective", "superseded", "revoked"].includes(claim.status))
          assert.ok(verified.has(claim.digest));
        assert.equal(
          claim.by !== undefined,
          claim.status === "superseded" || claim.status === "revoked",
        );
        if (claim.by !== undefined) assert.ok(verified.has(claim.by) && claim.by !== claim.digest);
      }
    }),
    { numRuns: 500 },
  );
});

test("adding a claim that is surely not verified changes no other; one of which that cannot be told makes no other better", () => {
  fc.assert(
    fc.property(
      claimsArbitrary,
      claimArbitrary("a", fc.constant(false)),
      optionsArbitrary,
      (claims, added, options) => {
        const others = claims.filter(({ claim }) => claim.digest !== added.claim.digest);
        const before = judge(others, options);
        const after = judge([...others, added], options);
        const left = after.claims.filter(({ digest }) => digest !== added.claim.digest);
        if (added.verdict.outcome !== "inconclusive") assert.deepEqual(left, before.claims);
        for (const [index, claim] of left.entries())
          if (claim.status !== before.claims[index]?.status)
            assert.deepEqual(
              [before.claims[index]?.status, claim.status],
              ["effective", "inconclusive"],
            );
        assert.deepEqual(after.vex, before.vex);
      },
    ),
    { numRuns: 500 },
  );
});

test("taking away, one by one, what supersedes a claim reinstates it", () => {
  fc.assert(
    fc.property(claimsArbitrary, optionsArbitrary, (claims, options) => {
      for (const { digest, status } of judge(claims, options).claims) {
        if (status !== "superseded") continue;
        const statusAmong = (among: ObservedClaim[]) =>
          judge(among, options).claims.find((claim) => claim.digest === digest);
        let left = [...claims];
        let current = statusAmong(left);
        while (current?.status === "superseded") {
          const { by } = current;
          left = left.filter(({ claim }) => claim.digest !== by);
          current = statusAmong(left);
        }
        // Not effective only if the superseder was a revocation that had held off another one, or if
        // another one, of which nobody can tell whose it is, may supersede it.
        assert.match(current?.status ?? "absent", /^(?:effective|revoked|inconclusive)$/);
        if (current?.status === "inconclusive")
          assert.ok(left.some(({ verdict }) => verdict.outcome === "inconclusive"));
      }
    }),
  );
});

function isSure({ verdict }: ObservedClaim): boolean {
  return verdict.outcome !== "inconclusive";
}

test("where claims are superseded, one that is not superseded remains", () => {
  fc.assert(
    fc.property(claimsArbitrary, optionsArbitrary, (claims, options) => {
      const { claims: judged } = judge(claims.filter(isSure), options);
      const superseded = judged.filter(({ status }) => status === "superseded");
      if (superseded.length > 0) assert.ok(judged.some(({ status }) => status === "effective"));
      for (const start of superseded) {
        let current = start;
        for (let steps = 0; current.status === "superseded"; steps++) {
          assert.ok(steps <= judged.length, "supersession runs in a circle");
          const next = judged.find(({ digest }) => digest === current.by);
          assert.ok(next !== undefined);
          current = next;
        }
        assert.equal(current.status, "effective");
      }
    }),
    { numRuns: 500 },
  );
});

/**
 * A claim can name only what was there before it; and what a revocation supersedes besides is left
 * out, as that counts with its right to revoke.
 */
function asDigestsAllow(claims: ObservedClaim[]): ObservedClaim[] {
  return claims.map(({ claim, verdict }, index) => {
    if ("broken" in claim) return { claim, verdict };
    const before = new Set(claims.slice(0, index).map((each) => each.claim.digest));
    const { target } = claim.predicate as Partial<Revocation>;
    const predicate =
      target === undefined || before.has(target)
        ? claim.predicate
        : predicates.revocation(ARTIFACT);
    return {
      claim: {
        ...claim,
        predicate,
        supersedes: claim.type.includes("revocation")
          ? []
          : claim.supersedes.filter((each) => before.has(each)),
      },
      verdict,
    };
  });
}

test("who signs other claims as well, and is not listed for anything, changes nothing of what they are as the word of those who signed them before", () => {
  const OTHER = "C=US,ST=TX,O=Other";
  const wordsIn = (judged: JudgedClaim[]): string[] =>
    judged.flatMap(({ digest, status, issuer, issuers = [{ issuer: issuer ?? "" }] }) =>
      status === "effective"
        ? issuers.filter((each) => each.issuer !== OTHER).map((each) => `${digest} ${each.issuer}`)
        : [],
    );
  fc.assert(
    fc.property(
      claimsArbitrary.map(asDigestsAllow),
      fc.array(fc.boolean(), { minLength: NAMES.length, maxLength: NAMES.length }),
      fc.boolean(),
      optionsArbitrary,
      (claims, also, first, options) => {
        const cosigned = claims.map((one, index): ObservedClaim => {
          if (also[index] !== true || one.verdict.outcome !== "verified") return one;
          const signatures = [one.verdict, signedBy(OTHER, daysAgo(index % 4))];
          const [top = one.verdict] = first ? signatures : signatures.toReversed();
          return { ...one, verdict: { ...top, signatures } };
        });
        const [before, after] = [judge(claims, options), judge(cosigned, options)];
        // Who may not revoke a claim of one may revoke it as the word of another.
        const ofClaims = new Set(
          claims
            .filter(
              ({ claim }) =>
                !("broken" in claim) &&
                claim.type.includes("revocation") &&
                (claim.predicate as Revocation).target !== ARTIFACT,
            )
            .map(({ claim }) => claim.digest),
        );
        const others = ({ claims: judged }: EffectiveClaims) =>
          wordsIn(judged.filter(({ digest }) => !ofClaims.has(digest)));
        assert.deepEqual(others(after), others(before));
        assert.deepEqual(
          after.vex.filter(({ issuer }) => issuer !== OTHER),
          before.vex,
        );
      },
    ),
    { numRuns: 500 },
  );
});
