// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { effectiveClaims } from "../../provider/claims/effective/effective";
import {
  canonicalSubject,
  matchesIdentity,
  mayMatchIdentity,
} from "../../provider/claims/effective/identity";
import type { EffectiveInput, ObservedClaim } from "../../provider/claims/effective/terms";
import { evaluateRequirements } from "../../provider/claims/require/requirements";
import { digestOf } from "../../provider/oci/digest";
import {
  ACME,
  ARTIFACT,
  NOW,
  OTHER_ROOT,
  ROOT,
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

const EMAIL = "1.2.840.113549.1.9.1=#0c0361406e";
/** Who is no identity, as trust policies read them: named by nobody, and trusted under `*`. */
const ODD = [
  `${WABBIT},${EMAIL}`,
  `DC=example,DC=com,${WABBIT}`,
  `OU=one,OU=two,${WABBIT}`,
  `OU=one+CN=two,${WABBIT}`,
  `UID=7,${WABBIT}`,
];
const under = (root: string, subject = WABBIT) =>
  signedBy(subject, daysAgo(5), { signer: { subject, root } });
const revocationOf = (name: string, target: string | undefined, verdict = under(ROOT)) =>
  observed(name, {
    type: "revocation",
    predicate: predicates.revocation(target === undefined ? ARTIFACT : digestOf(target)),
    verdict,
  });
const endOfLife = (name: string, date: string, verdict = under(ROOT), at = 5) =>
  observed(name, {
    type: "endOfLife",
    predicate: { date },
    verdict: { ...verdict, signedAt: daysAgo(at) },
  });
const lifecycle = (claims: ObservedClaim[], o: Partial<EffectiveInput> = {}) =>
  evaluateRequirements({}, judge(claims, o), NOW).every(({ met }) => met);
const rooted = (...thumbprints: string[]) => ({ identity: identity(WABBIT), thumbprints });

describe("an identity", () => {
  for (const subject of ODD)
    test(`that allows does not name ${subject}; one that forbids does`, () => {
      assert.equal(matchesIdentity(identity(WABBIT), subject), false);
      assert.equal(mayMatchIdentity(identity(WABBIT), subject), "yes");
      assert.equal(mayMatchIdentity(identity(ACME), subject), "no");
    });

  test("that forbids does not pass over what it cannot compare", () => {
    const hidden = `CN=x,2.5.4.10=#0401ff,ST=WA,C=US`;
    assert.equal(mayMatchIdentity(identity(WABBIT), hidden), "unknown");
    assert.equal(mayMatchIdentity(identity(WABBIT), "no name"), "unknown");
    assert.equal(mayMatchIdentity(identity(STRANGER), hidden), "no");
  });

  test("that forbids never names fewer where a subject says more", () => {
    const attribute = fc.constantFrom(EMAIL, "DC=x", "OU=a", "OU=b", "CN=c", "O=Other", "L=d");
    const order = ["no", "unknown", "yes"];
    fc.assert(
      fc.property(
        fc.constantFrom(WABBIT, ACME, STRANGER, "CN=x,2.5.4.10=#0401ff,ST=WA,C=US"),
        fc.array(attribute, { maxLength: 4 }),
        attribute,
        fc.constantFrom(WABBIT, ACME, `CN=c,${WABBIT}`),
        (subject, more, added, wanted) => {
          const before = [...more, subject].join(",");
          const [few, many] = [before, `${added},${before}`].map((each) =>
            order.indexOf(mayMatchIdentity(identity(wanted), each)),
          );
          assert.ok((many ?? 0) >= (few ?? 0), `${before} and ${added}`);
          if (matchesIdentity(identity(wanted), before)) assert.equal(few, 2);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a signer whose subject says more than identities can", () => {
  for (const subject of ODD) {
    test(`revokes, ends and is denied: ${subject}`, () => {
      const lifecycleIssuers = {
        revocation: [identity(WABBIT)],
        endOfLife: [identity(WABBIT)],
      };
      const verdict = under(ROOT, subject);
      assert.equal(lifecycle([revocationOf("r", undefined, verdict)], { lifecycleIssuers }), false);
      assert.equal(lifecycle([endOfLife("e", "2026-01-01", verdict)], { lifecycleIssuers }), false);
      const claims = judge([observed("t", { verdict })]);
      const entry = { type: "test-result", issuer: identity(WABBIT) };
      const [required, denied] = evaluateRequirements(
        { require: [entry], deny: [entry] },
        claims,
        NOW,
      );
      assert.deepEqual([required?.met, denied?.met], [false, false]);
    });
  }

  test("who cannot be compared leaves open whether he may", () => {
    const verdict = under(ROOT, `CN=x,2.5.4.10=#0401ff,ST=WA,C=US`);
    const lifecycleIssuers = { revocation: [identity(WABBIT)], endOfLife: [identity(WABBIT)] };
    const claims = judge(
      [revocationOf("r", undefined, verdict), endOfLife("e", "2026-01-01", verdict)],
      {
        lifecycleIssuers,
      },
    );
    assert.deepEqual(statuses(claims, "r", "e"), ["inconclusive", "inconclusive"]);
    assert.deepEqual(
      evaluateRequirements(
        { deny: [{ type: "endOfLife", issuer: identity(WABBIT) }] },
        claims,
        NOW,
      ).map(({ met }) => met),
      [false, false, false],
    );
  });

  test("makes what ranks below him uncertain, and does not replace it", () => {
    const precedence = [identity(WABBIT), identity(ACME)];
    const claims = judge(
      [
        observed("odd", { verdict: under(ROOT, ODD[0]), predicate: predicates.test("FAILED") }),
        observed("acme", { verdict: under(ROOT, ACME) }),
      ],
      { precedence },
    );
    assert.deepEqual(statuses(claims, "odd", "acme"), ["effective", "inconclusive"]);
  });
});

describe("a namesake under another trusted root", () => {
  const hers = under(OTHER_ROOT);

  test("lifts no revocation, and the issuer does", () => {
    assert.equal(lifecycle([revocationOf("r", undefined), revocationOf("l", "r", hers)]), false);
    assert.equal(lifecycle([revocationOf("r", undefined), revocationOf("l", "r")]), true);
  });

  test("lifts none by being listed either, unless the entry names her root", () => {
    const lifting = (...revocation: (string | ReturnType<typeof rooted>)[]) =>
      lifecycle([revocationOf("r", undefined), revocationOf("l", "r", hers)], {
        lifecycleIssuers: { revocation },
      });
    assert.equal(lifting(identity(WABBIT)), false);
    assert.equal(lifting(rooted(ROOT)), false);
    assert.equal(lifting(rooted(ROOT, OTHER_ROOT)), true);
  });

  test("is the same issuer where an entry of the precedence names both roots, as in a rollover", () => {
    const claims = [revocationOf("r", undefined), revocationOf("l", "r", hers)];
    assert.equal(lifecycle(claims, { precedence: [identity(WABBIT)] }), false);
    assert.equal(lifecycle(claims, { precedence: [rooted(ROOT)] }), false);
    assert.equal(lifecycle(claims, { precedence: [rooted(ROOT, OTHER_ROOT)] }), true);
  });

  test("puts off no end of life", () => {
    const ends = [endOfLife("e", "2026-01-01"), endOfLife("l", "2030-01-01", hers, 1)];
    assert.deepEqual(statuses(judge(ends), "e", "l"), ["inconclusive", "effective"]);
    assert.equal(lifecycle(ends), false);
    assert.equal(lifecycle(ends, { precedence: [rooted(ROOT, OTHER_ROOT)] }), true);
  });

  test("takes back neither what is required nor what is denied, and lets neither count", () => {
    const claims = judge([observed("t"), revocationOf("r", "t", hers)]);
    assert.deepEqual(statuses(claims, "t", "r"), ["inconclusive", "effective"]);
    const entry = { type: "test-result" };
    assert.deepEqual(
      evaluateRequirements({ require: [entry], deny: [entry] }, claims, NOW).map(({ met }) => met),
      [false, false],
    );
  });

  test("replaces no claim for sure, by time, name or rank", () => {
    for (const [options, supersedes] of [
      [{}, []],
      [{}, [digestOf("old")]],
      [{ precedence: [identity(WABBIT)] }, []],
    ] as const) {
      const claims = judge(
        [
          observed("old", { at: daysAgo(9), verdict: under(ROOT) }),
          observed("new", {
            supersedes: [...supersedes],
            verdict: { ...hers, signedAt: daysAgo(1) },
          }),
        ],
        options,
      );
      assert.deepEqual(statuses(claims, "old", "new"), ["inconclusive", "effective"]);
    }
  });

  test("revokes the artifact all the same, as forbidding needs no root", () => {
    for (const revocation of [[identity(WABBIT)], [rooted(ROOT)]])
      assert.equal(
        lifecycle([revocationOf("r", undefined, hers)], { lifecycleIssuers: { revocation } }),
        false,
      );
  });

  test("who signs what another has signed does not make his word hers", () => {
    const both = (name: string, target: string | undefined) => {
      const signatures = [under(ROOT), hers];
      return revocationOf(name, target, { ...under(ROOT), signatures });
    };
    assert.equal(lifecycle([both("r", undefined), revocationOf("l", "r", hers)]), false);
    assert.equal(lifecycle([both("r", undefined), both("l", "r")]), true);
  });

  test("makes what OpenVEX says uncertain where she may rank above", () => {
    const vex = (name: string, status: string, verdict: ReturnType<typeof under>) =>
      observed(name, {
        type: "vex",
        predicate: predicates.vex([
          { vulnerability: "CVE-1", status, action_statement: "update", impact_statement: "none" },
        ]),
        verdict,
      });
    const condition = '!vex.exists(v, v.status == "affected")';
    const asked = (claims: ObservedClaim[], o: Partial<EffectiveInput>) =>
      evaluateRequirements(
        { require: [{ type: "test-result", condition }] },
        judge([observed("t"), ...claims], o),
        NOW,
      ).every(({ met }) => met);
    const said = [
      vex("a", "not_affected", under(ROOT)),
      vex("b", "affected", under(OTHER_ROOT, ACME)),
    ];
    assert.equal(asked(said, { precedence: [identity(WABBIT), identity(ACME)] }), false);
    assert.equal(asked(said, { precedence: [rooted(ROOT), identity(ACME)] }), true);
  });
});

test("who may not allow makes no verdict better, whatever he claims, names or revokes", () => {
  const options: Partial<EffectiveInput>[] = [
    {},
    { precedence: [identity(WABBIT), identity(ACME)] },
    {
      precedence: [identity(ACME), rooted(ROOT)],
      lifecycleIssuers: { revocation: [identity(WABBIT)] },
    },
    {
      lifecycleIssuers: {
        revocation: [rooted(ROOT)],
        endOfLife: [identity(ACME), identity(WABBIT)],
      },
    },
  ];
  const NAMES = ["a", "b", "c", "d"];
  const claimed = (name: string, signer: fc.Arbitrary<ReturnType<typeof under>>, kinds: string[]) =>
    fc
      .record({
        kind: fc.constantFrom(...kinds),
        verdict: signer,
        at: fc.integer({ min: 1, max: 4 }),
        target: fc.option(fc.constantFrom(...NAMES)),
        supersedes: fc.subarray(NAMES),
        date: fc.constantFrom("2026-01-01", "2030-01-01"),
        result: fc.constantFrom("PASSED", "FAILED"),
      })
      .map(({ kind, verdict, at, target, supersedes, date, result }) =>
        observed(name, {
          type: kind,
          supersedes: supersedes.filter((each) => each !== name).map((each) => digestOf(each)),
          predicate:
            kind === "revocation"
              ? predicates.revocation(target === null ? ARTIFACT : digestOf(target))
              : kind === "endOfLife"
                ? { date }
                : predicates.test(result),
          verdict: { ...verdict, signedAt: daysAgo(at) },
        }),
      );
  const issuers = fc.constantFrom(under(ROOT), under(ROOT, ACME));
  // A namesake, and one whose subject says more, under another root and under the same.
  const namesakes = fc.constantFrom(
    under(OTHER_ROOT),
    under(OTHER_ROOT, ACME),
    ...ODD.flatMap((subject) => [under(OTHER_ROOT, subject), under(ROOT, subject)]),
  );
  const isGood = (claims: ObservedClaim[], o: Partial<EffectiveInput>, deny: boolean) =>
    evaluateRequirements(
      deny ? { deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }] } : {},
      effectiveClaims({ subject: ARTIFACT, now: NOW, claims, ...o }),
      NOW,
    ).every(({ met }) => met);
  fc.assert(
    fc.property(
      fc.tuple(
        ...NAMES.map((name) => claimed(name, issuers, ["test-result", "revocation", "endOfLife"])),
      ),
      fc.array(
        fc
          .integer({ min: 0, max: 9 })
          .chain((n) => claimed(`x${n}`, namesakes, ["test-result", "revocation", "endOfLife"])),
        { minLength: 1, maxLength: 3 },
      ),
      fc.constantFrom(...options),
      (claims, added, o) => {
        for (const deny of [false, true])
          if (!isGood(claims, o, deny)) assert.equal(isGood([...claims, ...added], o, deny), false);
        // Nor does he bring back what was superseded or revoked, but for revocations themselves.
        const before = new Map(judge(claims, o).claims.map((each) => [each.digest, each.status]));
        for (const { digest, status, type } of judge([...claims, ...added], o).claims)
          if (before.has(digest) && status === "effective" && !type?.includes("revocation"))
            assert.equal(before.get(digest), "effective", digest);
      },
    ),
    { numRuns: 400 },
  );
});

test("two spellings of one subject are one signer", () => {
  assert.equal(canonicalSubject("O=A,ST=B,C=C"), canonicalSubject("C=C, ST=B, O=A"));
});
