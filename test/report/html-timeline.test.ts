// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ConsignError } from "../../provider/errors";
import { parseRetention, timelineOf } from "../../provider/report/timeline";
import { timelineSvg } from "../../provider/report/html/timeline-svg";
import { renderTimeline } from "../../provider/report/timeline-text";
import { consign, workplace } from "../cli/arrange";
import { acme, provenance, pushClaim } from "./arrange";
import { ARTIFACT, artifact, claim, sample } from "./html-sample";
import { strangersIn } from "./html-page";

const now = new Date("2026-11-24T15:00:00Z");
const deployment = (environment: string, from: string, until?: string) =>
  claim(`${environment} ${from}`, from, {
    name: "deployment",
    predicate: { environment, from, ...(until === undefined ? {} : { until }) },
  });

describe("a timeline", () => {
  test("has a lane for each environment, kind of claim, and the archive", () => {
    const { observed, options } = sample(5);
    const { lanes, now: at } = timelineOf(observed, options.retention ?? new Map(), options.now);
    assert.deepEqual(
      lanes.map(({ kind, name }) => `${kind} ${name}`),
      [
        "production production",
        "production staging",
        "lifecycle lifecycle",
        "claims signature",
        ...[
          "deployment",
          "endOfLife",
          "provenance",
          "sbom/spdx",
          "test-result",
          "vsa",
          "vulnerabilities",
        ].map((name) => `claims ${name}`),
        "retention archive",
      ],
    );
    assert.equal(at, options.now.getTime());
    assert.equal(
      lanes.find(({ name }) => name === "provenance")?.moments.length,
      1,
      "a claim at several places is one claim",
    );
  });

  test("an environment's periods share a lane; one without an end lasts", () => {
    const { lanes } = timelineOf(
      [
        artifact("r.example/a", [
          deployment("production", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
          deployment("production", "2026-03-01T00:00:00Z"),
        ]),
      ],
      new Map(),
      now,
    );
    assert.deepEqual(
      lanes[0]?.spans.map(({ from, until }) => [from, until]),
      [
        [Date.UTC(2026, 0, 1), Date.UTC(2026, 1, 1)],
        [Date.UTC(2026, 2, 1), undefined],
      ],
    );
  });

  test("believes no claim that does not count, and only deployments about deployments", () => {
    const { predicate: _predicate, ...uncounted } = deployment(
      "production",
      "2026-01-01T00:00:00Z",
    );
    const other = claim("https://example.com/other", "2026-01-01T00:00:00Z", {
      predicate: { environment: "production", from: "2026-01-01T00:00:00Z" },
    });
    assert.deepEqual(
      timelineOf(
        [artifact("r.example/a", [{ ...uncounted, status: "untrusted" }, other])],
        new Map(),
        now,
      ).lanes.map(({ kind }) => kind),
      ["claims", "claims", "claims"],
    );
  });

  test("years ahead do not squeeze what has happened", () => {
    const retention = new Map([
      [
        ARTIFACT,
        {
          state: "archived",
          archivedAt: "2026-11-01T00:00:00Z",
          retainUntil: "2096-11-01T00:00:00Z",
        },
      ],
    ]);
    const { from, to } = timelineOf(
      [
        artifact("r.example/a", [
          deployment("production", "2026-05-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ]),
      ],
      retention,
      now,
    );
    assert.ok(to - now.getTime() < now.getTime() - from);
  });

  test("is drawn for an hour and for a century, with few ticks", () => {
    for (const from of [
      "2026-11-24T14:58:00Z",
      "2026-11-20T00:00:00Z",
      "2025-01-31T00:00:00Z",
      "1926-01-01T00:00:00Z",
    ]) {
      const { html } = timelineSvg(
        timelineOf([artifact("r.example/a", [deployment("production", from)])], new Map(), now),
      );
      const ticks = html.split('<line class="grid" x1').length - 1;
      assert.ok(ticks >= 3 && ticks <= 16, `${from}: ${ticks}`);
      assert.doesNotMatch(html, /NaN|Infinity|undefined/);
    }
  });

  test("is told in words, in order", () => {
    const lines = renderTimeline(
      timelineOf(
        [
          artifact("r.example/a", [
            deployment("production", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
          ]),
        ],
        new Map(),
        now,
      ),
    ).split("\n");
    assert.deepEqual(
      lines.map((line) => line.slice(0, 16)),
      [
        "2026-01-01 00:00",
        "2026-01-01 00:00",
        "2026-02-01 00:00",
        "2026-02-03 09:12",
        "2026-11-24 15:00",
      ],
    );
    assert.match(lines[3] ?? "", /  signed 2026-02-03T09:12:\S+ by .*, verified \(sha256:/);
  });
});

describe("the entries of an archive policy", () => {
  test("are read", () => {
    const entries = parseRetention({
      [ARTIFACT]: {
        state: "archived",
        archivedAt: "2026-01-01T00:00:00Z",
        retainUntil: "2027-01-01T00:00:00Z",
        reason: "kept",
        window: { from: "2025-01-01T00:00:00Z" },
      },
    });
    assert.deepEqual(entries.get(ARTIFACT), {
      state: "archived",
      archivedAt: "2026-01-01T00:00:00Z",
      retainUntil: "2027-01-01T00:00:00Z",
      reason: "kept",
    });
  });

  test("are refused when they are something else", () => {
    for (const wrong of [
      [],
      { a: {} },
      { [ARTIFACT]: { state: "archived", retainUntil: "soon" } },
    ]) {
      assert.throws(
        () => parseRetention(wrong),
        (error: unknown) => error instanceof ConsignError && error.code === "INPUT_INVALID",
      );
    }
  });
});

describe("consign tree and timeline", () => {
  test("--html writes one page that stands alone, and the exit code is the verdict's", async () => {
    const { folder } = await workplace();
    const { exitCode, stdout, stderr } = await consign(folder, [
      "tree",
      "oci:net-monitor:v1",
      "--root",
      "wabbit.pem",
      "--html",
      "tree.html",
    ]);
    const page = readFileSync(join(folder, "tree.html"), "utf8");
    assert.deepEqual([exitCode, stdout, /wrote tree\.html/.test(stderr)], [0, "", true]);
    assert.deepEqual(strangersIn(page), []);
    for (const words of [
      "<h1>net-monitor:v1</h1>",
      "Wabbit Networks Release",
      "provenance",
      "effective",
      "Verified",
    ])
      assert.ok(page.includes(words), words);
  });

  test("timeline takes several places, with names, and what an archive policy says", async () => {
    const { folder, layout, artifact: subject, file } = await workplace();
    await pushClaim(
      layout,
      {
        type: "deployment",
        subject,
        predicate: { environment: "production", from: "2026-01-01T00:00:00Z" },
      },
      acme,
    );
    file("entries.json", {
      [subject.digest]: {
        state: "held",
        archivedAt: "2026-06-01T00:00:00Z",
        retainUntil: "2033-01-01T00:00:00Z",
      },
    });
    const places = ["internal=oci:net-monitor:v1", "oci:net-monitor:v1"];
    const roots = ["--root", "wabbit.pem", "--root", "acme.pem"];
    const written = await consign(folder, [
      "timeline",
      ...places,
      ...roots,
      "--retention",
      "entries.json",
      "--html",
      "page.html",
    ]);
    const page = readFileSync(join(folder, "page.html"), "utf8");
    assert.equal(written.exitCode, 0);
    for (const words of [
      "internal <small>oci:net-monitor</small>",
      "in production",
      "kept until 2033-01-01",
      "may be purged from 2033-01-01",
    ])
      assert.ok(page.includes(words), words);
    assert.ok(page.indexOf("<h2>Timeline") < page.indexOf("<h2>Graph"));
    const told = await consign(folder, ["timeline", ...places, ...roots]);
    assert.match(told.stdout, /2026-01-01 00:00 {2}in production from 2026-01-01T00:00:00Z, still/);
    const json = await consign(folder, ["timeline", ...places, ...roots, "--json"]);
    assert.deepEqual((JSON.parse(json.stdout) as { places: unknown[] }).places[0], {
      reference: `oci:net-monitor@${subject.digest}`,
      label: "internal",
    });
  });

  test("the worst place decides; without a policy nothing is believed", async () => {
    const { folder, layout, artifact: subject } = await workplace();
    await pushClaim(layout, { type: "provenance", subject, predicate: provenance }, acme);
    assert.equal(
      (await consign(folder, ["timeline", "oci:net-monitor:v1", "--root", "acme.pem"])).exitCode,
      1,
    );
    assert.equal(
      (await consign(folder, ["timeline", "oci:net-monitor:v1", "--html", "a.html"])).exitCode,
      0,
    );
    assert.match(readFileSync(join(folder, "a.html"), "utf8"), /Not judged/);
  });

  test("says what is wrong with a command line", async () => {
    const { folder } = await workplace();
    for (const [args, words] of [
      [["verify", "oci:net-monitor:v1", "--html", "a.html"], /for tree, timeline and exposure/],
      [["tree", "oci:net-monitor:v1", "--html", "a.html", "--json"], /either --html or --json/],
      [
        ["claims", "oci:net-monitor:v1", "--retention", "a.json"],
        /--retention is for tree and timeline/,
      ],
      [["tree", "a", "b"], /one too many/],
      [["tree", "oci:net-monitor:v1", "--html", "no/such/folder/a.html"], /cannot be written/],
      [["timeline", "oci:net-monitor:v1", "--retention", "wabbit.pem"], /not JSON/],
    ] as [string[], RegExp][]) {
      const { exitCode, stderr } = await consign(folder, args);
      assert.deepEqual([exitCode, words.test(stderr)], [2, true], stderr);
    }
    assert.equal(existsSync(join(folder, "a.html")), false);
  });
});
