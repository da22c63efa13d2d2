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

/**
 * What the verification of a claim with several signatures comes to, in the order in which they
 * were looked at.
 */
function cosigned(...signatures: ClaimVerdict[]): ClaimVerdict {
  const [first] = signatures.toSorted(
    (a, b) => Number(b.outcome === "verified") - Number(a.outcome === "verified"),
  );
  assert.ok(first);
  return { ...first, signatures };
}

const unsure = (subject: string): ClaimVerdict => ({
  outcome: "inconclusive",
  code: "SIGNATURE_INCONCLUSIVE",
  reason: "no answer",
  signer: { subject },
});
const bothWays = (a: ClaimVerdict, b: ClaimVerdict): ClaimVerdict[] => [
  cosigned(a, b),
  cosigned(b, a),
];
const met = (requirements: Requirements, ...claims: Parameters<typeof judge>[0]) =>
  evaluateRequirements(requirements, judge(claims), NOW).map((result) => result.met);
const revocation = (name: string, target: string | undefined, verdict: ClaimVerdict) =>
  observed(name, {
    type: "revocation",
    predicate: predicates.revocation(target === undefined ? ARTIFACT : digestOf(target)),
    verdict,
  });
const result = (name: string, verdict: ClaimVerdict, outcome = "PASSED") =>
  observed(name, { predicate: predicates.test(outcome), verdict });

describe("a claim that several have signed", () => {
  test("counts as each one's, for what is required and for what is denied, in whichever order the signatures are", () => {
    for (const verdict of bothWays(signedBy(WABBIT), signedBy(ACME))) {
      for (const issuer of [WABBIT, ACME]) {
        assert.deepEqual(
          met(
            {
              require: [{ type: "test-result", issuer: identity(issuer) }],
              deny: [{ type: "test-result", issuer: identity(issuer) }],
            },
            result("t", verdict),
          ),
          [true, false],
        );
      }
      assert.deepEqual(
        met(
          {
            require: [{ type: "test-result", issuer: identity(STRANGER) }],
            deny: [{ type: "test-result", issuer: identity(STRANGER) }],
          },
          result("t", verdict),
        ),
        [false, true],
      );
      assert.deepEqual(
        met(
          { deny: [{ type: "test-result", condition: 'issuer.contains("ACME")' }] },
          result("t", verdict),
        ),
        [false],
      );
    }
  });

  test("has one issuer that does not depend on the order: the highest ranked, else the first by name; and says who the others are", () => {
    for (const verdict of bothWays(signedBy(WABBIT, daysAgo(1)), signedBy(ACME, daysAgo(9)))) {
      const [claim] = judge([result("t", verdict)]).claims;
      assert.deepEqual(
        [claim?.issuer, claim?.issuedAt, claim?.issuers],
        [
          ACME,
          daysAgo(9),
          [
            { issuer: ACME, issuedAt: daysAgo(9) },
            { issuer: WABBIT, issuedAt: daysAgo(1) },
          ],
        ],
      );
      assert.equal(
        judge([result("t", verdict)], { precedence: [identity(WABBIT)] }).claims[0]?.issuer,
        WABBIT,
      );
    }
    assert.equal(judge([result("t", signedBy(WABBIT))]).claims[0]?.issuers, undefined);
  });

  test("is as old as the signature of the one who is asked for, and lasts as long", () => {
    const verdict = cosigned(signedBy(WABBIT, daysAgo(30)), signedBy(ACME, daysAgo(1)));
    const fresh = (issuer: string) =>
      met(
        { require: [{ type: "test-result", issuer: identity(issuer), maxAge: "7d" }] },
        result("t", verdict),
      );
    assert.deepEqual([fresh(ACME), fresh(WABBIT)], [[true], [false]]);
    const lapsed = cosigned(
      signedBy(WABBIT, daysAgo(9), { expiresAt: daysAgo(1) }),
      signedBy(ACME),
    );
    assert.deepEqual(
      met({ require: [{ type: "test-result", issuer: identity(WABBIT) }] }, result("t", lapsed)),
      [false],
    );
  });

  test("is the issuer's by the signature that was made last, where one has signed it twice", () => {
    for (const verdict of bothWays(signedBy(WABBIT, daysAgo(30)), signedBy(WABBIT, daysAgo(1)))) {
      assert.equal(judge([result("t", verdict)]).claims[0]?.issuedAt, daysAgo(1));
    }
  });

  test("does not count as anyone's who only may have signed it; where such claims are denied it cannot be told", () => {
    const verdict = cosigned(signedBy(WABBIT), unsure(ACME));
    const entry = (issuer: string) => ({ type: "test-result", issuer: identity(issuer) });
    assert.deepEqual(
      met({ require: [entry(ACME)], deny: [entry(ACME), entry(STRANGER)] }, result("t", verdict)),
      [false, false, true],
    );
    const buried = { ...cosigned(signedBy(WABBIT)), unseen: 3 };
    assert.deepEqual(met({ require: [entry(WABBIT)], deny: [entry(ACME)] }, result("t", buried)), [
      true,
      false,
    ]);
    const condition = 'predicate.result == "FAILED"';
    assert.deepEqual(
      met(
        {
          deny: [
            { ...entry(ACME), condition },
            { type: "test-result", condition },
          ],
        },
        result("t", verdict),
      ),
      [true, true],
    );
  });

  test("is out where nobody's signature can be relied upon, for what its verdict says", () => {
    const invalid: ClaimVerdict = {
      outcome: "untrusted",
      code: "SIGNATURE_UNTRUSTED",
      reason: "who?",
      signer: { subject: STRANGER },
    };
    assert.deepEqual(
      statuses(
        judge([
          result("t", cosigned(invalid, unsure(ACME))),
          result("u", cosigned(invalid, invalid)),
        ]),
        "t",
        "u",
      ),
      ["untrusted", "untrusted"],
    );
    // A verdict that was taken down is not brought up again by what it was made from.
    assert.deepEqual(
      statuses(judge([result("t", { ...cosigned(signedBy(WABBIT)), outcome: "untrusted" })]), "t"),
      ["untrusted"],
    );
  });
});

