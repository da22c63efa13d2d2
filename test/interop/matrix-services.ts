// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { decodeSign1, encodeSign1, type Label } from "../../provider/cose";
import { authority, codeSigner, timestampSigner } from "../harness/certificates";
import * as der from "../harness/der";
import { extension, type Issued } from "../harness/keys";
import { cmsToken, makeCrl, ocspReply, serve, type Answer, type Loopback } from "../harness/pki";
import { issuing } from "../notation/arrange";
import type { Envelope } from "./matrix-world";

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const ago = (days: number): Date => new Date(Date.now() - days * DAY);

/**
 * Signers whose certificates say whom to ask, with a responder and a list server that answer as the
 * signers' names say.
 */
export interface Revocation {
  signers: Record<
    | "ocspGood"
    | "ocspRevoked"
    | "ocspUnknown"
    | "ocspByAnother"
    | "ocspDown"
    | "crlGood"
    | "crlRevoked"
    | "crlStale"
    | "crlByAnother"
    | "crlGone"
    | "ocspDownCrlGood"
    | "ocspDownCrlRevoked",
    Issued
  >;
  /** Authorities for timestamps, one revoked, and one of which nobody can say. */
  tsaRevoked: Issued;
  tsaUnsure: Issued;
  close(): Promise<void>;
}

const NOWHERE = "http://127.0.0.1:1";

export async function startRevocation(): Promise<Revocation> {
  const server: Loopback = await serve(answer);
  const at = (path: string) => `${server.url}/${path}`;
  const signers = {
    ocspGood: codeSigner(issuing, { ocsp: at("good") }),
    ocspRevoked: codeSigner(issuing, { ocsp: at("revoked") }),
    ocspUnknown: codeSigner(issuing, { ocsp: at("unknown") }),
    ocspByAnother: codeSigner(issuing, { ocsp: at("another") }),
    ocspDown: codeSigner(issuing, { ocsp: NOWHERE }),
    crlGood: codeSigner(issuing, { crl: at("good.crl") }),
    crlRevoked: codeSigner(issuing, { crl: at("revoked.crl") }),
    crlStale: codeSigner(issuing, { crl: at("stale.crl") }),
    crlByAnother: codeSigner(issuing, { crl: at("another.crl") }),
    crlGone: codeSigner(issuing, { crl: at("gone.crl") }),
    ocspDownCrlGood: codeSigner(issuing, { ocsp: NOWHERE, crl: at("good.crl") }),
    ocspDownCrlRevoked: codeSigner(issuing, { ocsp: NOWHERE, crl: at("both.crl") }),
  };
  const tsaRevoked = timestampSigner(keepers, { crl: at("tsa.crl") });
  const tsaUnsure = timestampSigner(keepers, { crl: at("gone.crl") });
  const namesake = authority({ subject: issuing.subject });
  // Go's reader takes the issuer's own certificate in an answer for one that the issuer must have
  // signed, so the responder has its own.
  const responder = codeSigner(issuing, {
    subject: { O: "Wabbit Networks", CN: "OCSP" },
    purposes: ["ocspSigning"],
  });
  const lists: Record<string, () => Promise<Buffer>> = {
    "/good.crl": () => makeCrl({ authority: issuing }),
    "/revoked.crl": () =>
      makeCrl({ authority: issuing, revoked: [{ certificate: signers.crlRevoked }] }),
    "/both.crl": () =>
      makeCrl({ authority: issuing, revoked: [{ certificate: signers.ocspDownCrlRevoked }] }),
    "/tsa.crl": () => makeCrl({ authority: keepers, revoked: [{ certificate: tsaRevoked }] }),
    "/stale.crl": () => makeCrl({ authority: issuing, lastUpdate: ago(9), nextUpdate: ago(1) }),
    "/another.crl": () => makeCrl({ authority: namesake }),
  };
  async function answer(body: Buffer, path: string): Promise<Answer> {
    const list = lists[path];
    if (list !== undefined) return { body: await list() };
    const [, name = "", ...rest] = path.split("/");
    const encoded = rest.join("/");
    // Notation asks by GET where the request is short, we by POST.
    const request = body.byteLength > 0 ? body : Buffer.from(decodeURIComponent(encoded), "base64");
    const good = [signers.ocspGood, signers.ocspByAnother];
    const revoked = [{ certificate: signers.ocspRevoked }];
    if (!["good", "revoked", "unknown", "another"].includes(name))
      return { status: 404, body: Buffer.alloc(0) };
    return {
      body: await ocspReply(
        { authority: issuing, good, revoked, responder: name === "another" ? namesake : responder },
        request,
      ),
    };
  }
  return { signers, tsaRevoked, tsaUnsure, close: () => server.close() };
}

/**
 * Authorities for timestamps, one trusted in the rows and one not, and leaves that break the
 * profile.
 */
export const keepers = authority({
  subject: { C: "US", O: "Time Keepers", CN: "Time Keepers Root" },
});
export const tsa = timestampSigner(keepers);
export const tsaOfAnother = timestampSigner(
  authority({ subject: { C: "US", O: "Other Keepers", CN: "Other Root" } }),
);
export const tsaWithoutPurpose = timestampSigner(keepers, { purposes: ["codeSigning"] });
export const tsaForMore = timestampSigner(keepers, { purposes: ["timeStamping", "codeSigning"] });
export const tsaEnded = timestampSigner(keepers, { notAfter: ago(1) });
export const tsaYoung = timestampSigner(keepers, { notBefore: ago(1) });
export const tsaNotCritical = timestampSigner(keepers, { purposesCritical: false });

export interface Stamp {
  by?: Issued;
  time?: Date;
  /** Seconds. */
  accuracy?: number;
  /** What is stamped instead of the signature. */
  over?: Uint8Array;
  /** Has a critical extension that nobody knows. */
  demand?: boolean;
  version?: number;
}

/** An RFC 3161 token that says any time: openssl signs it, but asks no clock. */
export async function token(
  message: Uint8Array,
  {
    by = tsa,
    time = new Date(Date.now() - 60_000),
    accuracy = 1,
    over = message,
    demand = false,
    version = 1,
  }: Stamp = {},
): Promise<Uint8Array> {
  const imprint = der.sequence(
    der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.nil()),
    der.octets(createHash("sha256").update(over).digest()),
  );
  const info = der.sequence(
    der.integer(version),
    der.oid("1.2.3.4.1"),
    imprint,
    der.integer(7),
    der.generalizedTime(time),
    der.sequence(der.integer(accuracy)),
    ...(demand ? [der.context(1, extension("1.2.3.4.5", true, der.nil()))] : []),
  );
  return Uint8Array.from(await cmsToken(by, info));
}

/** The same COSE envelope with a timestamp of its signature. */
export async function stamped(envelope: Envelope, stamp: Stamp = {}): Promise<Envelope> {
  const message = decodeSign1(envelope.bytes, 2 ** 20);
  const unprotectedHeaders = new Map<Label, unknown>(message.unprotectedHeaders);
  unprotectedHeaders.set(
    "io.cncf.notary.timestampSignature",
    await token(message.signature, stamp),
  );
  return { ...envelope, bytes: encodeSign1({ ...message, unprotectedHeaders }) };
}

/** Changes the bytes of a finished COSE envelope. */
export function bytes(change: (good: Buffer) => Uint8Array): (envelope: Envelope) => Envelope {
  return (envelope) => ({ ...envelope, bytes: change(Buffer.from(envelope.bytes)) });
}
