// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Answer, Connection } from "./transport/connection";
import { MAX_ERROR_BODY, parseErrors, type About } from "./transport/responses";

const VERSION_HEADER = "docker-distribution-api-version";

/** A registry's words for what is not there; other services list errors in the same form. */
const NOT_THERE = /UNKNOWN|NOT_FOUND/;

const confirmed = new WeakMap<Connection, Promise<boolean>>();

/**
 * Believes a 404, or another refusal, only of a registry: a gateway whose registry is down, or an address that has
 * moved, answers 404 to everything, and what is taken for gone is dropped. A registry's own error
 * list or header says enough; where both are missing, as they may be in an answer to HEAD, the
 * registry is asked once whether it is one.
 * @throws ConsignError `REGISTRY_RESPONSE_INVALID`
 */
export async function believeAbsence(
  connection: Connection,
  answer: Answer,
  method: string,
  about: About,
): Promise<void> {
  if (
    answer.headers.get(VERSION_HEADER) !== undefined ||
    parseErrors(answer.bytes).some(({ code }) => NOT_THERE.test(code))
  )
    return;
  const asking = confirmed.get(connection) ?? answersAsRegistry(connection);
  confirmed.set(connection, asking);
  asking.catch(() => confirmed.delete(connection));
  if (await asking) return;
  throw new ConsignError(
    "REGISTRY_RESPONSE_INVALID",
    `${about.reference}: ${method} was answered with ${answer.status}, and ${connection.origin.href}v2/ is not answered as a registry does, so nothing is known about what is there; check the address, and what lies on the way`,
    { reference: about.reference, status: answer.status },
  );
}

/**
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 */
async function answersAsRegistry(connection: Connection): Promise<boolean> {
  const { status, headers, bytes } = await connection.call({
    method: "GET",
    url: "/v2/",
    scopes: [],
    ok: [200, 401, 403, 404],
    about: { kind: "tags", reference: connection.registry },
    maxBytes: MAX_ERROR_BODY,
  });
  if (status !== 200 && status !== 401) return false;
  return headers.get(VERSION_HEADER) !== undefined || bytes.byteLength === 0 || isJson(bytes);
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(bytes).toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
