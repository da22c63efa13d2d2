// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Gate } from "./proxy";

export type Users = Record<string, string>;

/** A registry that wants a user's name and password with every request. */
export function basicGate(users: Users): Gate {
  return (request, response) => {
    if (knownUser(request.headers.authorization, users) !== undefined) return false;
    return refuse(response, 401, "UNAUTHORIZED", 'Basic realm="consign test"');
  };
}

function knownUser(authorization: string | undefined, users: Users): string | undefined {
  if (!/^basic /i.test(authorization ?? "")) return undefined;
  const [name = "", ...rest] = Buffer.from((authorization ?? "").slice(6), "base64")
    .toString()
    .split(":");
  return Object.hasOwn(users, name) && users[name] === rest.join(":") ? name : undefined;
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  challenge?: string,
): boolean {
  response.writeHead(status, {
    "content-type": "application/json",
    ...(challenge === undefined ? {} : { "www-authenticate": challenge }),
  });
  response.end(
    JSON.stringify({ errors: [{ code, message: "refused by the test's authentication" }] }),
  );
  return true;
}

export interface TokenServerOptions {
  users: Users;
  /** Scopes for a request without credentials, as `pull`. @default none */
  anonymous?: readonly string[];
  /** Limits what a user may do, as `{ reader: ["pull"] }`. @default everything */
  actions?: Record<string, readonly string[]>;
  /** Seconds a token lives; it is refused after. @default 300 */
  lifetime?: number;
  /** Member of the answer that carries the token. @default "token" */
  field?: "token" | "access_token";
}

/** One request for a token. */
export interface TokenRequest {
  method: string;
  scopes: string[];
  service: string;
  user: string | undefined;
  status: number;
}

export interface TokenServer {
  /** `http://127.0.0.1:port/token`. */
  readonly realm: string;
  readonly gate: Gate;
  requests(): TokenRequest[];
  /** Makes every token that was given out invalid. */
  revokeAll(): void;
  stop(): Promise<void>;
}

interface Grant {
  scopes: Set<string>;
  until: number;
}

const SERVICE = "consign-test";

/**
 * The token server of Docker's scheme, and the gate of a registry that sends clients to it. A token
 * carries the scopes asked for that its user may have; a request that needs another one gets a
 * challenge that names it.
 */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const grants = new Map<string, Grant>();
  const log: TokenRequest[] = [];

  function issue(user: string | undefined, scopes: string[]): string {
    const allowed = user === undefined ? (options.anonymous ?? []) : options.actions?.[user];
    const granted = scopes
      .flatMap(singleScopes)
      .filter(
        (scope) =>
          allowed === undefined || allowed.includes(scope.slice(scope.lastIndexOf(":") + 1)),
      );
    const token = randomUUID();
    grants.set(token, {
      scopes: new Set(granted),
      until: Date.now() + (options.lifetime ?? 300) * 1000,
    });
    return token;
  }

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const query =
        request.method === "POST"
          ? new URLSearchParams(body)
          : new URL(request.url ?? "/", "http://token.test").searchParams;
      const scopes = query
        .getAll("scope")
        .flatMap((scope) => scope.split(" "))
        .filter((scope) => scope !== "");
      const basic = request.headers.authorization;
      const user =
        request.method === "POST"
          ? knownForm(query, options.users)
          : knownUser(basic, options.users);
      const denied =
        user === undefined &&
        (basic !== undefined || request.method === "POST" || options.anonymous === undefined);
      log.push({
        method: request.method ?? "",
        scopes,
        service: query.get("service") ?? "",
        user,
        status: denied ? 401 : 200,
      });
      if (denied) return void refuse(response, 401, "UNAUTHORIZED");
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          [options.field ?? "token"]: issue(user, scopes),
          expires_in: options.lifetime ?? 300,
          issued_at: new Date().toISOString(),
        }),
      );
    });
  });
  await new Promise<void>(
    (done, fail) => void server.once("error", fail).listen(0, "127.0.0.1", done),
  );
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;

  const gate: Gate = (request, response) => {
    const needed = neededScopes(request.method ?? "", request.url ?? "");
    const [, token] = /^bearer (.+)$/i.exec(request.headers.authorization ?? "") ?? [];
    const grant = token === undefined ? undefined : grants.get(token);
    if (
      grant !== undefined &&
      grant.until > Date.now() &&
      needed.flatMap(singleScopes).every((scope) => grant.scopes.has(scope))
    )
      return false;
    const scope = needed.length === 0 ? "" : `,scope="${needed.join(" ")}"`;
    const error =
      grant === undefined
        ? ""
        : `,error="${grant.until > Date.now() ? "insufficient_scope" : "invalid_token"}"`;
    return refuse(
      response,
      401,
      "UNAUTHORIZED",
      `Bearer realm="${realm}",service="${SERVICE}"${scope}${error}`,
    );
  };
  return {
    realm,
    gate,
    requests: () => [...log],
    revokeAll: () => grants.clear(),
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** `repository:a:pull,push` as its single actions. */
function singleScopes(scope: string): string[] {
  const colon = scope.lastIndexOf(":");
  return scope
    .slice(colon + 1)
    .split(",")
    .map((action) => `${scope.slice(0, colon)}:${action}`);
}

function neededScopes(method: string, url: string): string[] {
  const { pathname, searchParams } = new URL(url, "http://registry.test");
  const [, repository] =
    /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\/.*$/.exec(pathname) ?? [];
  if (repository === undefined) return [];
  const actions =
    method === "GET" || method === "HEAD" ? "pull" : method === "DELETE" ? "delete" : "pull,push";
  const from = searchParams.get("from");
  return [
    `repository:${repository}:${actions}`,
    ...(from === null ? [] : [`repository:${from}:pull`]),
  ];
}

function knownForm(form: URLSearchParams, users: Users): string | undefined {
  const name = form.get("username") ?? "";
  if (form.get("grant_type") === "password")
    return Object.hasOwn(users, name) && users[name] === form.get("password") ? name : undefined;
  return Object.entries(users).find(([, secret]) => secret === form.get("refresh_token"))?.[0];
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
