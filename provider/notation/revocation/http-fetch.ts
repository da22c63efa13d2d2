// SPDX-License-Identifier: Apache-2.0

/** One request to a timestamp authority, an OCSP responder or a CRL distribution point. */
export interface HttpRequest {
  url: string;
  method: "GET" | "POST";
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Milliseconds for the whole exchange, the body included. */
  timeoutMs: number;
  /** Bytes of body after which the exchange fails. */
  maxBytes: number;
}

export interface HttpResponse {
  status: number;
  body: Uint8Array;
  /** Names in lower case. */
  headers: Record<string, string>;
}

/**
 * How this folder reaches the network; the caller gives it. It rejects when there is no whole
 * answer within `timeoutMs` and `maxBytes`, and it must not follow a redirect to another scheme
 * than http or https. Certificates of https servers are checked as for any other request.
 */
export type HttpFetch = (request: HttpRequest) => Promise<HttpResponse>;
