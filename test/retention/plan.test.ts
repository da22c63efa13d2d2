// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isConsignError } from "../../provider/errors";
import { digestOf, type Digest } from "../../provider/oci/digest";
import {
  acts,
  checkRules,
  decodeEvidence,
  encodeEvidence,
  entrySchema,
  mergeWindows,
  planLines,
  planRetention,
  planTable,
  type Entries,
  type Evidence,
  type Facts,
  type Rules,
} from "../../provider/retention/index";
import { ARTIFACT, archived, days, deployment, entryOf, facts, rules, YEAR } from "./builders";

function plan(
  found: Facts | Record<Digest, Facts>,
  asOf: string,
  o: { rules?: Rules; recorded?: Entries; marking?: boolean } = {},
): Entries {
  const all = "evidence" in found ? { [ARTIFACT]: found } : found;
  return planRetention({
    facts: all,
    recorded: o.recorded ?? {},
    rules: o.rules ?? rules(),
    asOf: Date.parse(asOf),
    marking: o.marking ?? true,
  });
}

const LEFT = [deployment("2026-01-01"), deployment("2026-01-01", "2026-03-01")];

describe("windows", () => {
  test("the claim that opens and the one that closes are one stay; of several ends the latest counts", () => {
    const closed = mergeWindows([
      deployment("2026-01-01"),
      deployment("2026-01-01", "2026-02-01"),
      deployment("2026-01-01", "2026-01-15"),
    ] as never);
    assert.deepEqual(
      closed.map(({ until }) => until),
      ["2026-02-01T00:00:00Z"],
    );
  });

  test("two places of one environment that began at one time are two stays", () => {
    const stays = mergeWindows([
      deployment("2026-01-01", undefined, "production", "eu:prod"),
      deployment("2026-01-01", "2026-02-01", "production", "us:prod"),
    ] as never);
    assert.deepEqual(stays.map(({ until }) => until ?? "…").sort(), ["2026-02-01T00:00:00Z", "…"]);
  });
});

