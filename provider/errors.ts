// SPDX-License-Identifier: Apache-2.0
import { oneLine } from "./printable";

/**
 * Every code a {@link ConsignError} can carry, with what it means to the person who reads it. The
 * codes are stable: programs may branch on them, and each one has a test that provokes it.
 */
export const ERROR_CODES = {
  // What the caller wrote
  INPUT_INVALID: "an argument has the wrong shape or value; `path` names the property",
  REFERENCE_INVALID: "a reference or location does not parse",
  DIGEST_INVALID: "a digest does not parse, or its algorithm is not sha256 or sha512",
  FILE_NOT_FOUND: "a file or directory that an argument names does not exist",
  FILE_UNREADABLE: "a file that an argument names exists but cannot be read",
  // What a store holds
  MANIFEST_UNKNOWN: "the manifest or tag is definitely not there",
  BLOB_UNKNOWN: "the blob is definitely not there",
  MANIFEST_INVALID: "the bytes of a manifest are not what the OCI image specification allows",
  MANIFEST_TOO_LARGE: "a manifest is larger than 4 MiB",
  DIGEST_MISMATCH: "bytes do not have the digest under which they were asked for",
  SIZE_MISMATCH: "bytes are shorter or longer than their descriptor says",
  LAYOUT_INVALID: "a directory is not an OCI image layout, or a broken one",
  LAYOUT_UNWRITABLE:
    "an OCI image layout cannot be written: no permission, no space, or the path is taken",
  LAYOUT_LOCKED: "another process holds an OCI image layout's lock",
  GRAPH_TOO_DEEP: "a graph is deeper than the bound",
  GRAPH_TOO_LARGE: "a graph has more nodes, or a registry's list more entries, than the bound",
  COPY_FAILED: "a copy ended half-way; `side` says where",
  READ_BACK_FAILED: "a store accepted a write and does not show it afterwards",
  TAG_MOVED: "a tag is not where the plan saw it, so it was left alone",
  // Registries and the way to them
  REGISTRY_UNREACHABLE: "no connection, or it broke; nothing is known about the content",
  REGISTRY_UNAUTHORIZED: "the registry wants other credentials (401)",
  REGISTRY_DENIED: "the credentials do not allow this (403)",
  REGISTRY_RATE_LIMITED: "the registry still answers 429 after every allowed wait",
  REGISTRY_FAILED: "the registry answers with a server error",
  REGISTRY_UNSUPPORTED: "the registry does not offer this operation",
  REFERRERS_UNKNOWN:
    "what refers to an artifact cannot be told, which is not to say that nothing does",
  REGISTRY_RESPONSE_INVALID: "the registry's answer breaks the OCI distribution specification",
  PAGE_LINK_INVALID: "a page link leaves the registry, loops, or there are too many pages",
  REDIRECT_REFUSED: "a redirect goes to a place that is not allowed",
  REQUEST_TIMEOUT: "a request took longer than its deadline",
  TLS_FAILED: "the registry's certificate is not trusted, or a client certificate is unusable",
  CREDENTIALS_INVALID: "Docker's config.json or the stack's registry settings cannot be used",
  CREDENTIAL_HELPER_FAILED: "a Docker credential helper failed",
  // Signing
  KEY_UNREADABLE: "a private key or certificate file cannot be parsed",
  KEY_UNSUPPORTED: "the Notary Project does not allow this kind or size of key",
  KEY_MISMATCH: "a private key does not belong to the certificate beside it",
  CERTIFICATE_INVALID: "a certificate breaks the Notary Project's certificate profile",
  SIGNER_UNKNOWN: "notation's signingkeys.json has no such key",
  PLUGIN_FAILED: "a notation plugin answered with an error or broke the plugin protocol",
  PLUGIN_NOT_FOUND: "a notation plugin is not installed",
  TIMESTAMP_FAILED: "a timestamp authority gave no usable token",
  // Verifying
  CBOR_INVALID: "bytes are not the strict CBOR that COSE needs",
  ENVELOPE_INVALID: "a signature envelope breaks COSE, JWS or the Notary Project's format",
  ENVELOPE_UNSUPPORTED: "a signature envelope has a media type that is not known",
  ENVELOPE_TOO_LARGE: "a signature envelope is larger than 1 MiB",
  SIGNATURE_INVALID: "a signature does not verify, or signs something else",
  SIGNATURE_UNTRUSTED: "a signature verifies, but its signer is not trusted here",
  SIGNATURE_EXPIRED: "a signature's own expiry, or its certificate's, has passed",
  SIGNATURE_REVOKED: "a certificate in the signature's chain is revoked",
  SIGNATURE_INCONCLUSIVE: "a check could not be made, so nothing is known",
  SIGNATURE_MISSING: "no signature is there",
  TRUST_POLICY_INVALID: "a trust policy breaks the Notary Project's rules",
  TRUST_POLICY_NOT_APPLICABLE: "no trust policy statement applies to this repository",
  TRUST_STORE_INVALID: "a trust store is missing, empty or holds something that is no root",
  // Claims
  STATEMENT_INVALID: "a claim's statement is not an in-toto statement",
  PREDICATE_INVALID: "a claim's predicate does not fit its type",
  SUBJECT_MISMATCH: "a claim's statement speaks about another digest than its manifest",
  CONDITION_INVALID: "a condition is not valid CEL",
  CLAIM_SUPERSEDED:
    "a claim is in place and does not count, as a later one by the same issuer takes its place",
  VERIFICATION_UNMET: "a verification's requirements are not met",
  REDIRECT_LOOP: "redirect claims lead in a circle, or through more artifacts than the bound",
  REDIRECT_UNUSABLE: "a redirect claim points to nothing, or several point to different artifacts",
  // The provider itself
  PLAN_STALE: "the world moved between plan and execution; run again",
  STATE_INVALID: "a resource's recorded state cannot be read by this version",
  INTERNAL: "a bug in Consign",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_CODES, value);
}

