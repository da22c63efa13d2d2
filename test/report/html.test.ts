// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { renderHtml } from "../../provider/report/html/html";
import { markup, Markup } from "../../provider/report/html/markup";
import { flat, rowsOf } from "../../provider/report/html/rows";
import { ARTIFACT, artifact, claim, digestFor, sample, signature } from "./html-sample";
import { strangersIn } from "./html-page";

const now = new Date("2026-11-24T15:00:00Z");

describe("markup", () => {
  test("escapes whatever is put into it, but for markup", () => {
    assert.equal(
      markup`<b title="${`"'<&>\``}">${"<i>"}${markup`<i>${1}</i>`}${undefined}${["a", "&"]}</b>`
        .html,
      '<b title="&quot;&#39;&lt;&amp;&gt;&#96;">&lt;i&gt;<i>1</i>a&amp;</b>',
    );
    assert.ok(markup`x` instanceof Markup);
  });

  test("lets nothing through that steers a reader's eyes or machine", () => {
    assert.equal(
      markup`${"a\u0000b\u001b[31mc\u202ed\u2028e"}`.html,
      "a\ufffdb\ufffd[31mc\ufffdd\ufffde",
    );
    assert.equal(markup`${"x".repeat(5_000)}`.html.length, 2_000);
  });
});

describe("the page about an artifact", () => {
  test("stands alone: no scripts, nothing that is loaded, a policy that forbids both", () => {
    for (const claims of [5, 500]) {
      const { observed, options } = sample(claims);
      const page = renderHtml(observed, options);
      assert.deepEqual(strangersIn(page), []);
      assert.ok(
        page.includes(
          `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`,
        ),
      );
      assert.doesNotMatch(page, /<script|<link|<img|<iframe|@import|url\(/i);
      for (const [, target = ""] of page.matchAll(/href="#([^"]+)"/g))
        assert.ok(page.includes(`id="${target}"`), `#${target} is nowhere`);
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids).size, ids.length);
    }
  });

  test("says who signed what, what is superseded and by what, and where each thing lies", () => {
    const { observed, options } = sample(5);
    const page = renderHtml(observed, options);
    for (const words of [
      "Verified",
      "Wabbit Networks Release",
      "Intake",
      "superseded",
      "the test environment was not the one that is claimed",
      "until 2026-10-20",
      "may be purged from 2033-10-20",
      "kept until 2033-10-20, then may be purged",
    ])
      assert.ok(page.includes(words), words);
    const evidence = page.split("<tr").find((row) => row.includes("provenance")) ?? "";
    assert.equal(
      evidence.split('aria-label="not at ').length - 1,
      4,
      "internal evidence is at one of five places",
    );
    assert.ok(page.includes(`<code title="${ARTIFACT}">`), "the whole digest is in the title");
    assert.ok(page.includes(`<span class="full">${ARTIFACT}</span>`), "and on paper");
    const old = page.split("<tr").find((row) => row.includes("superseded</span>")) ?? "";
    assert.match(old, /class="instead"><small>by<\/small> <a href="#d-[0-9a-f]{24}"/);
  });

  test("follows light and dark, and prints", () => {
    const page = renderHtml([artifact("registry.example/a", [])], { now });
    for (const rule of [
      "@media (prefers-color-scheme:dark)",
      "@media print",
      "color-scheme:light dark",
      "@page{size:A4 landscape",
      "table-header-group",
    ])
      assert.ok(page.includes(rule), rule);
  });

  test("is the same for the same observations", () => {
    const { observed, options } = sample(40);
    assert.equal(renderHtml(observed, options), renderHtml(structuredClone(observed), options));
  });

  test("has one row for what lies at several places, and tells where they differ", () => {
    const [here, there] = [
      claim("vsa", "2026-01-01T00:00:00Z"),
      claim("vsa", "2026-01-01T00:00:00Z", {
        status: "tampered",
        reason: "its bytes have another digest",
      }),
    ];
    const observed = [artifact("a.example/a", [here]), artifact("b.example/a", [there])];
    const rows = flat(rowsOf(observed));
    assert.deepEqual(
      rows.map(({ kind, name, at }) => [kind, name, at.map((finding) => finding?.status)]),
      [
        ["artifact", "artifact", ["verified", "verified"]],
        ["claim", "vsa", ["effective", "tampered"]],
      ],
    );
    const page = renderHtml(observed, { now });
    assert.ok(
      page.includes("differs by place") && page.includes("its bytes have another digest (2)"),
    );
  });

  test("shows the worst place first of all", () => {
    const bad = artifact("b.example/a", [], {
      verdict: {
        outcome: "untrusted",
        code: "SIGNATURE_UNTRUSTED",
        reason: "nobody here trusts them",
        warnings: [],
      },
    });
    assert.match(
      renderHtml([artifact("a.example/a", []), bad], { now }),
      /class="verdict bad">.*Not verified: untrusted at b\.example\/a <small>under “wabbit-and-acme”: nobody here trusts them/,
    );
    const { policy: _policy, verdict: _verdict, ...unjudged } = artifact("a.example/a", []);
    const page = renderHtml(
      [
        {
          ...unjudged,
          signatures: [signature("CN=x", "2026-01-01T00:00:00Z", "a", { status: "valid" })],
        },
      ],
      { now },
    );
    assert.match(page, /class="verdict plain">.*Not judged/);
    assert.match(page, /Without a trust policy nobody is called trusted/);
    assert.match(
      renderHtml([{ ...unjudged, signatures: [] }], { now }),
      /class="verdict bad">.*Not verified: unsigned/,
    );
  });

  test("names platforms, other tools' claims, whatever else refers to it, and what cannot be read", () => {
    const member = {
      ...artifact("r.example/a", [], { platform: "linux/arm64" }),
      digest: digestFor("arm64"),
    };
    const broken = {
      ...artifact("r.example/a", [], {
        platform: "linux/s390x",
        problem: { code: "MANIFEST_UNKNOWN" as const, reason: "it is not there" },
      }),
      digest: digestFor("s390x"),
    };
    const foreign = {
      origin: "cosign-signature" as const,
      digest: digestFor("f"),
      manifest: digestFor("fm"),
      subject: ARTIFACT,
      type: undefined,
      audience: "internal" as const,
      status: "unverified" as const,
      reason: "no public key was given",
    };
    const page = renderHtml(
      [
        artifact("r.example/a", [], {
          manifests: [member, broken],
          foreign: [foreign],
          related: [{ digest: digestFor("n"), artifactType: "application/vnd.example.note" }],
        }),
      ],
      { now },
    );
    for (const words of [
      "linux/arm64",
      "linux/s390x",
      "it is not there [MANIFEST_UNKNOWN]",
      "cosign-signature: no public key was given",
      "application/vnd.example.note",
    ])
      assert.ok(page.includes(words), words);
    assert.deepEqual(strangersIn(page), []);
  });

  test("nothing observed is a page too", () =>
    assert.match(renderHtml([], { now, title: "none" }), /Nothing was looked at/));
});

