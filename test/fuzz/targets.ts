// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { isConsignError } from "../../provider/errors";
import type { DerReader } from "../../provider/notation/x509/der";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { FuzzTarget } from "./driver";

/** Runs it; a ConsignError is an answer, but for the one that says that there is a bug. */
function answered<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (isConsignError(error) && error.code !== "INTERNAL") return undefined;
    throw error;
  }
}

const text = (input: Uint8Array): string => Buffer.from(input).toString("utf8");
const latin1 = (input: Uint8Array): string => Buffer.from(input).toString("latin1");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What the good envelopes of the corpus sign; nothing else may ever be accepted. */
export type Signed = ReadonlySet<string>;

/**
 * What an envelope signs, if its signature is good. Whether its signer is trusted is another
 * question.
 */
export async function signedBy(input: Uint8Array, mediaType: string): Promise<string | undefined> {
  const { parseEnvelope } =
    require("../../provider/notation/envelope/envelope") as typeof import("../../provider/notation/envelope/envelope");
  const { checkIntegrity } =
    require("../../provider/notation/envelope/integrity") as typeof import("../../provider/notation/envelope/integrity");
  const envelope = answered(() => parseEnvelope(input, mediaType));
  if (envelope === undefined) return undefined;
  try {
    await checkIntegrity(envelope, { askCoseJs: false });
  } catch (error) {
    if (isConsignError(error) && error.code !== "INTERNAL") return undefined;
    throw error;
  }
  return `${envelope.certificateChain[0]?.thumbprint} ${hex(envelope.toBeSigned)}`;
}

async function neverAccepts(input: Uint8Array, mediaType: string, signed: Signed): Promise<void> {
  const found = await signedBy(input, mediaType);
  assert.ok(found === undefined || signed.has(found), "an envelope is accepted that nobody signed");
}

/** What a timestamp token says, if its signature is good. */
export async function stampedBy(input: Uint8Array): Promise<string | undefined> {
  const { checkTokenSignature, parseTimestampToken } =
    require("../../provider/notation/timestamp/timestamp-token") as typeof import("../../provider/notation/timestamp/timestamp-token");
  const { signerCertificate } =
    require("../../provider/notation/timestamp/timestamp-signer") as typeof import("../../provider/notation/timestamp/timestamp-signer");
  return answered(() => {
    const token = parseTimestampToken(input);
    const certificate = signerCertificate(token);
    checkTokenSignature(token, certificate);
    return `${certificate.thumbprint} ${hex(token.content)} ${token.time.toISOString()} ${token.accuracyMs} ${hex(token.imprint)}`;
  });
}

/**
 * The reader throws plain errors, which its callers turn into answers; never anything that is a
 * bug.
 */
function plainErrors(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError)
      throw error;
  }
}

const JSON_WORDS = [
  '"',
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  "null",
  "true",
  "-1",
  "1e99",
  "\\u0000",
  "\\ud800",
  "__proto__",
  '"a":1',
];
const ATTRIBUTES = [
  "io.cncf.notary.signingScheme",
  "io.cncf.notary.signingTime",
  "io.cncf.notary.expiry",
  "io.cncf.notary.authenticSigningTime",
  "io.cncf.notary.verificationPlugin",
  "notary.x509",
  "notary.x509.signingAuthority",
];

type Make = (signed: Signed) => Promise<FuzzTarget>;

/**
 * Each loads only what it needs: the less code there is, the less it costs to ask which of it ran.
 */