/** Which end of a copy, or which party of a conversation, an error comes from. */
export type Side = "source" | "destination" | "archive" | "authority" | "local";

export interface ErrorDetails {
  /** Property path of the argument at fault, as `destinations[1].repository`. */
  path?: string | undefined;
  /** Reference it happened on; redacted before it is stored. */
  reference?: string | undefined;
  side?: Side | undefined;
  /** HTTP status, where a registry answered. */
  status?: number | undefined;
  /** Codes of the registry's own error list, e.g. `MANIFEST_UNKNOWN`. */
  serverCodes?: readonly string[] | undefined;
  /** Lines below the message. Line breaks anywhere else are not ours, and do not stay. */
  lines?: readonly string[] | undefined;
  cause?: unknown;
}

const BRAND = Symbol.for("consign.error");

/**
 * The one error class. `code` is stable, `message` says what failed, on what, and what to do next;
 * secrets are redacted from it, and it has no character that a reader cannot see.
 */
export class ConsignError extends Error {
  override readonly name = "ConsignError";
  readonly code: ErrorCode;
  readonly path: string | undefined;
  readonly reference: string | undefined;
  readonly side: Side | undefined;
  readonly status: number | undefined;
  readonly serverCodes: readonly string[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      [message, ...(details.lines ?? [])].map((line) => oneLine(redact(line))).join("\n"),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    Object.defineProperty(this, BRAND, { value: true });
    this.code = code;
    this.path = details.path;
    this.reference =
      details.reference === undefined ? undefined : oneLine(redact(details.reference));
    this.side = details.side;
    this.status = details.status;
    this.serverCodes = details.serverCodes ?? [];
  }

  /**
   * The same error, told from further up: which property, reference or side it belongs to. Fields
   * already set stay.
   */
  within(details: ErrorDetails): ConsignError {
    const [message = "", ...lines] = this.message.split("\n");
    return new ConsignError(this.code, message, {
      lines,
      path: this.path ?? details.path,
      reference: this.reference ?? details.reference,
      side: this.side ?? details.side,
      status: this.status ?? details.status,
      serverCodes: this.serverCodes,
      cause: this.cause,
    });
  }
}

