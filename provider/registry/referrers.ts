// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, ReferrersOptions } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { artifactTypeOf, referrerDescriptor, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";
import { ReferrersCapability, type RegistryReferrers } from "./capabilities";
import { FallbackIndex } from "./fallback-index";
import type { Manifests } from "./manifests";
import { abortable, Memo } from "./memo";
import { ReferrersDetection, type Whereabouts } from "./referrers-detection";
import { NOTHING, ReferrersRoute, type RouteOptions } from "./referrers-route";
import { wait } from "./transport/gate";
import { backoff } from "./transport/retry";

export type ListOptions = Pick<ReferrersOptions, "fresh" | "signal" | "unproven">;

/** How often a referrer that the registry accepted and does not list is pushed again. */
const MAX_REPAIRS = 3;

/**
 * What refers to a subject in one repository: through the referrers API, or through the fallback
 * tag where there is none.
 */
export class Referrers {
  readonly capability: ReferrersCapability;
  readonly #detection: ReferrersDetection;
  readonly #fallback: FallbackIndex;
  readonly #lists: Memo<Descriptor[]>;
  /** What fallback tags list where nobody can tell whether that is all. */
  readonly #kept: Memo<Descriptor[]>;
  readonly #running = new Map<Digest, Promise<Whereabouts>>();
  readonly #queued = new Map<Digest, Promise<Whereabouts>>();

  constructor(
    readonly manifests: Manifests,
    registry: RegistryReferrers,
  ) {
    this.capability = new ReferrersCapability(registry);
    const route = new ReferrersRoute(manifests);
    this.#detection = new ReferrersDetection(route, this.capability);
    this.#fallback = new FallbackIndex(manifests, (subject, why) => route.unknown(subject, why));
    this.#lists = new Memo(manifests.connection.limits.mutableCacheMs);
    this.#kept = new Memo(manifests.connection.limits.mutableCacheMs);
  }

  forget(): void {
    this.#lists.clear();
    this.#kept.clear();
    this.capability.forget();
  }

  /**
   * Entries as the registry lists them, each digest once: hints, since anyone who may push may write
   * them under a fallback tag. None are answered only where there are surely none.
   * @throws ConsignError `REFERRERS_UNKNOWN` where that cannot be told
   */
  list(subject: Digest, options: ListOptions = {}): Promise<Descriptor[]> {
    const { fresh, unproven, signal } = options;
    if (fresh === true) {
      this.#lists.delete(subject);
      this.#kept.delete(subject);
      this.capability.forget();
    }
    if (unproven !== undefined) return this.#listOrKept(subject, unproven, signal);
    return this.#lists.get(subject, (signal) => this.#load(subject, { signal }), signal);
  }

