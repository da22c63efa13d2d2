// SPDX-License-Identifier: Apache-2.0
import { ConsignError, isConsignError } from "../../errors";
import { isIssuedBy } from "../x509/certificate-profile";
import { parseCertificate } from "../x509/certificates";
import { checkDelta, checkScope, statusIn } from "./crl-status";
import type { Crl } from "./crl";
import { CrlSource, requireHttp } from "./crl-source";
import type { HttpFetch } from "./http-fetch";
import { ocspRequest, readOcspAnswer, type OcspAnswer } from "./ocsp";
import type { Certificate } from "../x509/certificate";

/**
 * `nonRevokable`: the certificate says nowhere to ask. `unknown`: it does, but no answer could be
 * believed.
 */
export type RevocationResult = "ok" | "revoked" | "unknown" | "nonRevokable";

export interface CertificateRevocation {
  subject: string;
  /** SHA-256 of the certificate, lower-case hexadecimal digits. */
  thumbprint: string;
  result: RevocationResult;
  /** What answered, or what each thing asked said instead of an answer. */
  reason: string;
}

export interface RevocationVerdict {
  /**
   * The worst of the chain: revoked, then unknown, then ok; `nonRevokable` if no certificate names
   * a place to ask.
   */
  result: RevocationResult;
  reason: string;
  /** One for each certificate but the root, leaf first. */
  certificates?: readonly CertificateRevocation[];
}

export interface RevocationChecker {
  /**
   * Asks for each certificate of a chain (DER, leaf first, root last) but the root whether it is
   * revoked: OCSP first, revocation lists if that gives no answer. The chain must be verified and
   * trusted before: the addresses asked are the ones in its certificates. Never throws for what the
   * network or a certificate does.
   * @param o.now decides what is in force
   * @param o.at a proven signing time: a certificate revoked with a later invalidity date was good
   * then
   */
  check(
    chain: readonly Uint8Array[],
    o: { now: Date; purpose: "codeSigning" | "timestamping"; at?: Date },
  ): Promise<RevocationVerdict>;
}

export interface RevocationOptions {
  fetch: HttpFetch;
  /** Directory for revocation lists, made when needed. Without it they are kept in memory only. */
  cacheDir?: string;
  /** Milliseconds for one request. @default { ocsp: 2000, crl: 5000 } */
  timeouts?: { ocsp?: number; crl?: number };
  /**
   * Gives a nonce for each OCSP request; without it none is sent, and freshness rests on the
   * responses' dates.
   */
  ocspNonce?: () => Uint8Array;
}

const MAX_CHAIN = 10;
const MAX_URLS = 8;
const MAX_OCSP_RESPONSE = 64 * 1024;
const MAX_KEPT_ANSWERS = 1024;
const MAX_ANSWER_AGE_MS = 60 * 60_000;
const SEVERITY: Readonly<Record<RevocationResult, number>> = {
  nonRevokable: 0,
  ok: 1,
  unknown: 2,
  revoked: 3,
};

/**
 * Makes a checker that follows the Notary Project's rules and fails towards `unknown`.
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#certificate-revocation-evaluation
 */
export function revocationChecker(options: RevocationOptions): RevocationChecker {
  const checker = new Checker(options);
  return { check: (chain, o) => checker.check(chain, o) };
}

interface Link {
  certificate: Certificate;
  issuer: Certificate;
  now: Date;
  at: Date | undefined;
}

type Finding = { result: RevocationResult; reason: string };

class Checker {
  readonly #lists: CrlSource;
  readonly #answers = new Map<string, { answer: OcspAnswer; askedAt: Date }>();
  readonly #asking = new Map<string, Promise<OcspAnswer>>();

  constructor(private readonly options: RevocationOptions) {
    this.#lists = new CrlSource(options.fetch, options.timeouts?.crl ?? 5000, options.cacheDir);
  }

