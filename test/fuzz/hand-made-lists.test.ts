// SPDX-License-Identifier: Apache-2.0
// Revocation lists that openssl does not make. A mutation of the verifier's code showed that
// nothing else tried these.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCertificate } from "../../provider/notation/x509/certificates";
import { parseCrl } from "../../provider/notation/revocation/crl";
import { checkCrl, statusIn } from "../../provider/notation/revocation/crl-status";
import { authority, codeSigner } from "../harness/certificates";
import * as der from "../harness/der";
import { extension, name, signatureAlgorithm, type Issued } from "../harness/keys";

const HOUR = 3_600_000;
const root = authority();
const leaf = codeSigner(root, { serial: 0x4a01n });
const certificate = parseCertificate(leaf.der);
const before = new Date(Date.now() - HOUR);
const after = new Date(Date.now() + HOUR);

interface List {
  by?: Issued;
  nextUpdate?: Date | undefined;
  entryExtensions?: readonly Buffer[];
}

function list({ by = root, nextUpdate, entryExtensions = [] }: List) {
  const algorithm = signatureAlgorithm(by.key.privateKey);
  const entry = der.sequence(
    der.integer(0x4a01n),
    der.time(before),
    ...(entryExtensions.length === 0 ? [] : [der.sequence(...entryExtensions)]),
  );
  const until = nextUpdate === undefined ? [] : [der.time(nextUpdate)];
  const tbs = der.sequence(
    der.integer(1),
    algorithm.identifier,
    name(by.subject),
    der.time(before),
    ...until,
    der.sequence(entry),
  );
  const crl = parseCrl(der.sequence(tbs, algorithm.identifier, der.bits(algorithm.sign(tbs))));
  checkCrl(crl, parseCertificate(by.der), new Date());
  return statusIn(crl, undefined, certificate, undefined);
}

const doubt = (message: RegExp) => ({ code: "SIGNATURE_INCONCLUSIVE", message });

test("a list made by hand is read as any other", () => {
  assert.equal(list({ nextUpdate: after }).revoked, true);
});

test("a list that does not say when the next one comes tells nothing", () => {
  assert.throws(() => list({}), doubt(/when the next one comes/));
});

test("an entry with a critical extension that is not known tells nothing", () => {
  const entryExtensions = [extension("1.2.3.4.5", true, der.nil())];
  assert.throws(
    () => list({ nextUpdate: after, entryExtensions }),
    doubt(/critical extension 1\.2\.3\.4\.5/),
  );
  assert.equal(
    list({ nextUpdate: after, entryExtensions: [extension("1.2.3.4.5", false, der.nil())] })
      .revoked,
    true,
  );
});

test("a list by an authority that may not sign lists tells nothing", () => {
  assert.throws(
    () => list({ by: authority({ keyUsage: ["keyCertSign"] }), nextUpdate: after }),
    doubt(/lacks cRLSign/),
  );
});
