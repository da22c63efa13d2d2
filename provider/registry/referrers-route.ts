// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { CallOptions } from "../content/storage";
import { ConsignError } from "../errors";
import { descriptorSchema, type Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { indexSchema } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";
import { believeAbsence } from "./absence";
import { scopes } from "./auth/auth";
import { ListBound, nextPage, PageGuard } from "./links";
import type { Manifests } from "./manifests";
import type { Answer } from "./transport/connection";
import { parseErrors, type About } from "./transport/responses";

/**
 * The list that says `null` where it should be empty: nothing is listed, which is not to say that
 * nothing is there.
 */
export const NOTHING: Descriptor[] = [];

/** The registry's own words that the route is not there, or nothing behind it. */
export class Refusal {
  constructor(
    readonly status: number,
    /** It says that it does not know the repository. */
    readonly nameUnknown: boolean,
  ) {}
}

export interface RouteOptions extends CallOptions {
  /** Whether another host that the registry leads to is asked again where it fails. @default "again" */
  elsewhere?: "once" | "again" | undefined;
}

const REFUSALS: readonly number[] = [404, 405, 501];
/** These say nothing either, and get the same advice. 401, 403, 429 and 5xx have their own. */
const DOUBTFUL: readonly number[] = [400, 406, 410];

/**
 * The referrers endpoint of one repository, without memory.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export class ReferrersRoute {
  constructor(readonly manifests: Manifests) {}

  /**
   * All entries of all pages, each digest once.
   * @throws ConsignError `REFERRERS_UNKNOWN` for an answer that is neither an index nor a registry's
   * own refusal; `GRAPH_TOO_LARGE`, `PAGE_LINK_INVALID`, `REGISTRY_RESPONSE_INVALID`, also where no registry
   * answers at all
   */
  async list(subject: Digest, options: RouteOptions = {}): Promise<Descriptor[] | Refusal> {
    const { connection, repository } = this.manifests;
    const { limits } = connection;
    const about = this.#about(subject);
    const guard = new PageGuard(limits.pages, about.reference);
    const bound = new ListBound(limits.referrersBytes, limits.referrers, about.reference);
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
        ok: first ? [200, ...REFUSALS, ...DOUBTFUL] : [200],
        about,
        maxBytes: limits.pageBytes,
        elsewhere: options.elsewhere,
        signal: options.signal,
      });
      if (first) {
        const refusal = await this.#judge(answer, subject);
        if (refusal !== undefined) return refusal;
      }
      bound.bytes(answer.bytes.byteLength);
      const page = parseIndex(answer.bytes, about);
      if (page === NOTHING && found.size === 0) return NOTHING;
      for (const entry of page) if (!found.has(entry.digest)) found.set(entry.digest, entry);
      bound.entries(found.size);
      const link = answer.headers.get("link");
      url =
        link === undefined
          ? undefined
          : nextPage(link, new URL(url, connection.origin), about.reference);
    }
    return [...found.values()];
  }

  /** @returns undefined for an index */
  async #judge(answer: Answer, subject: Digest): Promise<Refusal | undefined> {
    const { status, headers, address, bytes } = answer;
    const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    if (status === 200) {
      if (type === MEDIA_TYPES.index) return undefined;
      throw this.unknown(
        subject,
        `the referrers API was answered with ${type ?? "no content type"}`,
      );
    }
    const isHome = address.origin === this.manifests.connection.origin.origin;
    if (isHome && REFUSALS.includes(status))
      await believeAbsence(this.manifests.connection, answer, "GET", this.#about(subject));
    if (!REFUSALS.includes(status) || !isHome || type === "text/html") {
      const who = isHome ? "" : `, by ${address.host}`;
      throw this.unknown(
        subject,
        `the referrers API was answered with ${status}${who}${type === undefined ? "" : ` and ${type}`}`,
      );
    }
    return new Refusal(
      status,
      parseErrors(bytes).some(({ code }) => code === "NAME_UNKNOWN"),
    );
  }

  /** "Cannot be told", which is not "none". */
  unknown(subject: Digest, why: string): ConsignError {
    const { reference } = this.#about(subject);
    const setting = `consign:registries["${this.manifests.connection.registry}"].referrers`;
    return new ConsignError(
      "REFERRERS_UNKNOWN",
      `what refers to ${reference} cannot be told: ${why}; run again, and if it stays so set ${setting} to "tag" for a registry that has no referrers API, to "api" for one that has it`,
      { reference },
    );
  }

  #about(subject: Digest): About {
    return { kind: "referrers", reference: this.manifests.reference(subject) };
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

const listSchema = indexSchema
  .pick({ schemaVersion: true, mediaType: true })
  .extend({ manifests: z.array(descriptorSchema) });
const looseSchema = listSchema.extend({ manifests: z.array(z.unknown()) });
const typedSchema = descriptorSchema.pick({
  mediaType: true,
  digest: true,
  size: true,
  artifactType: true,
});
const bareSchema = typedSchema.omit({ artifactType: true });

/** Digests by algorithms that nothing here reads, nor any client that signs. */
const otherSchema = z.looseObject({
  digest: z.string().regex(/^(?:sha384:[0-9a-f]{96}|blake3:[0-9a-f]{64})$/),
});

/**
 * Annotations and artifact types in a list are hints, copied from what anyone may push: where they
 * break the rules the entry is read without them. The rest are the registry's own words: where they
 * cannot be read, something refers to the subject and nobody knows what.
 */
function readEntry(entry: unknown, about: About): Descriptor[] {
  for (const schema of [descriptorSchema, typedSchema, bareSchema]) {
    const read = schema.safeParse(entry);
    if (read.success) return [read.data];
  }
  if (otherSchema.safeParse(entry).success) return [];
  throw new ConsignError(
    "REFERRERS_UNKNOWN",
    `what refers to ${about.reference} cannot be told: the registry's list has an entry without a media type, digest or size that can be read; run again`,
    { reference: about.reference },
  );
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
  if (parsed.success) return parsed.data.manifests.flatMap((entry) => readEntry(entry, about));
  const issue = parsed.error.issues[0];
  throw new ConsignError(
    "REGISTRY_RESPONSE_INVALID",
    `${about.reference}: the list of referrers is not an index: ${issue?.path.join(".")}: ${issue?.message}`,
    { reference: about.reference },
  );
}
