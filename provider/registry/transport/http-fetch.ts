// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";

export interface AuthorityRequest {
  url: string;
  method: "GET" | "POST";
  headers?: Record<string, string>;
  body?: Uint8Array;
  timeoutMs: number;
  maxBytes: number;
}

export interface AuthorityResponse {
  status: number;
  body: Uint8Array;
  headers: Record<string, string>;
}

/**
 * One bounded exchange with a timestamp authority, an OCSP responder or a CRL distribution point:
 * no credentials, no redirects, an end to time and size.
 * @throws ConsignError `REGISTRY_UNREACHABLE`, `REQUEST_TIMEOUT`, `SIZE_MISMATCH`, with side
 * `authority`
 */
export function httpFetch(): (request: AuthorityRequest) => Promise<AuthorityResponse> {
  return async ({ url, method, headers, body, timeoutMs, maxBytes }) => {
    try {
      const response = await fetch(url, {
        method,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
        ...(headers === undefined ? {} : { headers }),
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      });
      return {
        status: response.status,
        body: await readBounded(response, maxBytes),
        headers: Object.fromEntries(response.headers),
      };
    } catch (cause) {
      if (cause instanceof ConsignError) throw cause;
      const timedOut = cause instanceof Error && cause.name === "TimeoutError";
      throw new ConsignError(
        timedOut ? "REQUEST_TIMEOUT" : "REGISTRY_UNREACHABLE",
        `${url} ${timedOut ? `gave no whole answer within ${timeoutMs} ms` : "cannot be reached"}`,
        { side: "authority", cause },
      );
    }
  };
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes)
      throw new ConsignError(
        "SIZE_MISMATCH",
        `${response.url} answers with more than ${maxBytes} bytes`,
        { side: "authority" },
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