export const TARGETS: Record<string, Make> = {
  cbor: async () => {
    const { decodeCbor, encodeCbor } =
      require("../../provider/cose/cbor") as typeof import("../../provider/cose/cbor");
    /** `undefined` is read and never written. */
    const written = (value: unknown): Uint8Array | undefined => {
      try {
        return encodeCbor(value);
      } catch (error) {
        assert.match(String(error), /undefined/i);
        return undefined;
      }
    };
    return {
      run: (input) => {
        const value = answered(() => decodeCbor(input, 2 ** 20));
        if (value === undefined) return;
        const once = written(value);
        if (once === undefined) return;
        assert.deepEqual(
          encodeCbor(decodeCbor(once, 2 ** 20)),
          once,
          "what was read is not written as it was",
        );
      },
      words: [
        "\xd2\x84",
        "\xa1\x01\x26",
        "\xc1\x1a",
        "\xf9\x7e\x00",
        "\xfb",
        "\xf6",
        "\xc2\x49\x01",
        "\x3b\xff",
        "\x1b\x00\x1f",
        "\xa2\x01\x00\x01\x00",
        "\x63\xef\xbb\xbf",
      ],
    };
  },
  cose: async (signed) => ({
    run: (input) => neverAccepts(input, MEDIA_TYPES.cose, signed),
    words: [
      ...ATTRIBUTES,
      "\xd2\x84",
      "\x18\x21",
      "\x82",
      "\xa0",
      "\x40",
      "\xc1",
      "\x26",
      "\x38\x22",
      "\xf6",
    ],
  }),
  jws: async (signed) => ({
    run: (input) => neverAccepts(input, MEDIA_TYPES.jws, signed),
    words: [
      ...JSON_WORDS,
      ...ATTRIBUTES,
      "protected",
      "payload",
      "signature",
      "x5c",
      "crit",
      "b64",
      "alg",
      "e30",
    ],
  }),
  timestamp: async (signed) => ({
    run: async (input) => {
      const found = await stampedBy(input);
      assert.ok(
        found === undefined || signed.has(found),
        "a timestamp is accepted that nobody gave",
      );
    },
    words: ["\x30\x80", "\x31\x00", "\xa0", "\x24", "\x18\x0f", "\x00\x00"],
  }),
  certificate: async () => {
    const { parseCertificate } =
      require("../../provider/notation/x509/certificates") as typeof import("../../provider/notation/x509/certificates");
    const { identityNameOf } =
      require("../../provider/notation/x509/distinguished-name") as typeof import("../../provider/notation/x509/distinguished-name");
    return {
      run: (input) => {
        const certificate = answered(() => parseCertificate(input));
        if (certificate !== undefined) answered(() => identityNameOf(certificate.subject));
      },
      words: [
        "\x06\x03\x55\x1d\x0f",
        "\x06\x03\x55\x1d\x13",
        "\x06\x03\x55\x1d\x25",
        "\x06\x03\x55\x1d\x1f",
        "\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x01",
        "\x01\x01\xff",
        "\x30\x00",
        "\x02\x01\x00",
        "\x03\x02\x07\x80",
        "\x0c",
        "\x1e",
        "\x86",
      ],
    };
  },
  pem: async () => {
    const { parsePem } =
      require("../../provider/notation/x509/certificates") as typeof import("../../provider/notation/x509/certificates");
    return {
      run: (input) => void answered(() => parsePem(text(input))),
      words: [
        "-----BEGIN CERTIFICATE-----",
        "-----END CERTIFICATE-----",
        "-----BEGIN ",
        "-----",
        "\n",
      ],
    };
  },
  der: async () => {
    const {
      DerReader: Reader,
      TAG,
      parseTime,
      readOid,
    } = require("../../provider/notation/x509/der") as typeof import("../../provider/notation/x509/der");
    const read = (reader: DerReader, depth: number): void => {
      while (!reader.done) {
        const { tag, content } = reader.next();
        if (tag === TAG.oid) readOid(content);
        else if (tag === TAG.utcTime || tag === TAG.generalizedTime)
          parseTime({ tag, content, raw: content });
        else if ((tag & 0x20) !== 0 && depth < 20) read(new Reader(content), depth + 1);
      }
    };
    return {
      run: (input) => plainErrors(() => read(new Reader(input), 0)),
      words: ["\x30\x80", "\x84\xff\xff\xff\xff", "\x1f\x81", "\x06\x09", "\x17\x0d", "\x18\x0f"],
    };
  },
  crl: async () => {
    const { entriesFor, parseCrl } =
      require("../../provider/notation/revocation/crl") as typeof import("../../provider/notation/revocation/crl");
    return {
      run: (input) => {
        const crl = answered(() => parseCrl(input));
        if (crl !== undefined) answered(() => entriesFor(crl, Uint8Array.of(0x4a)));
      },
      words: [
        "\x06\x03\x55\x1d\x14",
        "\x06\x03\x55\x1d\x1b",
        "\x06\x03\x55\x1d\x1c",
        "\x06\x03\x55\x1d\x2e",
        "\xa0",
        "\x83",
        "\x84\x01\xff",
        "\x01\x01\xff",
        "\x0a\x01\x06",
      ],
    };
  },
  ocsp: async () => {
    const { parseOcspResponse } =
      require("../../provider/notation/revocation/ocsp-response") as typeof import("../../provider/notation/revocation/ocsp-response");
    return {
      run: (input) => void answered(() => parseOcspResponse(input)),
      words: ["\x0a\x01\x00", "\x80\x00", "\x82\x00", "\xa1", "\x30\x00", "\x18\x0f", "\x04\x14"],
    };
  },
  dn: async () => {
    const { decodeName, identityNameOf, parseIdentityName } =
      require("../../provider/notation/x509/distinguished-name") as typeof import("../../provider/notation/x509/distinguished-name");
    return {
      run: (input) => {
        answered(() => parseIdentityName(text(input)));
        const name = decodeName(input);
        if (name !== undefined) answered(() => identityNameOf(name));
      },
      words: [
        "C=",
        "ST=",
        "S=",
        "O=",
        "CN=",
        ",",
        "+",
        "\\",
        "\\20",
        "\\,",
        "=#",
        '"',
        ";",
        "\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02US",
      ],
    };
  },
  challenge: async () => {
    const { parseChallenges } =
      require("../../provider/registry/auth/challenge") as typeof import("../../provider/registry/auth/challenge");
    return {
      run: (input) => {
        for (const { scheme, parameters } of parseChallenges(latin1(input)))
          assert.ok(scheme === scheme.toLowerCase() && parameters.size < 10_000);
      },
      words: ["Bearer ", "Basic ", "realm=", "service=", "scope=", '"', "\\", ",", "=", " ", "\t"],
    };
  },
  link: async () => {
    const { nextPage } =
      require("../../provider/registry/links") as typeof import("../../provider/registry/links");
    const current = new URL("https://registry.example/v2/a/tags/list");
    return {
      run: (input) => {
        const next = answered(() => nextPage(latin1(input), current, "registry.example/a"));
        assert.ok(
          next === undefined ||
            (next.origin === current.origin && next.username === "" && next.password === ""),
          "a link leaves the registry",
        );
      },
      words: [
        "<",
        ">",
        ";",
        "rel=",
        "next",
        '"',
        "//evil.example",
        "https://",
        "\\",
        "/v2/",
        "@",
        ",",
        "user:pass@",
      ],
    };
  },
  reference: async () => {
    const { formatReference, parseReference } =
      require("../../provider/oci/reference") as typeof import("../../provider/oci/reference");
    return {
      run: (input) => {
        const reference = answered(() => parseReference(text(input)));
        if (reference !== undefined)
          assert.equal(
            formatReference(reference),
            text(input),
            "a reference is not written as it was read",
          );
      },
      words: [
        "oci:",
        "@sha256:",
        "@sha512:",
        "localhost",
        "registry.example",
        ":5000",
        "/",
        ":",
        "[::1]",
        "..",
        "a".repeat(64),
        "\0",
      ],
    };
  },
  statement: async () => {
    const { MAX_STATEMENT_SIZE, parseStatement } =
      require("../../provider/claims/statement") as typeof import("../../provider/claims/statement");
    return {
      run: (input) => void answered(() => parseStatement(input, MAX_STATEMENT_SIZE)),
      words: [
        ...JSON_WORDS,
        "_type",
        "https://in-toto.io/Statement/v1",
        "subject",
        "digest",
        "sha256",
        "predicateType",
        "predicate",
      ],
    };
  },
  dsse: async () => {
    const { parseBundle, parseDsse, preAuthEncoding } =
      require("../../provider/claims/foreign/dsse") as typeof import("../../provider/claims/foreign/dsse");
    return {
      run: (input) => {
        const envelope =
          answered(() => parseDsse(input)) ?? answered(() => parseBundle(input))?.dsseEnvelope;
        if (envelope !== undefined)
          preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, "base64"));
      },
      words: [
        ...JSON_WORDS,
        "payloadType",
        "payload",
        "signatures",
        "sig",
        "keyid",
        "dsseEnvelope",
        "mediaType",
        "AA==",
      ],
    };
  },
  manifest: async () => {
    const { parseManifest, referrerDescriptor } =
      require("../../provider/oci/manifest") as typeof import("../../provider/oci/manifest");
    return {
      run: (input) => {
        for (const type of [MEDIA_TYPES.manifest, MEDIA_TYPES.index]) {
          const manifest = answered(() => parseManifest(input, type));
          if (manifest !== undefined) referrerDescriptor(manifest);
        }
      },
      words: [
        ...JSON_WORDS,
        "schemaVersion",
        "2",
        "mediaType",
        "config",
        "layers",
        "manifests",
        "subject",
        "digest",
        "sha256:",
        "size",
        "annotations",
        "artifactType",
      ],
    };
  },
  json: async () => {
    const { parseStrictJson } =
      require("../../provider/oci/strict-json") as typeof import("../../provider/oci/strict-json");
    return {
      run: (input) => {
        let value: unknown;
        try {
          value = parseStrictJson(input);
        } catch (error) {
          if (error instanceof SyntaxError) return;
          throw error;
        }
        assert.deepEqual(JSON.parse(text(input)), value);
      },
      words: JSON_WORDS,
    };
  },
  policy: async () => {
    const { parseTrustPolicy } =
      require("../../provider/notation/trust/trust-policy") as typeof import("../../provider/notation/trust/trust-policy");
    return {
      run: (input) => {
        let value: unknown;
        try {
          value = JSON.parse(text(input));
        } catch {
          return;
        }
        answered(() => parseTrustPolicy(value));
      },
      words: [
        ...JSON_WORDS,
        "registryScopes",
        "signatureVerification",
        "level",
        "strict",
        "skip",
        "override",
        "trustStores",
        "ca:x",
        "trustedIdentities",
        "x509.subject: C=US,ST=WA,O=x",
        "*",
        "roots",
        "verifyTimestamp",
      ],
    };
  },
};