describe("what becomes of an artifact", () => {
  test("goes from production over grace and archive to a mark and a purge", () => {
    assert.equal(
      entryOf(plan(facts([deployment("2026-01-01")]), "2026-02-01")),
      "in-production keep",
    );
    assert.equal(entryOf(plan(facts(LEFT), "2026-03-30")), "grace keep");
    assert.equal(entryOf(plan(facts(LEFT), "2026-03-31")), "to-archive archive");
    const inArchive = facts([...LEFT, archived("2026-04-01")]);
    assert.equal(entryOf(plan(inArchive, "2027-02-28")), "archived keep");
    const marked = plan(inArchive, "2027-03-01");
    assert.equal(entryOf(marked), "expired mark");
    assert.equal(entryOf(plan(inArchive, "2027-03-02", { recorded: marked })), "expired purge");
    const looked = plan(inArchive, "2027-03-01", { marking: false });
    assert.equal(
      entryOf(plan(inArchive, "2027-03-02", { recorded: looked })),
      "expired mark",
      "a mere look marks nothing",
    );
  });

  test("a window that ends later than now is in use, and so is one that has not begun", () => {
    assert.equal(
      entryOf(plan(facts([deployment("2026-01-01", "2026-12-31")]), "2026-06-01")),
      "in-production keep",
    );
    assert.equal(
      entryOf(plan(facts([...LEFT, deployment("2030-01-01")]), "2028-01-01")),
      "in-production keep",
    );
  });

  test("only named environments start the clock, but any of them keeps", () => {
    const staging = facts([...LEFT, deployment("2026-01-01", "2026-09-01", "staging")]);
    const production = rules({ environments: ["production"] });
    assert.equal(entryOf(plan(staging, "2026-08-01", { rules: production })), "in-production keep");
    assert.equal(entryOf(plan(staging, "2026-09-02", { rules: production })), "to-archive archive");
    assert.equal(
      entryOf(
        plan(facts([deployment("2026-01-01", "2026-02-01", "dev")]), "2030-01-01", {
          rules: production,
        }),
      ),
      "absent",
    );
  });

  test("a doubt keeps, whatever else is known", () => {
    const doubtful = facts([
      ...LEFT,
      archived("2026-04-01"),
      { kind: "doubt", reason: "the revocation server is away" },
    ]);
    const entries = plan(doubtful, "2030-01-01", {
      recorded: plan(facts([...LEFT, archived("2026-04-01")]), "2029-01-01"),
    });
    assert.equal(entryOf(entries), "archived keep");
    assert.match(entries[ARTIFACT]?.reason ?? "", /^inconclusive: .*the revocation server is away/);
    assert.equal(entries[ARTIFACT]?.marked, undefined);
  });

  test("claims that vanish keep for one run, and are believed gone after it", () => {
    const before = plan(
      facts([...LEFT, deployment("2026-05-01", "2026-12-01"), archived("2027-01-05")]),
      "2027-02-01",
    );
    const shrunk = facts([...LEFT, archived("2027-01-05")]);
    const once = plan(shrunk, "2027-08-01", { recorded: before });
    assert.match(
      once[ARTIFACT]?.reason ?? "",
      /inconclusive: the claims about production since 2026-05-01 are gone/,
    );
    assert.equal(entryOf(plan(shrunk, "2027-08-02", { recorded: once })), "expired mark");
  });

  test("a purge that was cut short goes on, although it took the claims that it rests on", () => {
    const marked = plan(facts([...LEFT, archived("2026-04-01")], { at: [] }), "2027-03-01");
    assert.equal(
      entryOf(plan(facts([], { at: [], inArchive: true }), "2027-03-02", { recorded: marked })),
      "expired purge",
    );
    const surprising = facts([deployment("2027-03-01")], { inArchive: true });
    assert.equal(
      entryOf(plan(surprising, "2027-03-02", { recorded: marked })),
      "in-production keep",
    );
  });

  test("what was archived before its last use is archived again", () => {
    const again = facts([
      ...LEFT,
      archived("2026-04-01"),
      { kind: "content-purged", at: "2026-04-02T00:00:00Z" },
      deployment("2026-05-01", "2026-06-01"),
    ]);
    assert.equal(entryOf(plan(again, "2026-07-01")), "to-archive archive");
    assert.equal(
      entryOf(plan({ ...again, at: [] }, "2026-07-01")),
      "content-purged keep",
      "unless there is no source to archive it from",
    );
  });

  test("what was archived again counts from then, and has its content, also when no source has it", () => {
    const again = facts(
      [
        ...LEFT,
        archived("2026-04-01"),
        { kind: "content-purged", at: "2026-04-02T00:00:00Z" },
        deployment("2026-05-01", "2027-02-01"),
        archived("2027-03-05"),
      ],
      { at: [] },
    );
    for (const onExpiry of ["purge", "purge-content"] as const) {
      const given = rules({ since: "archived", onExpiry });
      assert.equal(entryOf(plan(again, "2028-03-03", { rules: given })), "archived keep");
      assert.equal(entryOf(plan(again, "2028-03-05", { rules: given })), "expired mark");
    }
  });

  test("what is still in use takes no place among the last N that left", () => {
    const [left, leaving, moved] = ["left", "leaving", "moved"].map((name) => digestOf(name)) as [
      Digest,
      Digest,
      Digest,
    ];
    const last = rules({ last: 1 });
    const found = {
      [left]: facts([...LEFT, archived("2026-04-01")]),
      [leaving]: facts([deployment("2026-01-01", "2029-01-01")]),
    };
    assert.equal(
      entryOf(plan(found, "2028-01-01", { rules: last }), left),
      "archived keep",
      "its end is announced, and lies ahead",
    );
    const tagged = {
      [left]: facts([...LEFT, archived("2026-04-01")]),
      [moved]: facts([deployment("2026-01-01", "2027-01-01")], {
        running: ["production (source:prod)"],
      }),
    };
    assert.equal(
      entryOf(plan(tagged, "2028-01-01", { rules: last }), left),
      "archived keep",
      "the environment's tag is still there",
    );
  });

  test("what cannot be written as a time here is a doubt", () => {
    const forever: Evidence = {
      kind: "deployment",
      environment: "production",
      from: "2026-01-01T00:00:00Z",
      until: "+010000-01-01T00:59:59Z",
    };
    const entries = plan(facts([...LEFT, forever, archived("2026-04-01")]), "2030-01-01");
    assert.match(
      entries[ARTIFACT]?.reason ?? "",
      /^inconclusive: claim sha256:\w{12}: what it says cannot be read/,
    );
  });

  test("what is gone, by whom ever, stays as a memory", () => {
    const recorded = plan(facts(LEFT), "2026-03-15");
    const gone = plan({}, "2026-03-16", { recorded });
    assert.equal(entryOf(gone), "purged keep");
    assert.match(gone[ARTIFACT]?.reason ?? "", /not by this policy/);
    assert.deepEqual(plan({}, "2036-03-16", { recorded: gone }), gone);
  });

  test("lines and table say it to people", () => {
    const entries = plan(facts([...LEFT, archived("2026-04-01")]), "2027-02-28");
    const short = ARTIFACT.slice(0, 19);
    assert.deepEqual(planLines(entries), {
      [ARTIFACT]: `KEEP  v1 ${short}  archived; production 2026-01-01 to 2026-03-01; archived 2026-04-01  (kept 1y from end of production, until 2027-03-01)`,
    });
    const [head, row] = planTable(entries);
    assert.match(head ?? "", /^DECISION {2}ARTIFACT +STATE +IN USE +ARCHIVED +KEPT UNTIL +REASON$/);
    assert.match(
      row ?? "",
      /^keep +v1 sha256:\w{12} +archived +production 2026-01-01 to 2026-03-01 +2026-04-01 +2027-03-01 +kept 1y from end of production, until 2027-03-01$/,
    );
  });
});

