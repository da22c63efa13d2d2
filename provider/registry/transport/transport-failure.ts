// SPDX-License-Identifier: Apache-2.0
import { ConsignError, isConsignError } from "../../errors";
import { Transient } from "./retry";

const TIMEOUTS = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);
const BROKEN = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "EAI_AGAIN", "UND_ERR_SOCKET"]);
const TLS =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_|INVALID_PURPOSE|EPROTO$)/;

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; check the port, and whether the registry runs",
  ENOTFOUND: "no such host is known; check its name",
};

/**
 * Says what broke on the way: {@link Transient} where the same request may succeed later. `request`
 * is `METHOD url`.
 */
export function transportFailure(
  error: unknown,
  request: string,
  deadlinePassed: boolean,
  proxy?: string,
): unknown {
  if (isConsignError(error) || error instanceof Transient) return error;
  const codes = codesOf(error);
  const detail = codes[0] ?? (error instanceof Error ? error.message : String(error));
  if (deadlinePassed || codes.some((code) => TIMEOUTS.has(code))) {
    return new Transient(
      new ConsignError(
        "REQUEST_TIMEOUT",
        `${request} took too long (${deadlinePassed ? "deadline" : detail}); check the registry and the way to it`,
        { cause: error },
      ),
    );
  }
  if (codes.some((code) => TLS.test(code))) {
    return new ConsignError(
      "TLS_FAILED",
      `${request} failed in TLS (${detail}): ${tlsHint(codes)}`,
      {
        cause: error,
      },
    );
  }
  const unreachable = new ConsignError(
    "REGISTRY_UNREACHABLE",
    `${request} got no answer (${detail}): ${unreachableHint(request, codes, proxy)}`,
    { cause: error },
  );
  return codes.some((code) => BROKEN.has(code)) ? new Transient(unreachable) : unreachable;
}

const TLS_HINTS: readonly [codes: RegExp, hint: string][] = [
  [
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    "the other side does not speak TLS; if it is meant to be plain HTTP, set plainHttp",
  ],
  [
    /^ERR_SSL_.*(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA)$/,
    "the registry asks for a client certificate, and takes none or not this one; set certFile and keyFile",
  ],
  [
    /^CERT_HAS_EXPIRED$/,
    "its certificate has expired; have it renewed, or check this machine's clock",
  ],
  [
    /^(?:ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/,
    "its certificate is for other names; check the host's name, or set address if it is reached elsewhere",
  ],
  [
    /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/,
    "nobody that this machine trusts has issued its certificate; set caFile to the registry's own authority",
  ],
];

function tlsHint(codes: readonly string[]): string {
  return (
    TLS_HINTS.find(([pattern]) => codes.some((code) => pattern.test(code)))?.[1] ??
    "set caFile to the registry's own authority, or certFile and keyFile if it asks for a client certificate"
  );
}

/**
 * How a server that waits for TLS ends what is none, and one that wants a client's certificate what
 * comes without: the alert that says so is lost where the connection ends first.
 */
const CLOSED = new Set(["UND_ERR_SOCKET", "ECONNRESET"]);

function isPlain(request: string): boolean {
  return request.includes(" http://");
}

/** Whoever connects through a proxy hears of it alone. */
function unreachableHint(request: string, codes: readonly string[], proxy?: string): string {
  const known = codes.find((code) => code in UNREACHABLE);
  if (proxy !== undefined) {
    const why =
      known === "ECONNREFUSED"
        ? "nothing listens there"
        : known === "ENOTFOUND"
          ? "no such host is known"
          : "it may refuse, or not reach the registry";
    return `it goes through the proxy ${proxy}: ${why}; check the setting proxy, and whether the proxy runs`;
  }
  const hangsUp = codes.some((code) => CLOSED.has(code));
  if (isPlain(request) && (hangsUp || codes.some((code) => code.startsWith("HPE_"))))
    return "it hangs up on plain HTTP; if it is meant to be TLS, set plainHttp to false";
  if (hangsUp)
    return "it hangs up; if it asks for a client certificate, set certFile and keyFile, else check the registry and the way to it";
  return (
    (known === undefined ? undefined : UNREACHABLE[known]) ?? "check the registry and the way to it"
  );
}

function codesOf(error: unknown, depth = 0): string[] {
  if (typeof error !== "object" || error === null || depth > 4) return [];
  const own = "code" in error && typeof error.code === "string" ? [error.code] : [];
  const nested =
    error instanceof AggregateError
      ? error.errors.flatMap((inner: unknown) => codesOf(inner, depth + 1))
      : [];
  return [...own, ...nested, ...("cause" in error ? codesOf(error.cause, depth + 1) : [])];
}