describe("those who sign a claim as well weaken nothing", () => {
  test("a revocation of the artifact is as good as the signers who may revoke it", () => {
    const lifecycleIssuers = { revocation: [identity(WABBIT)] };
    for (const verdict of bothWays(signedBy(WABBIT), signedBy(ACME))) {
      const [revoked] = judge([revocation("r", undefined, verdict)], { lifecycleIssuers }).claims;
      assert.deepEqual([revoked?.status, revoked?.issuer], ["effective", WABBIT]);
    }
    assert.deepEqual(
      statuses(
        judge([revocation("r", undefined, cosigned(signedBy(STRANGER), signedBy(ACME)))], {
          lifecycleIssuers,
        }),
        "r",
      ),
      ["untrusted"],
    );
    assert.deepEqual(
      statuses(
        judge([revocation("r", undefined, cosigned(signedBy(ACME), unsure(WABBIT)))], {
          lifecycleIssuers,
        }),
        "r",
      ),
      ["inconclusive"],
    );
    assert.deepEqual(
      statuses(
        judge([revocation("r", undefined, cosigned(signedBy(ACME), unsure(STRANGER)))], {
          lifecycleIssuers,
        }),
        "r",
      ),
      ["untrusted"],
    );
    assert.deepEqual(
      statuses(
        judge([revocation("r", undefined, { ...cosigned(signedBy(ACME)), unseen: 1 })], {
          lifecycleIssuers,
        }),
        "r",
      ),
      ["inconclusive"],
    );
  });

  test("a revocation of a claim is as good as its signer who may: that claim's issuer, whoever is listed before him", () => {
    for (const verdict of bothWays(signedBy(WABBIT), signedBy(ACME))) {
      assert.deepEqual(
        statuses(judge([result("t", signedBy(WABBIT)), revocation("r", "t", verdict)]), "t", "r"),
        ["revoked", "effective"],
      );
    }
    assert.deepEqual(
      statuses(
        judge([
          result("t", signedBy(WABBIT)),
          revocation("r", "t", cosigned(signedBy(ACME), unsure(WABBIT))),
        ]),
        "t",
        "r",
      ),
      ["effective", "inconclusive"],
    );
  });

  test("who signs a claim beside its issuer can take back only his own word", () => {
    for (const verdict of bothWays(signedBy(WABBIT), signedBy(ACME))) {
      const claims = judge([result("t", verdict, "FAILED"), revocation("r", "t", signedBy(ACME))]);
      assert.deepEqual(statuses(claims, "t", "r"), ["effective", "effective"]);
      assert.deepEqual(
        [
          claims.claims.find(({ digest }) => digest === digestOf("t"))?.issuer,
          claims.claims.find(({ digest }) => digest === digestOf("t"))?.issuers,
        ],
        [WABBIT, undefined],
      );
      // A revocation that he has signed too cannot be lifted by him alone, and so with one who is
      // listed and ranks below.
      assert.deepEqual(
        statuses(
          judge([revocation("r", undefined, verdict), revocation("l", "r", signedBy(ACME))]),
          "r",
          "l",
        ),
        ["effective", "effective"],
      );
      assert.deepEqual(
        statuses(
          judge([
            revocation("r", undefined, verdict),
            revocation("l", "r", signedBy(ACME)),
            revocation("m", "r", signedBy(WABBIT)),
          ]),
          "r",
        ),
        ["revoked"],
      );
    }
  });

  test("who signs as well supersedes only his own and what ranks below him, never the claim itself", () => {
    const precedence = [identity(ACME), identity(WABBIT)];
    for (const verdict of bothWays(signedBy(WABBIT), signedBy(ACME))) {
      const deny = { deny: [{ type: "test-result", issuer: identity(WABBIT) }] };
      assert.deepEqual(
        evaluateRequirements(deny, judge([result("t", verdict)], { precedence }), NOW).map(
          (each) => each.met,
        ),
        [false],
      );
      const later = judge([result("t", verdict), result("u", signedBy(ACME, daysAgo(1)))]);
      assert.deepEqual(statuses(later, "t", "u"), ["effective", "effective"]);
      assert.equal(later.claims.find(({ digest }) => digest === digestOf("t"))?.issuer, WABBIT);
      const named = observed("n", {
        type: "vsa",
        predicate: {
          verifier: { id: "x" },
          resourceUri: "r",
          policy: { uri: "p" },
          verificationResult: "PASSED",
          verifiedLevels: [],
        },
        supersedes: [digestOf("t")],
        verdict,
      });
      assert.deepEqual(statuses(judge([named, result("t", signedBy(ACME, daysAgo(9)))]), "t"), [
        "superseded",
      ]);
      assert.deepEqual(statuses(judge([named, result("t", signedBy(STRANGER, daysAgo(9)))]), "t"), [
        "effective",
      ]);
    }
  });

  test("who signs as well does not decide which of another's claims is the last, be it by giving his revocation something to revoke", () => {
    const options = {
      precedence: [identity(ACME)],
      lifecycleIssuers: { revocation: [identity(STRANGER)] },
    };
    const among = (verdict: ClaimVerdict) =>
      judge(
        [
          result("a", verdict),
          revocation("r", "a", signedBy(STRANGER, daysAgo(0))),
          result("d", signedBy(STRANGER, daysAgo(0))),
          observed("n", { supersedes: [digestOf("r")], verdict: signedBy(STRANGER, daysAgo(1)) }),
        ],
        options,
      );
    for (const verdict of [
      signedBy(ACME),
      ...bothWays(signedBy(ACME), signedBy("C=US,ST=TX,O=Other")),
    ])
      assert.deepEqual(statuses(among(verdict), "a", "d", "n"), [
        "effective",
        "superseded",
        "effective",
      ]);
  });

  test("a redirect or an end of life is as good as the signers who may issue it", () => {
    const lifecycleIssuers = { endOfLife: [identity(WABBIT)], redirect: [identity(WABBIT)] };
    const end = (verdict: ClaimVerdict) =>
      observed("e", { type: "endOfLife", predicate: { date: "2020-01-01" }, verdict });
    for (const verdict of bothWays(signedBy(WABBIT), signedBy(ACME)))
      assert.deepEqual(statuses(judge([end(verdict)], { lifecycleIssuers }), "e"), ["effective"]);
    assert.deepEqual(
      statuses(judge([end(cosigned(signedBy(ACME), unsure(WABBIT)))], { lifecycleIssuers }), "e"),
      ["inconclusive"],
    );
    assert.deepEqual(
      statuses(
        judge([end(cosigned(signedBy(ACME), signedBy(STRANGER)))], { lifecycleIssuers }),
        "e",
      ),
      ["untrusted"],
    );
  });

  test("statements of a VEX document that several have signed are each signer's", () => {
    const statements = [
      { vulnerability: { name: "CVE-1" }, products: [{ "@id": "pkg:oci/x" }], status: "fixed" },
    ];
    const [one, two] = bothWays(signedBy(WABBIT), signedBy(ACME)).map(
      (verdict) =>
        judge([observed("v", { type: "vex", predicate: predicates.vex(statements), verdict })]).vex,
    );
    assert.deepEqual(
      one?.map(({ issuer }) => issuer),
      [ACME, WABBIT],
    );
    assert.deepEqual(one, two);
  });
});