/**
 * True for a {@link ConsignError}, also one made by another loaded copy of this package; with
 * `code`, only for that code.
 */
export function isConsignError(error: unknown, ...codes: ErrorCode[]): error is ConsignError {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return codes.length === 0 || ("code" in error && codes.some((code) => code === error.code));
}

/** Turns anything thrown into a {@link ConsignError}; what is none yet becomes `fallback`. */
export function asConsignError(
  error: unknown,
  fallback: ErrorCode = "INTERNAL",
  details: ErrorDetails = {},
): ConsignError {
  if (isConsignError(error)) return error.within(details);
  const message = error instanceof Error ? error.message : String(error);
  return new ConsignError(fallback, message, { ...details, cause: error });
}

/** Anything may be thrown, and anything be a signal's reason; an error stays the one it is. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

/**
 * `user:password@` before what looks like a host, with no scheme before it. A digest after `@`, or
 * the path of a layout before it, is none.
 */
const BARE_USER_INFO =
  /(?<![\w/.:@-])(?!oci:)[\w.~%!$&*+=-]+:[^\s/@"'`]+@(?!sha(?:256|512):)(?=\[|localhost\b|[\w-]+(?:\.[\w-]+)*\.[\w-]+|[\w-]+:\d)/g;

/** A private key in PEM, up to its end or the text's, where it stands in place of a file's name. */
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g;

const URL_TEXT = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)(\S*)/gi;
const HOST = /^(?:[\w.-]*|\[[\da-f:.]*\])(?::\d{1,5})?$/i;
/** An `@` before what can be a host and is no version, as in `action@v4.2`. */
const BEFORE_HOST = /@(?=(?:[a-z0-9-]+\.)+[a-z]{2,}|localhost\b|\[)/gi;

/**
 * A URL without user info, query and fragment, up to the next white space, as any other character
 * may be in them: also a slash in a password, which ends at the last `@` that begins no digest.
 */
function redactUrl(rest: string): string {
  const at = userInfoEnd(rest);
  const bare = at === -1 ? rest : rest.slice(at + 1);
  return bare.replace(/([?#]).*$/s, "$1…");
}

function userInfoEnd(rest: string): number {
  const authority = rest.slice(0, lengthBefore(rest, /[/?#]/));
  if (authority.includes("@") && !/@sha(?:256|512):/.test(authority))
    return authority.lastIndexOf("@");
  if (!HOST.test(authority)) return lastIndexOf(rest, /@(?!sha(?:256|512):)/g);
  // `user:1234/…@host` reads as a host with a port, but hardly is one.
  const path = rest.slice(0, lengthBefore(rest, /[?#]/));
  return authority.includes(":") ? lastIndexOf(path, BEFORE_HOST) : -1;
}

function lengthBefore(text: string, end: RegExp): number {
  const at = text.search(end);
  return at === -1 ? text.length : at;
}

function lastIndexOf(text: string, what: RegExp): number {
  return [...text.matchAll(what)].at(-1)?.index ?? -1;
}

/** The same of a path alone, as in a redirect's `Location`. */
const PARAMETERS = /\?[\w.~%-]+=\S*/g;

/** Parameters that are known to be secrets, wherever they stand. */
const SECRETS =
  /\b((?:access_|refresh_|id_|identity)?token|password|secret|sig|signature|X-(?:Amz|Goog)-[\w-]+)=\S+/gi;

/**
 * Removes private keys, user info, queries and fragments from URLs, user info from references, and
 * the values of authorization headers: all of them carry secrets.
 */
export function redact(text: string): string {
  return text
    .replace(PRIVATE_KEY, "-----BEGIN $1-----…")
    .replace(URL_TEXT, (_, scheme: string, rest: string) => scheme + redactUrl(rest))
    .replace(PARAMETERS, "?…")
    .replace(SECRETS, "$1=…")
    .replace(BARE_USER_INFO, "")
    .replace(/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/g, "$1 …");
}
