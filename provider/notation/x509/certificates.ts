// SPDX-License-Identifier: Apache-2.0
import * as asn1js from "asn1js";
import { X509Certificate, createHash } from "node:crypto";
import * as pkijs from "pkijs";
import { ConsignError } from "../../errors";
import type { Certificate, KeyUsage } from "./certificate";
import { KEY_USAGES } from "./certificate";
import { decodeName } from "./distinguished-name";

export { checkCodeSigningChain, checkTimestampingChain } from "./certificate-profile";
/** No certificate of the Notary Project's profile comes near; larger ones are refused unread. */
export const MAX_CERTIFICATE_SIZE = 64 * 1024;

const BER_LIMITS = { maxDepth: 32, maxNodes: 5000, maxContentLength: MAX_CERTIFICATE_SIZE };
const RSASSA_PSS = "1.2.840.113549.1.1.10";
/** Those of RFC 5280, and OCSP's no-check. */
const KNOWN_EXTENSION =
  /^(?:2\.5\.29\.(?:14|15|17|18|19|30|31|32|33|35|36|37|46|54)|1\.3\.6\.1\.5\.5\.7\.(?:1\.1|1\.11|48\.1\.5))$/;
const SHA1 = "1.3.14.3.2.26";

/** Signatures by the hundred carry the same few chains. */
const parsedBefore = new Map<string, Certificate>();
const MAX_PARSED_BEFORE = 256;

/**
 * The same bytes give the same frozen object.
 * @throws ConsignError `CERTIFICATE_INVALID` when the bytes are not one X.509 certificate in DER,
 * or hold an extension that does not parse
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.byteLength > MAX_CERTIFICATE_SIZE)
    throw invalid(`it has ${der.byteLength} bytes; at most ${MAX_CERTIFICATE_SIZE} are read`);
  const thumbprint = createHash("sha256").update(der).digest("hex");
  const known = parsedBefore.get(thumbprint);
  if (known !== undefined) return known;
  const parsed = Object.freeze(parse(Uint8Array.from(der), thumbprint));
  if (parsedBefore.size >= MAX_PARSED_BEFORE) parsedBefore.clear();
  parsedBefore.set(thumbprint, parsed);
  return parsed;
}

function parse(raw: Uint8Array, thumbprint: string): Certificate {
  try {
    const x509 = new X509Certificate(raw);
    if (!x509.raw.equals(raw)) throw invalid("bytes follow its end, or it is not DER");
    if (!hasReadableKey(x509)) throw invalid("its public key is of no known kind, or broken");
    const parsed = asn1js.fromBER(raw, BER_LIMITS);
    if (parsed.offset !== raw.byteLength) throw invalid("it is not DER");
    return describe(raw, thumbprint, x509, new pkijs.Certificate({ schema: parsed.result }));
  } catch (cause) {
    if (cause instanceof ConsignError) throw cause;
    throw invalid("it is not an X.509 certificate in DER", cause);
  }
}

/** Decoded lazily: a certificate whose key is broken is found only when the key is asked for. */
function hasReadableKey(x509: X509Certificate): boolean {
  try {
    return x509.publicKey.type === "public";
  } catch {
    return false;
  }
}

function describe(
  raw: Uint8Array,
  thumbprint: string,
  x509: X509Certificate,
  parsed: pkijs.Certificate,
): Certificate {
  const extensions = new Map<string, pkijs.Extension>();
  for (const extension of parsed.extensions ?? []) {
    if (extensions.has(extension.extnID))
      throw invalid(`it has the extension ${extension.extnID} twice`);
    extensions.set(extension.extnID, extension);
  }
  const keyUsage = extensions.get(pkijs.id_KeyUsage);
  const extendedKeyUsage = extensions.get(pkijs.id_ExtKeyUsage);
  const basicConstraints = extensions.get(pkijs.id_BasicConstraints);
  const access = accessUrls(extensions.get(pkijs.id_AuthorityInfoAccess));
  const signatureAlgorithm = parsed.signatureAlgorithm.algorithmId;
  const subject = decodeName(new Uint8Array(parsed.subject.valueBeforeDecode));
  const issuer = decodeName(new Uint8Array(parsed.issuer.valueBeforeDecode));
  if (subject === undefined || issuer === undefined)
    throw invalid("its subject or issuer is not a distinguished name");
  return {
    raw,
    x509,
    thumbprint,
    subject,
    issuer,
    serialNumber: x509.serialNumber,
    notBefore: parsed.notBefore.value,
    notAfter: parsed.notAfter.value,
    ...(keyUsage === undefined
      ? {}
      : { keyUsage: { critical: keyUsage.critical, bits: keyUsageBits(keyUsage) } }),
    ...(extendedKeyUsage === undefined
      ? {}
      : {
          extendedKeyUsage: {
            critical: extendedKeyUsage.critical,
            oids: extendedKeyUsageOids(extendedKeyUsage),
          },
        }),
    ...(basicConstraints === undefined
      ? {}
      : {
          basicConstraints: {
            critical: basicConstraints.critical,
            ...constraints(basicConstraints),
          },
        }),
    signatureAlgorithm,
    ...(signatureAlgorithm === RSASSA_PSS
      ? { signaturePssDigest: pssDigest(parsed.signatureAlgorithm) }
      : {}),
    unknownCritical: [...extensions.values()]
      .filter(({ critical, extnID }) => critical && !KNOWN_EXTENSION.test(extnID))
      .map(({ extnID }) => extnID),
    ...access,
    crlUrls: distributionUrls(extensions.get(pkijs.id_CRLDistributionPoints)),
  };
}

