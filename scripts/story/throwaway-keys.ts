// SPDX-License-Identifier: Apache-2.0
import { randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as asn1js from "asn1js";
import * as pkijs from "pkijs";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const OID = {
  country: "2.5.4.6",
  state: "2.5.4.8",
  organization: "2.5.4.10",
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extKeyUsage: "2.5.29.37",
  codeSigning: "1.3.6.1.5.5.7.3.3",
};

/**
 * Makes a root, and a code signing certificate under it, for a made-up company: `<name>.key`,
 * `<name>.chain.pem`, `<name>.root.pem`. For examples and tests only: the key lies unencrypted
 * beside them. What is there already stays.
 */
export async function throwawayKeys(
  folder: string,
  name: string,
  organization: string,
): Promise<void> {
  if (existsSync(join(folder, `${name}.chain.pem`))) return;
  mkdirSync(folder, { recursive: true });
  pkijs.setEngine("node", new pkijs.CryptoEngine({ name: "node", crypto: webcrypto as never }));
  const rootKeys = await keyPair();
  const leafKeys = await keyPair();
  const rootName = distinguishedName(organization, `${organization} Root`);
  const root = await certificate({
    subject: rootName,
    issuer: rootName,
    publicKey: rootKeys.publicKey,
    signingKey: rootKeys.privateKey,
    authority: true,
  });
  const leaf = await certificate({
    subject: distinguishedName(organization, `${organization} Signing`),
    issuer: rootName,
    publicKey: leafKeys.publicKey,
    signingKey: rootKeys.privateKey,
    authority: false,
  });
  const key = pem("PRIVATE KEY", await webcrypto.subtle.exportKey("pkcs8", leafKeys.privateKey));
  writeFileSync(join(folder, `${name}.key`), key, { mode: 0o600 });
  writeFileSync(join(folder, `${name}.root.pem`), pem("CERTIFICATE", root));
  writeFileSync(
    join(folder, `${name}.chain.pem`),
    pem("CERTIFICATE", leaf) + pem("CERTIFICATE", root),
  );
}

async function keyPair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

function distinguishedName(
  organization: string,
  commonName: string,
): pkijs.RelativeDistinguishedNames {
  const parts: [string, string][] = [
    [OID.country, "US"],
    [OID.state, "WA"],
    [OID.organization, organization],
    [OID.commonName, commonName],
  ];
  const attributes = parts.map(
    ([type, value]) =>
      new pkijs.AttributeTypeAndValue({
        type,
        value:
          type === OID.country
            ? new asn1js.PrintableString({ value })
            : new asn1js.Utf8String({ value }),
      }),
  );
  const name = new pkijs.RelativeDistinguishedNames({ typesAndValues: attributes });
  // pkijs would put all attributes into one multi-valued RDN, which the Notary Project does not
  // allow; it writes these bytes as they are.
  name.valueBeforeDecode = new asn1js.Sequence({
    value: attributes.map((attribute) => new asn1js.Set({ value: [attribute.toSchema()] })),
  }).toBER(false);
  return name;
}

interface Request {
  subject: pkijs.RelativeDistinguishedNames;
  issuer: pkijs.RelativeDistinguishedNames;
  publicKey: webcrypto.CryptoKey;
  signingKey: webcrypto.CryptoKey;
  authority: boolean;
}

async function certificate({
  subject,
  issuer,
  publicKey,
  signingKey,
  authority,
}: Request): Promise<ArrayBuffer> {
  const made = new pkijs.Certificate();
  made.version = 2;
  made.serialNumber = new asn1js.Integer({ valueHex: positive(randomBytes(16)) });
  made.subject = subject;
  made.issuer = issuer;
  made.notBefore.value = new Date(Date.now() - 3_600_000);
  made.notAfter.value = new Date(Date.now() + 365 * 86_400_000);
  made.extensions = [
    extension(OID.basicConstraints, true, new pkijs.BasicConstraints({ cA: authority }).toSchema()),
    extension(
      OID.keyUsage,
      true,
      new asn1js.BitString({
        valueHex: new Uint8Array([authority ? 0x04 : 0x80]).buffer,
        unusedBits: authority ? 2 : 7,
      }),
    ),
    ...(authority
      ? []
      : [
          extension(
            OID.extKeyUsage,
            false,
            new pkijs.ExtKeyUsage({ keyPurposes: [OID.codeSigning] }).toSchema(),
          ),
        ]),
  ];
  await made.subjectPublicKeyInfo.importKey(publicKey);
  await made.sign(signingKey, "SHA-256");
  return made.toSchema(true).toBER(false);
}

function extension(
  extnID: string,
  critical: boolean,
  value: { toBER(sizeOnly?: boolean): ArrayBuffer },
): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: value.toBER(false) });
}

/** A DER integer whose first bit is set would be negative. */
function positive(bytes: Uint8Array): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  copy[0] = ((copy[0] ?? 0) & 0x7f) | 0x01;
  return copy.buffer;
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
