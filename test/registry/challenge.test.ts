// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "../../provider/registry/auth/challenge";

const CASES: [string, string, [string, Record<string, string>][]][] = [
  [
    "one with quoted strings",
    'Bearer realm="https://a/token",service="s",scope="repository:a/b:pull,push"',
    [["bearer", { realm: "https://a/token", service: "s", scope: "repository:a/b:pull,push" }]],
  ],
  [
    "blanks and unquoted values",
    "bearer  realm = x , Service=y",
    [["bearer", { realm: "x", service: "y" }]],
  ],
  [
    "escaped quotes",
    String.raw`Basic realm="say \"hi\", twice \\"`,
    [["basic", { realm: 'say "hi", twice \\' }]],
  ],
  [
    "several in one line",
    'Basic realm="r", Bearer realm="t",service="s"',
    [
      ["basic", { realm: "r" }],
      ["bearer", { realm: "t", service: "s" }],
    ],
  ],
  [
    "a scheme without parameters",
    'Negotiate, Basic realm="r"',
    [
      ["negotiate", {}],
      ["basic", { realm: "r" }],
    ],
  ],
  [
    "token68",
    'Negotiate abc==, Bearer realm="t"',
    [
      ["negotiate", {}],
      ["bearer", { realm: "t" }],
    ],
  ],
  ["empty elements", ', ,Basic realm="r",,', [["basic", { realm: "r" }]]],
  [
    "an unterminated string ends the parse",
    'Basic realm="r", Bearer realm="t',
    [
      ["basic", { realm: "r" }],
      ["bearer", {}],
    ],
  ],
  ["nothing", "", []],
  [
    "the first of repeated parameters counts",
    'Bearer realm="a",realm="b"',
    [["bearer", { realm: "a" }]],
  ],
];

for (const [name, header, expected] of CASES) {
  test(`challenges: ${name}`, () => {
    assert.deepEqual(
      parseChallenges(header).map(({ scheme, parameters }) => [
        scheme,
        Object.fromEntries(parameters),
      ]),
      expected,
    );
  });
}
