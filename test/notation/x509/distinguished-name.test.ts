// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isConsignError } from "../../../provider/errors";
import { parseCertificate } from "../../../provider/notation/x509/certificates";
import {
  identityNameOf,
  isSubsetName,
  parseIdentityName,
} from "../../../provider/notation/x509/distinguished-name";
import { codeSigner, authority } from "../../harness/certificates";

const read = (text: string) => Object.fromEntries(parseIdentityName(text));

test("reads names with and without spaces, and S for ST", () => {
  const expected = { C: "US", ST: "WA", O: "Wabbit Networks" };
  assert.deepEqual(read("C=US, ST=WA, O=Wabbit Networks"), expected);
  assert.deepEqual(read("O=Wabbit Networks,S=WA,C=US"), expected);
  assert.deepEqual(read(" C = US , ST= WA ,O =Wabbit Networks  "), expected);
});

test("reads what RFC 4514 escapes", () => {
  assert.equal(read("C=US,ST=WA,O=Wabbit\\, Inc.").O, "Wabbit, Inc.");
  assert.equal(read("C=US,ST=WA,O=A\\+B").O, "A+B");
  assert.equal(read("C=US,ST=WA,O=Lu\\C4\\8Di\\C4\\87").O, "Lučić");
  assert.equal(read("C=US,ST=WA,O=\\ x\\ ").O, " x ");
  assert.equal(read("C=US,ST=WA,O=\\#1").O, "#1");
  assert.equal(read("C=US,ST=WA,O=a\\\\b").O, "a\\b");
  assert.equal(read("C=US,ST=WA,O=a=b").O, "a=b");
});

const REFUSED: Record<string, RegExp> = {
  "": /not attribute=value/,
  "C=US,ST=WA": /O is missing/,
  "ST=WA,O=x": /C is missing/,
  "C=US,O=x": /ST is missing/,
  "C=US,ST=WA,O=": /O is missing/,
  "C=US,ST=WA,O=x,O=y": /O more than once/,
  "C=US,ST=WA,S=WA,O=x": /ST more than once/,
  "C=US,ST=WA,O=x+OU=y": /multi-valued/,
  "C=US,ST=WA,O=#0c0178": /hexadecimal/,
  "C=US,ST=WA,O=x,": /not attribute=value/,
  "C=US,ST=WA,O=x,nonsense": /not attribute=value/,
  [`C=US,ST=WA,O="x"`]: /unescaped/,
  "C=US;ST=WA;O=x": /unescaped/,
  "C=US,ST=WA,O=\\zz": /backslash/,
  "C=US,ST=WA,O=\\FF": /UTF-8/,
  "C=US,ST=WA,O=x,1.2.3=y": /1\.2\.3/,
  "C=US,ST=WA,o=x": /write O for o/,
  "C=US,ST=WA,O=x,DC=y": /DC is not supported/,
};

for (const [text, message] of Object.entries(REFUSED)) {
  test(`refuses "${text}"`, () =>
    assert.throws(() => parseIdentityName(text), { code: "TRUST_POLICY_INVALID", message }));
}

test("a name is part of another when all its attributes are in it", () => {
  const whole = parseIdentityName("CN=Release,OU=Build,O=Wabbit,ST=WA,C=US");
  assert.ok(isSubsetName(parseIdentityName("C=US,ST=WA,O=Wabbit"), whole));
  assert.ok(isSubsetName(whole, whole));
  assert.ok(!isSubsetName(parseIdentityName("C=US,ST=WA,O=wabbit"), whole));
  assert.ok(!isSubsetName(whole, parseIdentityName("C=US,ST=WA,O=Wabbit")));
});

test("a certificate's subject in text reads back as the same identity", () => {
  const value = fc
    .string({ minLength: 1, maxLength: 20, unit: "grapheme" })
    .filter((text) => !text.includes("=#") && !text.startsWith("#"));
  const root = authority();
  fc.assert(
    fc.property(value, value, (O, CN) => {
      const { subject } = parseCertificate(
        codeSigner(root, { subject: { C: "US", ST: "WA", O, CN } }).der,
      );
      assert.deepEqual(parseIdentityName(subject.text), identityNameOf(subject));
      assert.equal(identityNameOf(subject).get("O"), O);
      return true;
    }),
    { numRuns: 100 },
  );
});

test("whatever the text, it ends with a name or TRUST_POLICY_INVALID", () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 60 }).map((text) => `C=US,ST=WA,O=${text}`),
      (text) => {
        try {
          return parseIdentityName(text).size >= 3;
        } catch (error) {
          return isConsignError(error, "TRUST_POLICY_INVALID");
        }
      },
    ),
    { numRuns: 2000 },
  );
});