describe("rules that contradict each other", () => {
  const refused = (overrides: Partial<Rules>, path: string): void => {
    const { retain, ...others } = rules(overrides);
    const given =
      "retain" in overrides && overrides.retain === undefined
        ? others
        : { ...others, ...(retain === undefined ? {} : { retain }) };
    assert.throws(
      () => checkRules(given),
      (error) => isConsignError(error, "INPUT_INVALID") && error.path === path,
      path,
    );
  };

  test("are refused at the argument", () => {
    refused({ retain: days(10) }, "retain.for");
    refused({ retain: undefined }, "onExpiry");
    refused({ retain: undefined, onExpiry: "report", since: "archived" }, "retain.from");
    refused({ retain: undefined, onExpiry: "report", last: 2 }, "retain.last");
    checkRules(rules({ retain: days(30) }));
    checkRules(rules({ retain: days(10), since: "archived" }));
  });
});

const day = fc
  .integer({ min: 0, max: 3_000 })
  .map((n) => new Date(Date.UTC(2026, 0, 1) + n * 86_400_000).toISOString().slice(0, 10));
const evidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc
    .tuple(day, fc.option(day, { nil: undefined }))
    .map(([a, b]) => (b !== undefined && b < a ? deployment(b, a) : deployment(a, b))),
  day.map(archived),
  fc
    .tuple(day, fc.subarray(["source", "another source", "100%"], { minLength: 1 }))
    .map(([at, sources]): Evidence => ({ kind: "archived", at: `${at}T00:00:00Z`, sources })),
  fc.constant<Evidence>({ kind: "claimed", sources: ["another source"] }),
  day.map((at): Evidence => ({ kind: "content-purged", at: `${at}T00:00:00Z` })),
  day.map((date): Evidence => ({ kind: "end-of-life", date: `${date}T00:00:00Z` })),
  fc.constant<Evidence>({ kind: "hold", type: "litigation" }),
  fc.constant<Evidence>({ kind: "doubt", reason: "who knows" }),
);
const someFacts = fc
  .record({
    evidence: fc.array(evidence, { maxLength: 5 }),
    atSource: fc.boolean(),
    inArchive: fc.boolean(),
    running: fc.boolean(),
    shared: fc.integer({ max: 3, min: 0 }),
  })
  .map(({ evidence: claims, atSource, inArchive, running, shared }) =>
    facts(claims, {
      at: atSource || !inArchive ? ["source"] : [],
      inArchive,
      ...(shared === 0 ? { others: ["another source"] } : {}),
      ...(running ? { running: ["production (source:prod)"] } : {}),
    }),
  );
const manyFacts = fc
  .array(someFacts, { minLength: 1, maxLength: 6 })
  .map(
    (all) =>
      Object.fromEntries(all.map((each, index) => [digestOf(`artifact ${index}`), each])) as Record<
        Digest,
        Facts
      >,
  );