  async #load(subject: Digest, options: RouteOptions): Promise<Descriptor[]> {
    const listed = await this.#detection.list(subject, options);
    if (listed === "nowhere") return [];
    // olareg answers `"manifests": null` also where its own list was lost to a fallback tag of
    // the same content, as notation writes one.
    const entries =
      listed === "tag" || listed === NOTHING
        ? await this.#fallback.list(subject, { signal: options.signal })
        : listed;
    if (entries.some(({ artifactType }) => artifactType === MEDIA_TYPES.empty))
      this.capability.doubtTypes();
    return entries;
  }

  /**
   * For copying: a route that fails alone, and has never answered, is no reason to bring nothing.
   * That the fallback tag can be asked shows that the registry answers all else, with the same token.
   */
  async #listOrKept(
    subject: Digest,
    unproven: (why: string) => void,
    signal: AbortSignal | undefined,
  ): Promise<Descriptor[]> {
    const { capability } = this;
    const kept = (): Promise<Descriptor[]> =>
      this.#kept.get(subject, (signal) => this.#fallback.list(subject, { signal }), signal);
    if (capability.doubt !== undefined) {
      unproven(capability.doubt);
      return kept();
    }
    const elsewhere = capability.isProven ? "again" : "once";
    const list = (): Promise<Descriptor[]> =>
      this.#lists.get(subject, (signal) => this.#load(subject, { signal, elsewhere }), signal);
    try {
      // What fails once may work: the tag is no list of a registry that keeps its own.
      return await list().catch((failure: unknown) => {
        if (capability.isProven || !mayBeOfTheRoute(failure)) throw failure;
        return list();
      });
    } catch (failure) {
      if (capability.isProven || !mayBeOfTheRoute(failure)) throw failure;
      const entries = await kept().catch(() => {
        throw failure;
      });
      capability.doubted(failure.message);
      unproven(failure.message);
      return entries;
    }
  }

  /**
   * Makes sure that a manifest that was just pushed is listed under its subject: read back, pushed
   * again where the registry lost it, and written to the fallback tag only where the API does not
   * list it.
   * @param announced the registry answered with `OCI-Subject`
   * @throws ConsignError `READ_BACK_FAILED`
   */
  async ensureListed(
    manifest: Manifest,
    subject: Digest,
    announced: boolean,
    again: () => Promise<void>,
    options: CallOptions = {},
  ): Promise<void> {
    const { limits, counters } = this.manifests.connection;
    this.#lists.delete(subject);
    for (let repairs = 0; ; repairs += 1) {
      for (let tried = 0; tried < limits.readBackTries; tried += 1) {
        this.capability.pushed();
        const listed = await this.#viaApiSince(subject, options.signal).catch(
          (failure: unknown) => {
            // Whoever looks under the tag finds it there, whether or not the API knows of it too.
            if (this.capability.isProven || !mayBeOfTheRoute(failure)) throw failure;
            return "tag" as const;
          },
        );
        if (listed === "tag") return this.#addToFallback(manifest, subject, options);
        const entry =
          listed === "nowhere"
            ? undefined
            : listed.find(({ digest }) => digest === manifest.descriptor.digest);
        if (entry !== undefined && listed !== "nowhere") {
          if (entry.artifactType !== artifactTypeOf(manifest)) this.capability.doubtTypes();
          this.capability.listed();
          this.#lists.set(subject, listed);
          return;
        }
        await wait(
          backoff(tried, { backoffMs: limits.readBackMs, backoffCapMs: limits.backoffCapMs }),
          options.signal,
        );
      }
      if (repairs >= MAX_REPAIRS) break;
      counters.repairs += 1;
      await again();
    }
    if (announced || this.capability.registry.way === "api") {
      const reference = this.manifests.reference(manifest.descriptor.digest);
      throw new ConsignError(
        "READ_BACK_FAILED",
        `${reference} was accepted as a referrer of ${subject} ${MAX_REPAIRS + 1} times and is not listed; the registry loses referrers`,
        { reference },
      );
    }
    this.capability.disprove("the referrers API does not list what was pushed");
    await this.#addToFallback(manifest, subject, options);
  }

  /** Notes that something was pushed, so that the repository exists. */
  pushed(): void {
    this.capability.pushed();
  }

  /**
   * Notes a push that its caller reads back later. @returns whether that is enough: not before this
   * repository has listed a referrer that was pushed here, since until then the fallback tag may
   * have to be written
   */
  pushedUnseen(subject: Digest | undefined): boolean {
    if (subject === undefined) return true;
    this.#lists.delete(subject);
    return this.capability.listsPushes;
  }

  /**
   * Takes an entry out of the fallback tag where the registry needs one. @returns how to put it
   * back, if it was there
   */
  async remove(
    manifest: Manifest,
    subject: Digest,
    options: CallOptions = {},
  ): Promise<(() => Promise<void>) | undefined> {
    // By its own answer: what is known may be forgotten while anything else is waited for.
    const viaTag =
      this.capability.support !== "supported" &&
      (await this.#detection.list(subject, options)) === "tag";
    this.#lists.delete(subject);
    if (!viaTag) return undefined;
    const removed = await this.#fallback.remove(subject, manifest.descriptor.digest, options);
    return removed ? () => this.#addToFallback(manifest, subject, options) : undefined;
  }

  async #addToFallback(manifest: Manifest, subject: Digest, options: CallOptions): Promise<void> {
    await this.#fallback.add(subject, referrerDescriptor(manifest), options);
    this.#lists.delete(subject);
  }

  /**
   * A list asked for after this call; several callers share one that has not been asked for yet.
   */
  #viaApiSince(subject: Digest, signal?: AbortSignal): Promise<Whereabouts> {
    let next = this.#queued.get(subject);
    if (next === undefined) {
      const before =
        this.#running.get(subject)?.catch(() => undefined) ?? Promise.resolve(undefined);
      next = before.then(() => {
        this.#queued.delete(subject);
        const list = this.#detection.list(subject, {}).finally(() => {
          if (this.#running.get(subject) === list) this.#running.delete(subject);
        });
        this.#running.set(subject, list);
        return list;
      });
      this.#queued.set(subject, next);
    }
    return abortable(next, signal);
  }
}

/**
 * Failures that can be the route's alone. What speaks about the client as a whole, about the way to
 * the registry, or about a list that did come, is none.
 */
function mayBeOfTheRoute(failure: unknown): failure is ConsignError {
  return isConsignError(
    failure,
    "REFERRERS_UNKNOWN",
    "REGISTRY_UNAUTHORIZED",
    "REGISTRY_DENIED",
    "REGISTRY_RATE_LIMITED",
    "REGISTRY_FAILED",
    "REGISTRY_UNSUPPORTED",
    "REDIRECT_REFUSED",
    "TLS_FAILED",
  );
}
