// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import { parseCrl, type Crl } from "./crl";
import { checkCrl } from "./crl-status";
import type { HttpFetch } from "./http-fetch";
import { MAX_CRL_SIZE, RevocationCache } from "./revocation-cache";
import type { Certificate } from "../x509/certificate";

/**
 * Brings revocation lists that are the issuer's and in force, each fetched once however many
 * certificates ask for it at a time.
 */
export class CrlSource {
  readonly #cache: RevocationCache;
  readonly #underway = new Map<string, Promise<Uint8Array>>();

  constructor(
    private readonly fetch: HttpFetch,
    private readonly timeoutMs: number,
    cacheDirectory?: string,
  ) {
    this.#cache = new RevocationCache(cacheDirectory);
  }

  /** @throws ConsignError `SIGNATURE_INCONCLUSIVE` */
  async get(url: string, issuer: Certificate, now: Date): Promise<Crl> {
    const kept = await this.#kept(url, issuer, now);
    if (kept !== undefined) return kept;
    const crl = parseCrl(await this.#download(url));
    checkCrl(crl, issuer, now);
    await this.#cache.set(url, crl.raw);
    return crl;
  }

  async #kept(url: string, issuer: Certificate, now: Date): Promise<Crl | undefined> {
    const bytes = await this.#cache.get(url);
    if (bytes === undefined) return undefined;
    try {
      const crl = parseCrl(bytes);
      checkCrl(crl, issuer, now);
      return crl;
    } catch {
      await this.#cache.drop(url);
      return undefined;
    }
  }

  #download(url: string): Promise<Uint8Array> {
    const underway = this.#underway.get(url);
    if (underway !== undefined) return underway;
    const download = this.#request(url).finally(() => this.#underway.delete(url));
    this.#underway.set(url, download);
    return download;
  }

  async #request(url: string): Promise<Uint8Array> {
    requireHttp(url);
    try {
      const headers = { accept: "application/pkix-crl, */*" };
      const { status, body } = await this.fetch({
        url,
        method: "GET",
        headers,
        timeoutMs: this.timeoutMs,
        maxBytes: MAX_CRL_SIZE,
      });
      if (status !== 200) throw new Error(`status ${status}`);
      if (body.byteLength > MAX_CRL_SIZE) throw new Error(`it has more than ${MAX_CRL_SIZE} bytes`);
      return body;
    } catch (cause) {
      throw new ConsignError(
        "SIGNATURE_INCONCLUSIVE",
        `the certificate revocation list at ${url} cannot be had: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}

/**
 * Certificates may name ldap or file addresses; those are not followed. @throws ConsignError
 * `SIGNATURE_INCONCLUSIVE`
 */
export function requireHttp(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "http:" && protocol !== "https:")
    throw new ConsignError(
      "SIGNATURE_INCONCLUSIVE",
      `${url.slice(0, 200)} is not an http or https address`,
    );
}
