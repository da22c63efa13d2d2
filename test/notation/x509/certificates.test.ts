// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkCodeSigningChain,
  checkTimestampingChain,
  parseCertificate,
  parsePem,
} from "../../../provider/notation/x509/certificates";
import {
  authority,
  codeSigner,
  intermediate,
  selfSigned,
  timestampSigner,
  wrongCodeSigners,
} from "../../harness/certificates";
import { issue, type Issued } from "../../harness/keys";
import type { Certificate } from "../../../provider/notation/x509/certificate";

const root = authority();
const issuing = intermediate(root);
const chainOf = (issued: Issued): Certificate[] => issued.chain.map((der) => parseCertificate(der));

test("reads what the rules need", () => {
  const certificate = parseCertificate(
    codeSigner(issuing, {
      ocsp: "http://ocsp.example/",
      crl: "http://crl.example/a.crl",
      caIssuers: "http://ca.example/a.crt",
    }).der,
  );
  assert.equal(
    certificate.subject.text,
    "CN=Wabbit Networks Release,O=Wabbit Networks,L=Seattle,ST=WA,C=US",
  );
  assert.deepEqual(certificate.keyUsage, { critical: true, bits: new Set(["digitalSignature"]) });
  assert.deepEqual(certificate.extendedKeyUsage, { critical: false, oids: ["1.3.6.1.5.5.7.3.3"] });
  assert.equal(certificate.basicConstraints, undefined);
  assert.deepEqual(
    [certificate.ocspUrls, certificate.caIssuersUrls, certificate.crlUrls],
    [["http://ocsp.example/"], ["http://ca.example/a.crt"], ["http://crl.example/a.crl"]],
  );
  assert.equal(certificate.signatureAlgorithm, "1.2.840.10045.4.3.2");
  const authorityOf = parseCertificate(issuing.der);
  assert.deepEqual(authorityOf.basicConstraints, { critical: true, ca: true, pathLength: 0 });
  assert.deepEqual(authorityOf.keyUsage?.bits, new Set(["keyCertSign", "cRLSign"]));
});

test("accepts chains of one, two and more", () => {
  checkCodeSigningChain(chainOf(selfSigned()));
  checkCodeSigningChain(chainOf(codeSigner(root)), new Date());
  checkCodeSigningChain(chainOf(codeSigner(issuing)), new Date());
  checkCodeSigningChain(
    chainOf(
      codeSigner(
        intermediate(intermediate(root, { basicConstraints: { ca: true, pathLength: 1 } })),
      ),
    ),
  );
  checkCodeSigningChain(
    chainOf(
      codeSigner(issuing, {
        basicConstraints: { ca: false },
        keyUsage: ["digitalSignature", "nonRepudiation"],
        purposes: null,
      }),
    ),
  );
});

test("accepts authorities that sign with RSA, PSS and every curve", () => {
  for (const key of ["rsa-2048", "p-384", "p-521", "ed25519"] as const)
    checkCodeSigningChain(chainOf(codeSigner(authority({ key }))));
  checkCodeSigningChain(
    chainOf(codeSigner(authority({ key: "rsa-2048", pss: true }), { pss: true, digest: "sha384" })),
  );
});

for (const [name, issued] of Object.entries(wrongCodeSigners(issuing))) {
  test(`refuses ${name}`, () => {
    const code = /key of 1024|Ed25519|curve/.test(name) ? "KEY_UNSUPPORTED" : "CERTIFICATE_INVALID";
    assert.throws(() => checkCodeSigningChain(chainOf(issued)), { code });
  });
}

const wrongAuthority = (overrides: Parameters<typeof intermediate>[1]): Certificate[] =>
  chainOf(codeSigner(intermediate(root, overrides)));
