// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../../errors";
import type { Credentials } from "./credential";

export interface Token {
  value: string;
  /** Milliseconds since 1970, a margin before the service's own. */
  expiresAt: number;
}

export interface TokenRequest {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body?: Uint8Array;
  /** Statuses besides 200 that the caller handles. */
  ok: readonly number[];
}

/**
 * Sends one request to a token service, with retries but without redirects; other statuses throw.
 */
export type TokenSender = (request: TokenRequest) => Promise<{ status: number; body: Uint8Array }>;

/**
 * @see
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md#token-response-fields
 */
const answerSchema = z.object({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  /**
   * What is no lifetime, as the 0 that some services give or the text of others, says no more than
   * none.
   */
  expires_in: z.number().positive().nullish().catch(undefined),
});

const DEFAULT_LIFETIME_S = 60;

export interface TokenOptions {
  registry: string;
  realm: URL;
  service: string | undefined;
  scopes: readonly string[];
  credentials: Credentials;
  send: TokenSender;
  now: () => number;
}

/**
 * Asks a token service for a token: OAuth 2 with a refresh token, else GET with Basic credentials,
 * else anonymously. A service without OAuth 2 (404, 405) is asked by GET.
 * @throws ConsignError `REGISTRY_UNAUTHORIZED`, `REGISTRY_DENIED`, `REGISTRY_RESPONSE_INVALID`
 */
export async function fetchToken(options: TokenOptions): Promise<Token> {
  const requestedAt = options.now();
  const answer = (await byRefreshToken(options)) ?? (await byGet(options));
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(answer).toString("utf8"));
  } catch {
    throw invalid(options, "is not JSON");
  }
  const parsed = answerSchema.safeParse(value);
  const token = parsed.data?.token || parsed.data?.access_token;
  if (!token || !/^[\x21-\x7e]+$/.test(token)) throw invalid(options, "holds no token");
  const lifetime = (parsed.data?.expires_in ?? DEFAULT_LIFETIME_S) * 1000;
  return { value: token, expiresAt: requestedAt + lifetime - Math.min(lifetime / 10, 10_000) };
}

async function byRefreshToken({
  realm,
  service,
  scopes,
  credentials,
  send,
}: TokenOptions): Promise<Uint8Array | undefined> {
  if (credentials.kind !== "identityToken") return undefined;
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: "pulumi-consign",
    refresh_token: credentials.token,
  });
  if (service !== undefined) form.set("service", service);
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  const { status, body } = await send({
    method: "POST",
    url: realm,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: Buffer.from(form.toString()),
    ok: [404, 405],
  });
  return status === 200 ? body : undefined;
}

async function byGet({
  realm,
  service,
  scopes,
  credentials,
  send,
}: TokenOptions): Promise<Uint8Array> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const headers: Record<string, string> = {};
  if (credentials.kind !== "anonymous") {
    if (credentials.username !== "") url.searchParams.set("account", credentials.username);
    headers["authorization"] = basicHeader(
      credentials.username,
      credentials.kind === "password" ? credentials.password : credentials.token,
    );
  }
  return (await send({ method: "GET", url, headers, ok: [] })).body;
}

function invalid({ registry, realm }: TokenOptions, what: string): ConsignError {
  return new ConsignError(
    "REGISTRY_RESPONSE_INVALID",
    `the answer of ${realm.host}, the token service of ${registry}, ${what}`,
    { reference: registry },
  );
}

export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
