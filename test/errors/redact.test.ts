// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "../../provider/errors";

const DIGEST = `sha256:${"ab".repeat(32)}`;

test("user info goes, with or without a scheme before it", () => {
  const cases = [
    ["https://ci:hunter2@registry.example/app", "https://registry.example/app"],
    ["https://ci:hunt@er2@registry.example/app", "https://registry.example/app"],
    ["https://token-hunter2@registry.example/app", "https://registry.example/app"],
    ["ci:hunter2@registry.example/app", "registry.example/app"],
    [
      '"ci:hunter2@registry.example:5000/app" is not a reference',
      '"registry.example:5000/app" is not a reference',
    ],
    ["ci:hunter2#?x@localhost:5000/app", "localhost:5000/app"],
    ["ci:hunter2@registry:5000/app", "registry:5000/app"],
    ["ci:hunter2@[::1]:5000/app", "[::1]:5000/app"],
  ] as const;
  for (const [text, expected] of cases) assert.equal(redact(text), expected);
});

test("what is no user info stays", () => {
  const texts = [
    `registry.example/app:v1@${DIGEST}`,
    `registry.example:5000/app@${DIGEST}`,
    `oci:app:v1@${DIGEST}`,
    `oci:./layouts/app@${DIGEST}`,
    "oci:app@latest.tar",
    "oci:builds@2.0/app",
    `app:v1@${DIGEST}`,
    "tag v1 is at registry.example:5000/app:v1, mail ops@registry.example",
    "CN=ci@wabbit.example, O=Wabbit: signs",
    "@pulumi/pulumi: 3.1",
    "at 12:30 @ registry.example",
  ];
  for (const text of texts) assert.equal(redact(text), text);
});
