// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { OciLayout } from "../content/oci-layout";
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { revocationChecker, type ResolvedTrustPolicy, type RevocationChecker } from "../notation";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { formatLocation, parseReference, type Location } from "../oci/reference";
import {
  RegistryClient,
  Repository,
  httpFetch,
  settingsFile,
  type RegistriesSettings,
} from "../registry";
import { observeArtifact } from "./collect";
import type { ObservedArtifact, ObserveOptions } from "./observation";

export interface InspectorOptions {
  /** By registry, `host[:port]`. */
  registries?: RegistriesSettings | undefined;
  /** What relative paths are relative to. */
  baseDir: string;
  /** Where `DOCKER_CONFIG`, `HOME` and `PATH` come from. @default process.env */
  env?: NodeJS.ProcessEnv | undefined;
}

/** An artifact that is there. */
export interface Located {
  store: ReadStore;
  descriptor: Descriptor;
  /** `host[:port]/repository` or `oci:path`, as it was written. */
  scope: string;
}

export type InspectOptions = Pick<ObserveOptions, "extent" | "precedence" | "lifecycleIssuers"> & {
  trust?: ResolvedTrustPolicy | undefined;
  now: Date;
  /** What the trust policy calls the repository. @default its location as it was written */
  scope?: string | undefined;
};

/**
 * Looks at artifacts by reference, wherever they are. Reads, never writes. To be closed when done.
 */
export class Inspector {
  readonly #registries: RegistryClient;
  readonly #revocation: RevocationChecker;
  readonly #baseDir: string;

  constructor({ registries, baseDir, env }: InspectorOptions) {
    this.#registries = new RegistryClient({
      settings: registries,
      override: settingsFile(baseDir, env ?? process.env),
      baseDir,
      env,
    });
    this.#revocation = revocationChecker({ fetch: httpFetch() });
    this.#baseDir = baseDir;
  }

  /**
   * Finds the artifact that a reference names, by digest or tag.
   * @throws ConsignError `REFERENCE_INVALID`, `INPUT_INVALID` for a repository alone,
   * `MANIFEST_UNKNOWN`, `REGISTRY_*`
   */
  async locate(reference: string): Promise<Located> {
    const { location, tag, digest } = parseReference(reference);
    const store = this.open(location);
    const wanted = digest ?? tag;
    if (wanted === undefined)
      throw new ConsignError(
        "INPUT_INVALID",
        `"${reference}" names a repository: say which artifact, by :tag or @digest${await hint(store)}`,
        { reference },
      );
    return {
      store,
      descriptor: plainDescriptor(await store.resolve(wanted)),
      scope: formatLocation(location),
    };
  }

  /** @throws ConsignError what {@link locate} and {@link observeArtifact} throw */
  async observe(reference: string, options: InspectOptions): Promise<ObservedArtifact> {
    const { store, descriptor, scope } = await this.#find(reference);
    const observed = await observeArtifact(store, descriptor, {
      ...options,
      scope: options.scope ?? scope,
      baseDir: this.#baseDir,
      revocation: this.#revocation,
    });
    const byTags = store instanceof Repository && store.referrersSupport.support === "unsupported";
    return byTags ? { ...observed, listedByTags: true } : observed;
  }

  /** As {@link locate}, or what is left of it: what refers to an artifact says what it was. */
  async #find(reference: string): Promise<Located> {
    try {
      return await this.locate(reference);
    } catch (error) {
      const { location, digest } = parseReference(reference);
      if (digest === undefined || !isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
      const store = this.open(location);
      const descriptor = await describedByReferrers(store, digest);
      if (descriptor === undefined) throw error;
      return { store, descriptor, scope: formatLocation(location) };
    }
  }

  async close(): Promise<void> {
    await this.#registries.close();
  }

  /** A place to read from, until this inspector is closed. */
  open(location: Location): ReadStore {
    if (location.kind === "registry")
      return this.#registries.repository(location.registry, location.repository);
    return OciLayout.open(resolve(this.#baseDir, location.path), {
      name: formatLocation(location),
    });
  }
}

/** Referrers that are asked what they refer to. */
const MAX_ASKED = 20;

/** The subject of the first that can be read; its digest is what was asked for. */
async function describedByReferrers(
  store: ReadStore,
  digest: Digest,
): Promise<Descriptor | undefined> {
  for (const referrer of (await store.referrers(digest)).slice(0, MAX_ASKED)) {
    try {
      const { subject } = (await store.manifest(referrer.digest)).value;
      if (subject?.digest === digest) return plainDescriptor(subject);
    } catch (error) {
      if (!isConsignError(error, "MANIFEST_UNKNOWN", "MANIFEST_INVALID", "DIGEST_MISMATCH"))
        throw error;
    }
  }
  return undefined;
}

const MAX_HINTS = 10;

async function hint(store: ReadStore): Promise<string> {
  try {
    const tags = await store.tags();
    return tags.length === 0
      ? "; it has no tags"
      : `; its tags: ${tags.slice(0, MAX_HINTS).join(", ")}${tags.length > MAX_HINTS ? ", …" : ""}`;
  } catch (error) {
    if (isConsignError(error)) return "";
    throw error;
  }
}
