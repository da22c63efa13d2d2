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
    const hint =
      codes.includes("ERR_SSL_WRONG_VERSION_NUMBER") ||
      codes.includes("ERR_SSL_PACKET_LENGTH_TOO_LONG")
        ? "the other side does not speak TLS; if it is meant to be plain HTTP, set plainHttp"
        : "set caFile to the registry's own authority, or certFile and keyFile if it asks for a client certificate";
    return new ConsignError("TLS_FAILED", `${request} failed in TLS (${detail}): ${hint}`, {
      cause: error,
    });
  }
  const unreachable = new ConsignError(
    "REGISTRY_UNREACHABLE",
    `${request} got no answer (${detail}): ${UNREACHABLE[detail] ?? "check the registry and the way to it"}`,
    { cause: error },
  );
  return codes.some((code) => BROKEN.has(code)) ? new Transient(unreachable) : unreachable;
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
