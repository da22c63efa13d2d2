// SPDX-License-Identifier: Apache-2.0
import { Connection } from "./transport/connection";
import { Counters } from "./transport/counters";
import { credentialsFor } from "./auth/credentials";
import { DEFAULT_LIMITS, type Limits } from "./transport/limits";
import { RegistryReferrers } from "./capabilities";
import { ManifestCache } from "./manifest-cache";
import { Repository } from "./repository";
import {
  addressOf,
  originOf,
  parseRegistrySettings,
  referrersWayOf,
  settingsCredentials,
  type RegistriesSettings,
  type RegistrySettings,
} from "./settings";
import { readTlsFiles } from "./transport/tls-files";
import { environmentProxy } from "./transport/environment-proxy";
import { Transport } from "./transport/transport";
import { ConsignError } from "../errors";
import { parseLocation } from "../oci/reference";

interface Connected {
  connection: Connection;
  transport: Transport;
  referrers: RegistryReferrers;
}

export interface RegistryClientOptions {
  /** By registry, `host[:port]`. */
  settings?: RegistriesSettings | undefined;
  /** Settings that go before these, member by member. */
  override?: RegistriesSettings | undefined;
  /** Where relative file paths in the settings count from. */
  baseDir: string;
  /**
   * Where `DOCKER_CONFIG`, `DOCKER_AUTH_CONFIG`, `HTTPS_PROXY`, `NO_PROXY`, `HOME` and `PATH` come
   * from. @default process.env
   */
  env?: NodeJS.ProcessEnv | undefined;
  limits?: Partial<Limits> | undefined;
}

/**
 * The way to all registries: one per process, shared by everything in it. Connections, tokens,
 * limits and caches are kept per registry and repository, so two users of one repository cost the
 * requests of one.
 */
export class RegistryClient {
  readonly counters = new Counters();
  readonly #options: RegistryClientOptions;
  readonly #limits: Limits;
  readonly #cache: ManifestCache;
  readonly #connections = new Map<string, Connected>();
  readonly #repositories = new Map<string, Repository>();

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#cache = new ManifestCache(this.#limits.manifestCacheBytes);
  }

  /**
   * A repository of a registry (`host[:port]`); nothing is sent yet. The same object for the same
   * names.
   * @throws ConsignError `REFERENCE_INVALID`, `INPUT_INVALID`, `FILE_NOT_FOUND`, `FILE_UNREADABLE`,
   * `TLS_FAILED`
   */
  repository(registry: string, repository: string): Repository {
    const name = `${registry}/${repository}`;
    let known = this.#repositories.get(name);
    if (known === undefined) {
      if (parseLocation(name).kind !== "registry")
        throw new ConsignError("REFERENCE_INVALID", `${name} is not a registry's repository`);
      const { connection, referrers } = this.#connect(registry);
      known = new Repository(connection, repository, this.#cache, referrers);
      this.#repositories.set(name, known);
    }
    return known;
  }

  /** `host:port` at which a registry is reached. @throws ConsignError `INPUT_INVALID` */
  addressOf(registry: string): string {
    return addressOf(registry, this.#settingsOf(registry));
  }

  /** Drops, in every repository, what may have changed since it was read. */
  forget(): void {
    for (const repository of this.#repositories.values()) repository.forget();
  }

  /** Ends all connections; requests under way fail. */
  async close(): Promise<void> {
    const open = [...this.#connections.values()];
    this.#connections.clear();
    this.#repositories.clear();
    await Promise.all(open.map(({ transport }) => transport.close()));
  }

  get #env(): NodeJS.ProcessEnv {
    return this.#options.env ?? process.env;
  }

  get #layers(): RegistriesSettings[] {
    const { settings = {}, override = {} } = this.#options;
    return [override, settings];
  }

  #settingsOf(registry: string): RegistrySettings {
    const { settings = {}, override = {} } = this.#options;
    return parseRegistrySettings(registry, { ...settings[registry], ...override[registry] });
  }

  #connect(registry: string): Connected {
    const known = this.#connections.get(registry);
    if (known !== undefined) return known;
    const settings = this.#settingsOf(registry);
    const origin = originOf(registry, settings);
    const limits = {
      ...this.#limits,
      concurrency: settings.concurrency ?? this.#limits.concurrency,
    };
    const { ca, clientCertificate } = readTlsFiles(registry, settings, this.#options.baseDir);
    const isAliased = (url: URL): boolean =>
      settings.address !== undefined && url.origin === origin.origin;
    const transport = new Transport({
      origin,
      address: settings.address,
      proxyFor: (url) =>
        settings.proxy ?? (isAliased(url) ? undefined : environmentProxy(url, this.#env)),
      ca,
      clientCertificate,
      limits,
      counters: this.counters,
    });
    const connection = new Connection({
      registry,
      origin,
      limits,
      requestsPerSecond: settings.requestsPerSecond,
      transport,
      credentials: (repository) => {
        const place = repository === undefined ? registry : `${registry}/${repository}`;
        return credentialsFor(place, settingsCredentials(this.#layers, place), this.#env);
      },
      counters: this.counters,
    });
    const referrers = new RegistryReferrers(referrersWayOf(registry, settings));
    const connected = { connection, transport, referrers };
    this.#connections.set(registry, connected);
    return connected;
  }
}
