// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError, type ErrorCode } from "../../errors";
import { oneLine, printable } from "../../printable";
import type { HeaderFields } from "./arrival";
import { retryAfter, Transient } from "./retry";

/** An error's body is read up to here. */
export const MAX_ERROR_BODY = 64 * 1024;

/** What a request is about, to say what its failure means. */
export interface About {
  kind: "manifest" | "blob" | "upload" | "tags" | "referrers" | "token";
  /** Full reference, as `host/repository@digest`. */
  reference: string;
}

/** @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
const errorsSchema = z.object({
  errors: z.array(z.object({ code: z.string().max(128), message: z.string().nullish() })).max(100),
});

export interface ServerError {
  code: string;
  message: string;
}

/** The registry's own list of errors; empty if the body is something else. */
export function parseErrors(body: Uint8Array): ServerError[] {
  try {
    const parsed = errorsSchema.safeParse(JSON.parse(Buffer.from(body).toString("utf8")));
    return parsed.success
      ? parsed.data.errors.map(({ code, message }) => ({
          code: oneLine(code),
          message: printable(message ?? "", 200),
        }))
      : [];
  } catch {
    return [];
  }
}

const BY_SERVER_CODE: Record<string, ErrorCode> = {
  MANIFEST_BLOB_UNKNOWN: "BLOB_UNKNOWN",
  BLOB_UNKNOWN: "BLOB_UNKNOWN",
  MANIFEST_UNKNOWN: "MANIFEST_UNKNOWN",
  MANIFEST_INVALID: "MANIFEST_INVALID",
  DIGEST_INVALID: "DIGEST_MISMATCH",
  SIZE_INVALID: "SIZE_MISMATCH",
  UNSUPPORTED: "REGISTRY_UNSUPPORTED",
  UNAUTHORIZED: "REGISTRY_UNAUTHORIZED",
  DENIED: "REGISTRY_DENIED",
  TOOMANYREQUESTS: "REGISTRY_RATE_LIMITED",
};

const NEXT_STEP: Partial<Record<ErrorCode, string>> = {
  REGISTRY_UNAUTHORIZED:
    "give consign:registries a username and password for it, or log in with docker login",
  REGISTRY_DENIED: "ask for these rights, or use other credentials",
  REGISTRY_RATE_LIMITED: "run again later, or set requestsPerSecond for it",
  REGISTRY_FAILED: "look at the registry's own log",
};

function codeFor(status: number, about: About, errors: ServerError[]): ErrorCode {
  if (status === 401) return "REGISTRY_UNAUTHORIZED";
  if (status === 403) return "REGISTRY_DENIED";
  if (
    status === 404 &&
    about.kind === "manifest" &&
    !errors.some(({ code }) => code === "MANIFEST_BLOB_UNKNOWN")
  )
    return "MANIFEST_UNKNOWN";
  if (status === 404 && about.kind === "blob") return "BLOB_UNKNOWN";
  if (status === 405 || status === 501) return "REGISTRY_UNSUPPORTED";
  if (status === 408) return "REQUEST_TIMEOUT";
  if (status === 413 && about.kind === "manifest") return "MANIFEST_TOO_LARGE";
  if (status === 429) return "REGISTRY_RATE_LIMITED";
  if (status >= 500 || status === 404) return "REGISTRY_FAILED";
  for (const { code } of errors) {
    const known = BY_SERVER_CODE[code];
    if (known !== undefined) return known;
  }
  return status < 400 ? "REGISTRY_RESPONSE_INVALID" : "REGISTRY_FAILED";
}

/**
 * The error that a status the caller did not expect stands for; Transient for 408, 429 and 5xx
 * other than 501.
 */
export function responseFailure(o: {
  request: string;
  status: number;
  headers: HeaderFields;
  body: Uint8Array;
  about: About;
  /** Not another host that the registry redirected to. */
  isRegistry: boolean;
  now: number;
}): ConsignError | Transient {
  const errors = parseErrors(o.body);
  const code = codeFor(o.status, o.about, errors);
  const said = errors
    .map((e) => (e.message === "" ? e.code : `${e.code}: ${e.message}`))
    .join("; ");
  const next =
    o.about.kind === "upload" && o.status === 404
      ? "create the repository first; this registry does not do so on push"
      : NEXT_STEP[code];
  const message = `${o.about.reference}: ${o.request} was answered with ${o.status}${said === "" ? "" : ` (${said})`}${next === undefined ? "" : `; ${next}`}`;
  const error = new ConsignError(code, message, {
    reference: o.about.reference,
    status: o.status,
    serverCodes: errors.map((e) => e.code),
  });
  const transient = o.status === 408 || o.status === 429 || (o.status >= 500 && o.status !== 501);
  return transient
    ? new Transient(error, waitAsked(o.headers, o.status, o.now), o.isRegistry)
    : error;
}

/** Some say with a 429 in how many seconds the quota is filled again, and not when to come back. */
function waitAsked(headers: HeaderFields, status: number, now: number): number | undefined {
  const asked = retryAfter(headers.get("retry-after"), now);
  if (asked !== undefined || status !== 429) return asked;
  const reset = headers.get("ratelimit-reset")?.trim() ?? "";
  return /^\d{1,7}$/.test(reset) ? Number(reset) * 1000 : undefined;
}
