// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "../../provider/errors";
import { Random } from "../fuzz/random";

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

test("a URL's query and fragment go, whatever shape the URL has", () => {
  const cases = [
    ["GET https://b.example/x?sig=a)b%20c: 403", "GET https://b.example/x?… 403"],
    ["(https://b.example/x?sig=a'b\"c>d)", "(https://b.example/x?…"],
    ["https://b.example/x#access_token=abc", "https://b.example/x#…"],
    ["s3://bucket/key?X-Amz-Signature=abc", "s3://bucket/key?…"],
    ["to /v2/app/blobs/sha256?X-Amz-Signature=a(b)", "to /v2/app/blobs/sha256?…"],
    ["X-Amz-Signature=abc)d and sig=x&y", "X-Amz-Signature=… and sig=…"],
    ["HTTPS://ci:pa/ss?w@b.example/app", "HTTPS://b.example/app"],
    ["https://ci:hun/ter@b.example/app", "https://b.example/app"],
    ["https://ci:12/ter@b.example/app", "https://b.example/app"],
  ] as const;
  for (const [text, expected] of cases) assert.equal(redact(text), expected);
});

test("no part of a secret survives, whatever characters it has", () => {
  const random = new Random(16);
  const pool = [..."abcXYZ019-._~!$&'()*+,;=:@%/?#[]{}<>|\\^`\"é漢😀", "%20", "%2F"];
  const filler = () => Array.from({ length: random.below(6) }, () => random.pick(pool)).join("");
  const marks = ["q7Qz", "w8Wx", "e9Ev"];
  const secret = () => marks.map((mark) => filler() + mark).join("") + filler();
  const shapes: ((secret: string) => string)[] = [
    (s) => `GET https://b.example/v2/app?X-Amz-Signature=${s}`,
    (s) => `https://b.example:8443/?sig=${s} failed`,
    (s) => `see "https://b.example/a(b)?x=1&token=${s}" (https://b.example)`,
    (s) => `https://b.example/callback#id_token=${s}`,
    (s) => `redirected to /blobs/uploads/1?_state=${s}`,
    (s) => `gs://bucket/app?${s}`,
  ];
  for (let round = 0; round < 5_000; round++) {
    const text = random.pick(shapes)(secret());
    const redacted = redact(text);
    for (const mark of marks)
      assert.ok(!redacted.includes(mark), `${mark} of ${text} is in ${redacted}`);
  }
  const passwords = pool.filter((each) => !["@"].includes(each));
  for (let round = 0; round < 5_000; round++) {
    const inner = () =>
      Array.from({ length: 1 + random.below(6) }, () => random.pick(passwords)).join("");
    const text = `https://ci:p${inner()}q7Qz${inner()}@b.example/app failed`;
    assert.ok(!redact(text).includes("q7Qz"), `${text}: ${redact(text)}`);
  }
});

test("what carries no secret stays as it is", () => {
  for (const text of [
    "https://registry.example:5000/app:v1",
    `https://registry.example:5000/app@${DIGEST}`,
    "http://registry:5000/checkout@v4.2/x",
    "see https://github.com/actions/checkout@v4 for it",
    "http://[::1]:5000/app",
    "is it there?",
    "which? none",
  ])
    assert.equal(redact(text), text);
});