function extensionValue(extension: pkijs.Extension): asn1js.AsnType {
  const bytes = extension.extnValue.valueBlock.valueHexView;
  const parsed = asn1js.fromBER(Uint8Array.from(bytes), BER_LIMITS);
  if (parsed.offset !== bytes.byteLength)
    throw invalid(`its extension ${extension.extnID} is not DER`);
  return parsed.result;
}

function keyUsageBits(extension: pkijs.Extension): Set<KeyUsage> {
  const value = extensionValue(extension);
  if (!(value instanceof asn1js.BitString)) throw invalid("its key usage is not a bit string");
  const bytes = value.valueBlock.valueHexView;
  return new Set(
    KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0),
  );
}

function extendedKeyUsageOids(extension: pkijs.Extension): string[] {
  return new pkijs.ExtKeyUsage({ schema: extensionValue(extension) }).keyPurposes;
}

function constraints(extension: pkijs.Extension): { ca: boolean; pathLength?: number } {
  const { cA, pathLenConstraint } = new pkijs.BasicConstraints({
    schema: extensionValue(extension),
  });
  if (pathLenConstraint === undefined) return { ca: cA };
  if (typeof pathLenConstraint !== "number" || pathLenConstraint < 0)
    throw invalid("its path length is not a small whole number");
  return { ca: cA, pathLength: pathLenConstraint };
}

/** Absent parameters mean SHA-1. @see https://www.rfc-editor.org/rfc/rfc4055#section-3.1 */
function pssDigest(algorithm: pkijs.AlgorithmIdentifier): string {
  if (!(algorithm.algorithmParams instanceof asn1js.Sequence)) return SHA1;
  return new pkijs.RSASSAPSSParams({ schema: algorithm.algorithmParams }).hashAlgorithm.algorithmId;
}

function accessUrls(extension: pkijs.Extension | undefined): {
  ocspUrls: string[];
  caIssuersUrls: string[];
} {
  const descriptions =
    extension === undefined
      ? []
      : new pkijs.InfoAccess({ schema: extensionValue(extension) }).accessDescriptions;
  const urls = (method: string) =>
    descriptions
      .filter(({ accessMethod }) => accessMethod === method)
      .flatMap(({ accessLocation }) => urlOf(accessLocation));
  return { ocspUrls: urls("1.3.6.1.5.5.7.48.1"), caIssuersUrls: urls("1.3.6.1.5.5.7.48.2") };
}

function distributionUrls(extension: pkijs.Extension | undefined): string[] {
  if (extension === undefined) return [];
  const { distributionPoints } = new pkijs.CRLDistributionPoints({
    schema: extensionValue(extension),
  });
  return distributionPoints.flatMap(({ distributionPoint }) =>
    Array.isArray(distributionPoint) ? distributionPoint.flatMap(urlOf) : [],
  );
}

const URI_NAME = 6;

function urlOf(name: pkijs.GeneralName): string[] {
  return name.type === URI_NAME && typeof name.value === "string" ? [name.value] : [];
}

/** As Go reads it, and so notation: both lines of a block stand alone. */
const PEM_BLOCK =
  /(?<![^\n])-----BEGIN ([A-Z0-9 ]+)-----[ \t\r]*\n([\s\S]*?)(?<=\n)-----END \1-----[ \t\r]*(?![^\n])/g;

/**
 * The certificates in PEM text, in its order, as DER. Text around the blocks is ignored, as openssl
 * writes some.
 * @throws ConsignError `CERTIFICATE_INVALID` when there is none, or a block is not a certificate in
 * base64
 */
export function parsePem(text: string): Uint8Array[] {
  const found: Uint8Array[] = [];
  const blocks = [...text.matchAll(PEM_BLOCK)];
  // Notation passes over a block that it cannot read, and trusts the others.
  if (blocks.length !== text.split("-----BEGIN ").length - 1)
    throw invalid(
      "a BEGIN line has no END line, or does not stand alone in its line: a byte order mark or a space before it is enough",
    );
  for (const [, label, body = ""] of blocks) {
    if (label !== "CERTIFICATE")
      throw invalid(`the PEM text holds "${label}" where only CERTIFICATE is expected`);
    const base64 = body.replace(/\s+/g, "");
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalid("a PEM block is not base64");
    found.push(Uint8Array.from(Buffer.from(base64, "base64")));
  }
  if (found.length === 0) throw invalid("there is no BEGIN CERTIFICATE block");
  return found;
}

function invalid(why: string, cause?: unknown): ConsignError {
  return new ConsignError("CERTIFICATE_INVALID", `a certificate cannot be read: ${why}`, { cause });
}