const someRules = fc
  .record({
    since: fc.constantFrom(
      "end-of-production" as const,
      "end-of-support" as const,
      "archived" as const,
    ),
    onExpiry: fc.constantFrom("report" as const, "purge-content" as const, "purge" as const),
    release: fc.constantFrom("never" as const, "after-archive" as const),
    last: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  })
  .map(({ last, ...others }) => rules({ ...others, ...(last === undefined ? {} : { last }) }));

describe("for any facts, rules and times", () => {
  const run = (
    check: (
      found: Record<Digest, Facts>,
      given: Rules,
      first: string,
      second: string,
      changed: Record<Digest, Facts>,
    ) => void,
  ): void => {
    fc.assert(
      fc.property(manyFacts, someRules, day, day, manyFacts, (found, given, a, b, changed) =>
        check(found, given, a < b ? a : b, a < b ? b : a, changed),
      ),
      { seed: 6, numRuns: 400 },
    );
  };

  test("nothing is removed that no run before had recorded, nor anything of which more is known than then", () => {
    run((found, given, first, second, changed) => {
      const fresh = plan(found, second, { rules: given });
      assert.deepEqual(
        Object.values(fresh).filter((entry) => acts(entry) && entry.decision !== "archive"),
        [],
      );
      const recorded = plan(found, first, { rules: given });
      for (const [digest, entry] of Object.entries(
        plan(changed, second, { rules: given, recorded }),
      ) as [Digest, (typeof recorded)[Digest]][]) {
        if (entry.decision !== "purge" && entry.decision !== "purge-content") continue;
        assert.ok(recorded[digest]?.marked !== undefined);
        assert.deepEqual(
          Object.keys(changed[digest]?.evidence ?? {}).filter(
            (claim) => !(claim in (recorded[digest]?.evidence ?? {})),
          ),
          [],
        );
      }
    });
  });

  test("what runs, is held, is in doubt, or came from elsewhere too is never removed", () => {
    run((found, given, first, second) => {
      const recorded = plan(found, first, { rules: given });
      for (const [digest, entry] of Object.entries(
        plan(found, second, { rules: given, recorded }),
      ) as [Digest, (typeof recorded)[Digest]][]) {
        const kinds = Object.values(found[digest]?.evidence ?? {}).map(
          (text) => text.split(" ")[0],
        );
        const safe =
          found[digest]?.running !== undefined || kinds.includes("hold") || kinds.includes("doubt");
        if (found[digest]?.others !== undefined)
          assert.ok(
            !["mark", "purge", "purge-content"].includes(entry.decision),
            `${entry.decision}: ${entry.reason}`,
          );
        if (safe)
          assert.ok(
            !["purge", "purge-content", "release"].includes(entry.decision),
            `${entry.decision}: ${entry.reason}`,
          );
        if (["purge", "purge-content"].includes(entry.decision))
          assert.ok(Date.parse(second) >= Date.parse(entry.retainUntil ?? ""));
      }
    });
  });

  test("a plan is what its schema says, gives a reason for all, and is the same when it is made again", () => {
    run((found, given, first) => {
      const entries = plan(found, first, { rules: given });
      for (const entry of Object.values(entries))
        assert.ok(entry.reason.length > 0 && entrySchema.safeParse(entry).success);
      assert.deepEqual(plan(found, first, { rules: given }), entries);
      assert.deepEqual(Object.keys(entries), Object.keys(entries).toSorted());
    });
  });

  test("evidence is a line, and is read back as it was", () => {
    fc.assert(
      fc.property(evidence, (each) => assert.deepEqual(decodeEvidence(encodeEvidence(each)), each)),
      { seed: 6 },
    );
    const odd: Evidence = {
      kind: "deployment",
      environment: "100 % of it",
      resource: "oci:some place:x",
      from: "2026-01-01T00:00:00Z",
    };
    assert.deepEqual(decodeEvidence(encodeEvidence(odd)), odd);
    for (const text of [
      "",
      "deployment",
      "deployment 2026 x y",
      "archived yesterday",
      "unheard of",
    ])
      assert.equal(decodeEvidence(text), undefined, text);
  });

  test("a year is 365 days", () => assert.equal(YEAR, 31_536_000_000));
});
