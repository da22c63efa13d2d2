// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";
import { parseChallenges } from "./challenge";
import { Memo } from "../memo";
import { isLoopback } from "../settings";
import { basicHeader, fetchToken, type Token, type TokenSender } from "./token";
import type { Credentials } from "./credential";

/** Scopes of a request, computed by us: a challenge's own may be missing or a placeholder. */
export const scopes = {
  pull: (repository: string): string => `repository:${repository}:pull`,
  push: (repository: string): string => `repository:${repository}:pull,push`,
  delete: (repository: string): string => `repository:${repository}:delete`,
};

type Scheme = { kind: "basic" } | { kind: "bearer"; realm: URL; service: string | undefined };

export interface AuthorizerOptions {
  registry: string;
  origin: URL;
  /**
   * Looks the credentials up anew each time it is called, for one repository where it is about one.
   */
  credentials: (repository: string | undefined) => Promise<Credentials>;
  send: TokenSender;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * Answers a registry's 401: knows its scheme once it was challenged, keeps tokens per realm,
 * service and scopes until they expire, and asks for each only once at a time. Credentials are
 * looked up at the first challenge, and again when they are rejected.
 */
export class Authorizer {
  #scheme: Scheme | undefined;
  readonly #tokens = new Map<string, Token>();
  readonly #wider = new Map<string, string[]>();
  readonly #fetching = new Memo<Token>(0);
  /** By repository: two accounts at one host are two robots of two projects. */
  readonly #credentials = new Map<string | undefined, Promise<Credentials>>();
  readonly #options: AuthorizerOptions;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** The Authorization header for a request, or none where the registry has not asked for one. */
  header(wanted: readonly string[], signal?: AbortSignal): Promise<string> | undefined {
    return this.#scheme === undefined ? undefined : this.#headerFor(this.#scheme, wanted, signal);
  }

  async #headerFor(
    scheme: Scheme,
    wanted: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<string> {
    if (scheme.kind === "basic") return basic(await this.#lookUp(wanted), this.#options.registry);
    return `Bearer ${await this.#token(scheme, wanted, signal)}`;
  }

  /**
   * Learns from a 401. `rejected` is the header that was sent.
   * @returns whether the same request with a new header may succeed
   */
  async challenged(
    header: string | undefined,
    wanted: readonly string[],
    rejected: string | undefined,
  ): Promise<boolean> {
    const scheme = this.#choose(header ?? "");
    if (scheme === undefined) return false;
    const same = this.#scheme?.kind === scheme.kind;
    this.#scheme = scheme;
    if (rejected === undefined || !same) return true;
    if (scheme.kind === "basic") {
      if (!this.#credentials.has(repositoryOf(wanted))) return true;
      const before = basic(await this.#lookUp(wanted), this.#options.registry);
      if (before !== rejected) return true;
      this.#credentials.delete(repositoryOf(wanted));
      return basic(await this.#lookUp(wanted), this.#options.registry) !== rejected;
    }
    const key = tokenKey(scheme, wanted);
    if (`Bearer ${this.#tokens.get(key)?.value}` === rejected) {
      this.#tokens.delete(key);
      this.#credentials.delete(repositoryOf(wanted));
    }
    const asked = parseChallenges(header ?? "")
      .find((challenge) => challenge.scheme === "bearer")
      ?.parameters.get("scope");
    if (asked !== undefined) this.#wider.set(key, harmless(asked, wanted));
    return true;
  }

  #choose(header: string): Scheme | undefined {
    const challenges = parseChallenges(header);
    for (const { scheme, parameters } of challenges) {
      const realm = parameters.get("realm");
      if (scheme === "bearer" && realm !== undefined)
        return { kind: "bearer", realm: this.#realm(realm), service: parameters.get("service") };
    }
    return challenges.some(({ scheme }) => scheme === "basic") ? { kind: "basic" } : undefined;
  }

  /**
   * Credentials go to a realm, so it must be https; plain HTTP only where the registry is too, and
   * then to the same host or loopback.
   */
  #realm(text: string): URL {
    const { registry, origin } = this.#options;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plainAllowed =
      origin.protocol === "http:" &&
      url?.protocol === "http:" &&
      (url.hostname === origin.hostname || isLoopback(url.hostname));
    if (
      url !== undefined &&
      (url.protocol === "https:" || plainAllowed) &&
      url.username === "" &&
      url.password === ""
    )
      return url;
    throw new ConsignError(
      "REGISTRY_RESPONSE_INVALID",
      `${registry} sends to a token service that is not https; credentials are not sent there`,
      { reference: registry },
    );
  }

  #lookUp(wanted: readonly string[]): Promise<Credentials> {
    const repository = repositoryOf(wanted);
    const known = this.#credentials.get(repository);
    if (known !== undefined) return known;
    const lookup = this.#options.credentials(repository);
    if (this.#credentials.size > 10_000) this.#credentials.clear();
    this.#credentials.set(repository, lookup);
    lookup.catch(() => {
      if (this.#credentials.get(repository) === lookup) this.#credentials.delete(repository);
    });
    return lookup;
  }

  async #token(
    scheme: Scheme & { kind: "bearer" },
    wanted: readonly string[],
    signal?: AbortSignal,
  ): Promise<string> {
    const key = tokenKey(scheme, wanted);
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expiresAt > this.#options.now()) return known.value;
    const token = await this.#fetching.get(
      key,
      async () => {
        const all = [...new Set([...wanted, ...(this.#wider.get(key) ?? [])])].sort();
        const credentials = await this.#lookUp(wanted);
        const fresh = await fetchToken({
          ...scheme,
          scopes: all,
          credentials,
          registry: this.#options.registry,
          send: this.#options.send,
          now: this.#options.now,
        });
        if (this.#tokens.size > 10_000) this.#tokens.clear();
        this.#tokens.set(key, fresh);
        return fresh;
      },
      signal,
    );
    return token.value;
  }
}

/** What a request is about; where blobs are mounted from another repository, that comes second. */
function repositoryOf([scope]: readonly string[]): string | undefined {
  return scope?.split(":")[1];
}

function tokenKey(scheme: Scheme & { kind: "bearer" }, wanted: readonly string[]): string {
  return [scheme.realm.href, scheme.service ?? "", ...[...wanted].sort()].join(" ");
}

/**
 * Of the scopes a challenge asks for, those that allow no more than the request is for. They may
 * name the repository otherwise, as behind a proxy that has it under another path.
 */
function harmless(asked: string, wanted: readonly string[]): string[] {
  const actions = new Set(wanted.flatMap(actionsOf));
  const names = new Set(wanted.map((scope) => scope.slice(0, scope.lastIndexOf(":"))));
  return asked.split(" ").filter((scope) => {
    if (names.has(scope.slice(0, scope.lastIndexOf(":")))) return true;
    return scope.startsWith("repository:") && actionsOf(scope).every((each) => actions.has(each));
  });
}

function actionsOf(scope: string): string[] {
  return scope.slice(scope.lastIndexOf(":") + 1).split(",");
}

function basic(credentials: Credentials, registry: string): string {
  if (credentials.kind === "anonymous") {
    throw new ConsignError(
      "REGISTRY_UNAUTHORIZED",
      `${registry} wants a user name and password; give consign:registries both, or log in with docker login`,
      {
        reference: registry,
        status: 401,
      },
    );
  }
  return basicHeader(
    credentials.username,
    credentials.kind === "password" ? credentials.password : credentials.token,
  );
}