describe("hostile text", () => {
  const attacks = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "a\u0000\u001b[2J\u202eb\u2066",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "${1}`",
  ];

  function everywhere(text: string) {
    const hostile = claim(text, "2026-01-01T00:00:00Z", {
      name: text,
      type: text,
      scope: text,
      status: "malformed",
      reason: text,
      expiresAt: text,
      signatures: [signature(`CN=${text},O=${text}`, text, text, { reason: text })],
      issuer: text,
      issuedAt: text,
      related: [{ digest: digestFor(text), artifactType: text }],
    });
    const deployed = claim("deployment", "2026-01-01T00:00:00Z", {
      predicate: { environment: text, from: "2026-01-01T00:00:00Z" },
    });
    const revoked = claim("revocation", "2026-01-01T00:00:00Z", {
      predicate: { target: ARTIFACT, reason: text, since: "2026-01-02T00:00:00Z" },
    });
    const observed = artifact("registry.example/a", [hostile, deployed, revoked], {
      artifactType: text,
      policy: text,
      platform: text,
      verdict: { outcome: "invalid", reason: text, warnings: [text] },
    });
    const retention = new Map([
      [
        ARTIFACT,
        {
          state: text,
          reason: text,
          archivedAt: "2026-02-01T00:00:00Z",
          retainUntil: "2027-01-01T00:00:00Z",
        },
      ],
    ]);
    return renderHtml([observed, observed], { now, title: text, labels: [text, text], retention });
  }

  test("from predicates, certificates, annotations and registries is text", () => {
    for (const attack of attacks) assert.deepEqual(strangersIn(everywhere(attack)), [], attack);
  });

  test("stays text, whatever it is", () => {
    const unit = fc.oneof(
      fc.constantFrom("<", ">", '"', "'", "&", "`", "=", "/", "\u0000", "\u202e", "script", " "),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), (parts) =>
        assert.deepEqual(strangersIn(everywhere(parts.join(""))), []),
      ),
      { numRuns: 30 },
    );
  });
});