  async check(
    chain: readonly Uint8Array[],
    { now, purpose, at }: Parameters<RevocationChecker["check"]>[1],
  ): Promise<RevocationVerdict> {
    let links: Link[];
    try {
      links = linksOf(chain, now, at);
    } catch (error) {
      return {
        result: "unknown",
        reason: `the revocation of a ${purpose} chain cannot be asked for: ${(error as Error).message}`,
        certificates: [],
      };
    }
    const certificates = await Promise.all(
      links.map(async (link): Promise<CertificateRevocation> => {
        const { subject, thumbprint } = link.certificate;
        return { subject: subject.text, thumbprint, ...(await this.#one(link)) };
      }),
    );
    const worst = certificates.reduce<CertificateRevocation | undefined>(
      (a, b) => (a === undefined || SEVERITY[b.result] > SEVERITY[a.result] ? b : a),
      undefined,
    );
    if (worst === undefined)
      return {
        result: "nonRevokable",
        reason: "the chain is a root alone, which nobody can revoke",
        certificates,
      };
    return { result: worst.result, reason: `"${worst.subject}": ${worst.reason}`, certificates };
  }

  async #one(link: Link): Promise<Finding> {
    const { ocspUrls, crlUrls } = link.certificate;
    if (ocspUrls.length + crlUrls.length === 0)
      return {
        result: "nonRevokable",
        reason: "it names neither an OCSP responder nor a revocation list",
      };
    const byOcsp = ocspUrls.length === 0 ? undefined : await settle(() => this.#byOcsp(link));
    if (byOcsp !== undefined && (byOcsp.result !== "unknown" || crlUrls.length === 0))
      return byOcsp;
    const byCrl = await settle(() => this.#byCrl(link));
    return byOcsp === undefined || byCrl.result !== "unknown"
      ? byCrl
      : { result: "unknown", reason: `${byOcsp.reason}; ${byCrl.reason}` };
  }

  async #byOcsp(link: Link): Promise<Finding> {
    const reasons: string[] = [];
    for (const url of link.certificate.ocspUrls.slice(0, MAX_URLS)) {
      try {
        const answer = await this.#ask(url, link);
        if (answer.responder !== undefined)
          await this.#requireGoodResponder(answer.responder, link);
        if (answer.status === "unknown")
          return { result: "unknown", reason: `the OCSP responder at ${url} does not know it` };
        if (answer.status === "good")
          return { result: "ok", reason: `the OCSP responder at ${url} says that it is good` };
        const safe =
          link.at !== undefined &&
          answer.invalidSince !== undefined &&
          link.at < answer.invalidSince;
        return safe
          ? {
              result: "ok",
              reason: `the OCSP responder at ${url} says that it is revoked, but the signature is older than that`,
            }
          : { result: "revoked", reason: `the OCSP responder at ${url} says that it is revoked` };
      } catch (error) {
        reasons.push(`${url}: ${asReason(error)}`);
      }
    }
    return { result: "unknown", reason: reasons.join("; ") };
  }

  async #ask(url: string, { certificate, issuer, now }: Link): Promise<OcspAnswer> {
    requireHttp(url);
    const key = `${url} ${issuer.thumbprint} ${certificate.thumbprint}`;
    const kept = this.#answers.get(key);
    if (
      kept !== undefined &&
      now < kept.answer.nextUpdate &&
      Math.abs(now.getTime() - kept.askedAt.getTime()) < MAX_ANSWER_AGE_MS
    )
      return kept.answer;
    const underway = this.#asking.get(key);
    if (underway !== undefined) return underway;
    const asking = this.#request(url, certificate, issuer, now).finally(() =>
      this.#asking.delete(key),
    );
    this.#asking.set(key, asking);
    const answer = await asking;
    if (this.#answers.size >= MAX_KEPT_ANSWERS) this.#answers.clear();
    if (answer.status !== "unknown") this.#answers.set(key, { answer, askedAt: now });
    return answer;
  }

  async #request(
    url: string,
    certificate: Certificate,
    issuer: Certificate,
    now: Date,
  ): Promise<OcspAnswer> {
    const nonce = this.options.ocspNonce?.();
    const { status, body } = await this.options.fetch({
      url,
      method: "POST",
      headers: { "content-type": "application/ocsp-request", accept: "application/ocsp-response" },
      body: ocspRequest(certificate, issuer, nonce),
      timeoutMs: this.options.timeouts?.ocsp ?? 2000,
      maxBytes: MAX_OCSP_RESPONSE,
    });
    if (status !== 200)
      throw new ConsignError(
        "SIGNATURE_INCONCLUSIVE",
        `the OCSP responder answers with status ${status}`,
      );
    if (body.byteLength > MAX_OCSP_RESPONSE)
      throw new ConsignError("SIGNATURE_INCONCLUSIVE", "the OCSP response is too large");
    return readOcspAnswer(body, { certificate, issuer, now, nonce });
  }

