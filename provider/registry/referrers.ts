// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { CallOptions } from "../content/storage";
import { ConsignError } from "../errors";
import { descriptorSchema, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { artifactTypeOf, indexSchema, referrerDescriptor, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";
import { scopes } from "./auth/auth";
import { judgeReferrers, REFERRERS_STATUSES, ReferrersCapability } from "./capabilities";
import type { Answer } from "./transport/connection";
import { FallbackIndex } from "./fallback-index";
import { wait } from "./transport/gate";
import { nextPage, PageGuard } from "./links";
import type { Manifests } from "./manifests";
import { abortable, Memo } from "./memo";
import { parseErrors, type About } from "./transport/responses";
import { backoff } from "./transport/retry";

const MAX_REFERRERS = 100_000;

/**
 * The list that says `null` where it should be empty: nothing is listed, which is not to say that
 * nothing is there.
 */
const NOTHING: Descriptor[] = [];

/** How often a referrer that the registry accepted and does not list is pushed again. */
const MAX_REPAIRS = 3;

/**
 * What refers to a subject in one repository: through the referrers API, or through the fallback
 * tag where there is none.
 */
export class Referrers {
  readonly capability = new ReferrersCapability();
  readonly #fallback: FallbackIndex;
  readonly #lists: Memo<Descriptor[]>;
  readonly #running = new Map<Digest, Promise<Descriptor[] | undefined>>();
  readonly #queued = new Map<Digest, Promise<Descriptor[] | undefined>>();

  constructor(readonly manifests: Manifests) {
    this.#fallback = new FallbackIndex(manifests);
    this.#lists = new Memo(manifests.connection.limits.mutableCacheMs);
  }

  forget(): void {
    this.#lists.clear();
    this.capability.forget();
  }

  /** Entries as the registry lists them, each digest once. */
  list(subject: Digest, options: CallOptions = {}): Promise<Descriptor[]> {
    const load = async (signal?: AbortSignal): Promise<Descriptor[]> => {
      const listed = await this.#viaApi(subject, { signal });
      // olareg answers `"manifests": null` also where its own list was lost to a fallback tag of
      // the same content, as notation writes one.
      const entries =
        listed === undefined || listed === NOTHING
          ? await this.#fallback.list(subject, { signal })
          : listed;
      if (entries.some(({ artifactType }) => artifactType === MEDIA_TYPES.empty))
        this.capability.doubtTypes();
      return entries;
    };
    if (options.fresh === true) {
      this.#lists.delete(subject);
      this.capability.forget();
    }
    return this.#lists.get(subject, load, options.signal);
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
    this.capability.pushed();
    this.#lists.delete(subject);
    for (let repairs = 0; ; repairs += 1) {
      for (let tried = 0; tried < limits.readBackTries; tried += 1) {
        const listed = await this.#viaApiSince(subject, options.signal);
        if (listed === undefined) return this.#addToFallback(manifest, subject, options);
        const entry = listed.find(({ digest }) => digest === manifest.descriptor.digest);
        if (entry !== undefined) {
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
    if (announced) {
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
      (await this.#viaApi(subject, options)) === undefined;
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
  #viaApiSince(subject: Digest, signal?: AbortSignal): Promise<Descriptor[] | undefined> {
    let next = this.#queued.get(subject);
    if (next === undefined) {
      const before =
        this.#running.get(subject)?.catch(() => undefined) ?? Promise.resolve(undefined);
      next = before.then(() => {
        this.#queued.delete(subject);
        const list = this.#viaApi(subject, {}).finally(() => {
          if (this.#running.get(subject) === list) this.#running.delete(subject);
        });
        this.#running.set(subject, list);
        return list;
      });
      this.#queued.set(subject, next);
    }
    return abortable(next, signal);
  }

  /** @returns undefined where the fallback tag has to be asked */
  async #viaApi(subject: Digest, options: CallOptions): Promise<Descriptor[] | undefined> {
    if (this.capability.support === "unsupported") return undefined;
    const { connection, repository } = this.manifests;
    const about: About = { kind: "referrers", reference: this.manifests.reference(subject) };
    const guard = new PageGuard(connection.limits.pages, about.reference);
    const found = new Map<Digest, Descriptor>();
    let url: string | URL | undefined = `/v2/${repository}/referrers/${subject}`;
    while (url !== undefined) {
      const first = guard.count === 0;
      guard.enter(connection.href(url));
      const answer: Answer = await connection.call({
        method: "GET",
        url,
        headers: { accept: MEDIA_TYPES.index },
        scopes: [scopes.pull(repository)],
        ok: first ? REFERRERS_STATUSES : [200],
        about,
        maxBytes: connection.limits.pageBytes,
        signal: options.signal,
      });
      if (first) {
        const codes =
          answer.status === 200 ? [] : parseErrors(answer.bytes).map(({ code }) => code);
        const verdict = judgeReferrers(answer.status, answer.headers.get("content-type"), codes);
        this.capability.learn(verdict);
        if (verdict.support !== "supported") return undefined;
      }
      const page = parseIndex(answer.bytes, about);
      if (page === NOTHING && found.size === 0) return NOTHING;
      for (const entry of page) if (!found.has(entry.digest)) found.set(entry.digest, entry);
      if (found.size > MAX_REFERRERS)
        throw new ConsignError(
          "GRAPH_TOO_LARGE",
          `${about.reference} has more than ${MAX_REFERRERS} referrers`,
          { reference: about.reference },
        );
      const link = answer.headers.get("link");
      url =
        link === undefined
          ? undefined
          : nextPage(link, new URL(url, connection.origin), about.reference);
    }
    return [...found.values()];
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

const listSchema = indexSchema
  .pick({ schemaVersion: true, mediaType: true })
  .extend({ manifests: z.array(descriptorSchema).max(MAX_REFERRERS) });
const looseSchema = listSchema.extend({ manifests: z.array(z.unknown()).max(MAX_REFERRERS) });
const bareSchema = descriptorSchema.pick({
  mediaType: true,
  digest: true,
  size: true,
  artifactType: true,
});

/**
 * Annotations in a list are hints, copied from what anyone may push: where they break the rules the
 * entry is read without them.
 */
function readEntry(entry: unknown): Descriptor[] {
  const whole = descriptorSchema.safeParse(entry);
  if (whole.success) return [whole.data];
  const bare = bareSchema.safeParse(entry);
  return bare.success ? [bare.data] : [];
}

function parseIndex(bytes: Uint8Array, about: About): Descriptor[] {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(bytes));
  } catch (cause) {
    throw new ConsignError(
      "REGISTRY_RESPONSE_INVALID",
      `${about.reference}: the list of referrers is not JSON`,
      { reference: about.reference, cause },
    );
  }
  if (
    typeof value === "object" &&
    value !== null &&
    "manifests" in value &&
    value.manifests === null
  )
    return NOTHING;
  const whole = listSchema.safeParse(value);
  if (whole.success) return whole.data.manifests;
  const parsed = looseSchema.safeParse(value);
  if (parsed.success) return parsed.data.manifests.flatMap(readEntry);
  const issue = parsed.error.issues[0];
  throw new ConsignError(
    "REGISTRY_RESPONSE_INVALID",
    `${about.reference}: the list of referrers is not an index: ${issue?.path.join(".")}: ${issue?.message}`,
    { reference: about.reference },
  );
}
