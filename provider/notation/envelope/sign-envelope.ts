// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import {
  COSE_ALGORITHMS,
  LABELS,
  algorithmFor,
  encodeCbor,
  encodeSign1,
  toBeSigned,
  type Label,
  type SignatureDigest,
  type Signer,
} from "../../cose/index";
import { ConsignError } from "../../errors";
import type { Annotations, Descriptor } from "../../oci/descriptor";
import { MEDIA_TYPES } from "../../oci/media-types";
import { ATTRIBUTES, protectedHeadersFor } from "./attributes";
import { checkCodeSigningChain } from "../x509/certificates";
import { parseEnvelope } from "./envelope";
import { checkIntegrity } from "./integrity";
import { encodePayload } from "./payload";
import { leafOf } from "./signature-envelope";
import { parseChain } from "./chain";
import type { Certificate } from "../x509/certificate";

/** What our signatures say of who made them; nobody validates it. */
export const SIGNING_AGENT = "consign/0.1.0";

export interface SignOptions {
  /** Signed are its media type, digest and size. */
  target: Descriptor;
  signer: Signer;
  /** Cut to whole seconds. The certificates must be valid then. */
  signingTime: Date;
  /** The signature is refused from then on; cut to whole seconds. @default never */
  expiry?: Date | undefined;
  /** Signed as the target's annotations. */
  userMetadata?: Annotations | undefined;
  /** CWT `iss`: who says it, as a URI or a name without a colon. @default the leaf's subject */
  issuer?: string | undefined;
  /**
   * CWT `sub`: what it is about over its life, such as a repository. @default the target's digest
   */
  subject?: string | undefined;
  /** Fetches an RFC 3161 token over the signature bytes, to be stored beside them. @default none */
  timestamp?: ((signature: Uint8Array, digest: SignatureDigest) => Promise<Uint8Array>) | undefined;
}

/**
 * Signs an artifact: a COSE envelope of the Notary Project that is a SCITT signed statement as
 * well. What was made is read back and verified before it is returned, so a faulty signer is found
 * here.
 * @throws ConsignError `INPUT_INVALID`, `CERTIFICATE_INVALID`, `KEY_UNSUPPORTED`, `KEY_MISMATCH`,
 * and what the signer throws
 * @see https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-cose.md
 * @see https://www.rfc-editor.org/rfc/rfc9943
 */
export async function signEnvelope(options: SignOptions): Promise<Uint8Array> {
  const { signer, signingTime, expiry } = options;
  checkTimes(signingTime, expiry);
  const chain = parseChain(signer.certificateChain);
  checkCodeSigningChain(chain, wholeSeconds(signingTime));
  const leaf = leafOf({ certificateChain: chain });
  const algorithm = algorithmFor(leaf.x509.publicKey);
  const { digest, signatureBytes } = COSE_ALGORITHMS[algorithm];
  const payload = encodePayload(options.target, options.userMetadata);
  const protectedBytes = encodeCbor(
    protectedHeadersFor({ algorithm, signingTime, expiry, statement: statementOf(options, leaf) }),
  );
  const signature = await signer.sign(toBeSigned(protectedBytes, payload));
  if (signature.byteLength !== signatureBytes) {
    const why = "it has another key, or another encoding, than its certificate says";
    throw new ConsignError(
      "KEY_MISMATCH",
      `the signer gave ${signature.byteLength} bytes where ${algorithm} has ${signatureBytes}: ${why}`,
    );
  }
  const token = await options.timestamp?.(signature, digest);
  const unprotectedHeaders = new Map<Label, unknown>([
    [LABELS.x5chain, chain.map(({ raw }) => raw)],
    [ATTRIBUTES.signingAgent, SIGNING_AGENT],
    ...(token === undefined
      ? []
      : [[ATTRIBUTES.timestampSignature, Uint8Array.from(token)] as const]),
  ]);
  const envelope = encodeSign1({ protectedBytes, unprotectedHeaders, payload, signature });
  await checkMade(envelope, wholeSeconds(signingTime));
  return envelope;
}

function checkTimes(signingTime: Date, expiry: Date | undefined): void {
  if (Number.isNaN(signingTime.getTime()))
    throw new ConsignError("INPUT_INVALID", "the signing time is not a date", {
      path: "signingTime",
    });
  if (expiry !== undefined && !(wholeSeconds(expiry) > wholeSeconds(signingTime))) {
    throw new ConsignError(
      "INPUT_INVALID",
      "the expiry of a signature must be after its signing time, by a second at least",
      { path: "expiry" },
    );
  }
}

function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

function statementOf(
  { target, issuer, subject }: SignOptions,
  leaf: Certificate,
): { iss: string; sub: string; leafThumbprint: Uint8Array } {
  const thumbprint = createHash("sha256").update(leaf.raw).digest();
  const iss = issuer ?? defaultIssuer(leaf, thumbprint);
  const sub = subject ?? target.digest;
  for (const [path, value] of Object.entries({ issuer: iss, subject: sub })) {
    if (value.length === 0 || value.length > 8192)
      throw new ConsignError(
        "INPUT_INVALID",
        `the ${path} of a signature must have 1 to 8192 characters`,
        { path },
      );
  }
  return { iss, sub, leafThumbprint: Uint8Array.from(thumbprint) };
}

/**
 * A name with a colon would have to be a URI, so then the certificate's own is taken. @see
 * https://www.rfc-editor.org/rfc/rfc6920
 */
function defaultIssuer(leaf: Certificate, thumbprint: Buffer): string {
  const { text } = leaf.subject;
  return text === "" || text.includes(":")
    ? `ni:///sha-256;${thumbprint.toString("base64url")}`
    : text;
}

async function checkMade(envelope: Uint8Array, signingTime: Date): Promise<void> {
  try {
    await checkIntegrity(parseEnvelope(envelope, MEDIA_TYPES.cose), { at: signingTime });
  } catch (cause) {
    if (cause instanceof ConsignError && cause.code === "SIGNATURE_INVALID") {
      throw new ConsignError(
        "KEY_MISMATCH",
        `the signature just made does not verify with the signer's certificate: ${cause.message}`,
        { cause },
      );
    }
    throw cause;
  }
}