  /**
   * An appointed responder may be revoked as well; only lists can say so, or the question would
   * never end.
   */
  async #requireGoodResponder(responder: Certificate, { issuer, now }: Link): Promise<void> {
    if (responder.crlUrls.length === 0) return;
    const { result, reason } = await this.#byCrl({
      certificate: responder,
      issuer,
      now,
      at: undefined,
    });
    if (result !== "ok")
      throw new ConsignError(
        "SIGNATURE_INCONCLUSIVE",
        `the OCSP responder's own certificate is ${result}: ${reason}`,
      );
  }

  /** Every distribution point counts, as lists may be split by reason without saying so. */
  async #byCrl(link: Link): Promise<Finding> {
    const { certificate, issuer, now, at } = link;
    const urls = certificate.crlUrls;
    if (urls.length > MAX_URLS)
      return { result: "unknown", reason: `it names more than ${MAX_URLS} revocation lists` };
    for (const url of urls) {
      const base = await this.#lists.get(url, issuer, now);
      checkScope(base, certificate);
      const delta = await this.#delta(base, issuer, now);
      const status = statusIn(base, delta, certificate, at);
      if (status.revoked)
        return {
          result: "revoked",
          reason: `the revocation list at ${url} has it, revoked at ${status.at.toISOString()}`,
        };
    }
    return {
      result: "ok",
      reason: `the revocation list at ${urls.join(", ")} does not have it as revoked`,
    };
  }

  async #delta(base: Crl, issuer: Certificate, now: Date): Promise<Crl | undefined> {
    if (base.freshest.length === 0) return undefined;
    let last: unknown;
    for (const url of base.freshest.slice(0, MAX_URLS)) {
      try {
        const delta = await this.#lists.get(url, issuer, now);
        checkDelta(delta, base);
        return delta;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}

function linksOf(chain: readonly Uint8Array[], now: Date, at: Date | undefined): Link[] {
  if (chain.length === 0 || chain.length > MAX_CHAIN)
    throw new ConsignError("CERTIFICATE_INVALID", `it must have 1 to ${MAX_CHAIN} certificates`);
  const certificates = chain.map(parseCertificate);
  return certificates.slice(0, -1).map((certificate, index) => {
    const issuer = certificates[index + 1];
    if (issuer === undefined || !isIssuedBy(certificate, issuer)) {
      throw new ConsignError(
        "CERTIFICATE_INVALID",
        `"${certificate.subject.text}" is not issued by the next certificate`,
      );
    }
    return { certificate, issuer, now, at };
  });
}

async function settle(find: () => Promise<Finding>): Promise<Finding> {
  try {
    return await find();
  } catch (error) {
    return { result: "unknown", reason: asReason(error) };
  }
}

function asReason(error: unknown): string {
  if (isConsignError(error)) return error.message;
  return `no answer: ${error instanceof Error ? error.message : String(error)}`;
}