const leafChain = chainOf(codeSigner(issuing));
const sha1Root = authority({ key: "rsa-2048", digest: "sha1" });
const REFUSED: Record<string, [Certificate[], RegExp]> = {
  "an empty chain": [[], /at least one/],
  "a leaf alone": [leafChain.slice(0, 1), /not a self-signed root/],
  "a chain without its root": [leafChain.slice(0, 2), /not a self-signed root/],
  "a chain upside down": [leafChain.toReversed(), /self-signed but others follow/],
  "a chain with a gap": [
    [leafChain[0], leafChain[2]].filter((each) => each !== undefined),
    /not issued by the next/,
  ],
  "a root twice": [[...leafChain, ...leafChain.slice(-1)], /self-signed but others follow/],
  "a root of the same name with another key": [
    [...leafChain.slice(0, 2), parseCertificate(authority().der)],
    /not issued by the next/,
  ],
  "an authority as the only certificate": [chainOf(root), /must not say CA/],
  "an authority without basic constraints": [
    wrongAuthority({ basicConstraints: null }),
    /basic constraints/,
  ],
  "an authority that says it is none": [
    wrongAuthority({ basicConstraints: { ca: false } }),
    /basic constraints/,
  ],
  "an authority whose basic constraints are not critical": [
    wrongAuthority({ basicConstraints: { ca: true, critical: false } }),
    /critical basic constraints/,
  ],
  "an authority without key usage": [wrongAuthority({ keyUsage: null }), /keyCertSign/],
  "an authority that may not sign certificates": [
    wrongAuthority({ keyUsage: ["cRLSign"] }),
    /keyCertSign/,
  ],
  "an authority whose key usage is not critical": [
    wrongAuthority({ keyUsageCritical: false }),
    /critical key usage/,
  ],
  "two authorities below a path length of 0": [
    chainOf(codeSigner(intermediate(issuing))),
    /path length is 0, but 1/,
  ],
  "SHA-1 in the leaf": [
    chainOf(codeSigner(authority({ key: "rsa-2048" }), { digest: "sha1" })),
    /1\.2\.840\.113549\.1\.1\.5/,
  ],
  "SHA-1 in the root": [
    chainOf(codeSigner(sha1Root, { digest: "sha256" })),
    /1\.2\.840\.113549\.1\.1\.5/,
  ],
  "SHA-1 inside RSASSA-PSS": [
    chainOf(codeSigner(authority({ key: "rsa-2048" }), { pss: true, digest: "sha1" })),
    /1\.2\.840\.113549\.1\.1\.10/,
  ],
};

for (const [name, [chain, message]] of Object.entries(REFUSED)) {
  test(`refuses ${name}`, () =>
    assert.throws(() => checkCodeSigningChain(chain), { code: "CERTIFICATE_INVALID", message }));
}

test("refuses a time outside of any certificate's validity", () => {
  checkCodeSigningChain(leafChain, leafChain[0]?.notBefore);
  assert.throws(
    () => checkCodeSigningChain(leafChain, new Date(Date.now() + 2 * 365 * 86_400_000)),
    { code: "CERTIFICATE_INVALID", message: /not valid at/ },
  );
});

test("timestamping needs its purpose, alone and critical", () => {
  checkTimestampingChain(chainOf(timestampSigner(root)));
  const wrong = [
    codeSigner(root),
    timestampSigner(root, { purposesCritical: false }),
    timestampSigner(root, { purposes: ["timeStamping", "codeSigning"] }),
    timestampSigner(root, { purposes: null }),
  ];
  for (const issued of wrong)
    assert.throws(() => checkTimestampingChain(chainOf(issued)), {
      code: "CERTIFICATE_INVALID",
      message: /timeStamping/,
    });
  assert.throws(() => checkCodeSigningChain(chainOf(timestampSigner(root))), {
    code: "CERTIFICATE_INVALID",
  });
});

test("refuses what is not one certificate in DER", () => {
  const { der } = root;
  const key = Buffer.from(der);
  key.fill(
    0xff,
    key.indexOf(Buffer.from("06072a8648ce3d0201", "hex")),
    key.indexOf(Buffer.from("06072a8648ce3d0201", "hex")) + 3,
  );
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from("certificate"),
    Buffer.concat([der, Buffer.of(0)]),
    der.subarray(0, -1),
    Buffer.from(root.pem),
    Buffer.alloc(70_000, 0x30),
    key,
  ]) {
    assert.throws(() => parseCertificate(bytes), { code: "CERTIFICATE_INVALID" });
  }
});

test("refuses an extension twice, and one that does not parse", () => {
  const usage = Buffer.from("300e0603551d0f0101ff040403020780", "hex");
  assert.throws(() => parseCertificate(codeSigner(root, { extensions: [usage] }).der), {
    code: "CERTIFICATE_INVALID",
    message: /twice/,
  });
  const broken = Buffer.from("300c0603551d0f0101ff04020500", "hex");
  assert.throws(() => parseCertificate(issue({ subject: { CN: "x" }, extensions: [broken] }).der), {
    code: "CERTIFICATE_INVALID",
    message: /bit string/,
  });
});

test("PEM text holds certificates in its order, and nothing else", () => {
  const found = parsePem(`Subject: something\n${codeSigner(issuing).chainPem}`);
  assert.equal(found.length, 3);
  assert.deepEqual(Buffer.from(found[2] ?? []), root.der);
  assert.throws(() => parsePem(root.keyPem), {
    code: "CERTIFICATE_INVALID",
    message: /PRIVATE KEY/,
  });
  assert.throws(() => parsePem("nothing"), { code: "CERTIFICATE_INVALID" });
  assert.throws(() => parsePem("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----"), {
    code: "CERTIFICATE_INVALID",
    message: /base64/,
  });
});
