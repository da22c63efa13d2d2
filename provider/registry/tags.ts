// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { CallOptions } from "../content/storage";
import { ConsignError } from "../errors";
import { printable } from "../printable";
import { isTag } from "../oci/reference";
import { algorithmOf, hexOf, isDigest, type Digest } from "../oci/digest";
import { believeAbsence } from "./absence";
import { scopes } from "./auth/auth";
import type { Answer, Connection } from "./transport/connection";
import { ListBound, nextPage, PageGuard } from "./links";
import type { About } from "./transport/responses";

const PAGE_SIZE = 1000;

/** How a page that is asked for is refused for its size. */
const TOO_MANY: readonly number[] = [400, 413, 416, 422];

const MAX_ODD_NAME = 128;

const pageSchema = z.object({ tags: z.array(z.string()).nullish() });

/**
 * The tag under which clients keep a subject's referrers where the registry has no referrers API.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export function fallbackTag(subject: Digest): string {
  return `${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}`;
}

export function isFallbackTag(tag: string): boolean {
  return /^sha(?:256|512)-[0-9a-f]{64}$/.test(tag);
}

export interface ListOptions extends CallOptions {
  /** Fallback tags, and no others. @default false */
  fallback?: boolean | undefined;
}

/** What a registry lists. */
export interface TagList {
  /** Sorted. */
  tags: string[];
  /** Names that are no tags, which no request can have in it. */
  odd: string[];
}

/**
 * All tags of a repository, page by page, without fallback tags. A repository that does not exist
 * has none.
 * @throws ConsignError `PAGE_LINK_INVALID`, `REGISTRY_RESPONSE_INVALID`
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function listTags(
  connection: Connection,
  repository: string,
  options: ListOptions = {},
): Promise<TagList> {
  const about: About = { kind: "tags", reference: `${connection.registry}/${repository}` };
  const tags = new Set<string>();
  const odd = new Set<string>();
  const { limits } = connection;
  const guard = new PageGuard(limits.pages, about.reference);
  const bound = new ListBound(limits.tagsBytes, limits.tags, about.reference);
  let url: URL | undefined = new URL(
    `/v2/${repository}/tags/list?n=${PAGE_SIZE}`,
    connection.origin,
  );
  while (url !== undefined) {
    const first = tags.size + odd.size === 0;
    guard.enter(url.href);
    const answer: Answer = await connection.call({
      method: "GET",
      url,
      headers: { accept: "application/json" },
      scopes: [scopes.pull(repository)],
      ok: first && url.search !== "" ? [200, 404, ...TOO_MANY] : first ? [200, 404] : [200],
      about,
      maxBytes: limits.pageBytes,
      signal: options.signal,
    });
    if (TOO_MANY.includes(answer.status)) {
      // Some bound the page by less, as Quay does: its own size is asked for then.
      url = new URL(`/v2/${repository}/tags/list`, connection.origin);
      continue;
    }
    if (answer.status === 404) {
      await believeAbsence(connection, answer, "GET", about);
      return { tags: [], odd: [] };
    }
    bound.bytes(answer.bytes.byteLength);
    for (const name of parsePage(answer.bytes, about))
      if (!isTag(name)) odd.add(printable(name, MAX_ODD_NAME));
      else if (isFallbackTag(name) === (options.fallback ?? false)) tags.add(name);
    bound.entries(tags.size + odd.size);
    url = nextPage(answer.headers.get("link"), url, about.reference);
  }
  return { tags: [...tags].sort(), odd: [...odd].sort() };
}

function parsePage(bytes: Uint8Array, about: About): string[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ConsignError(
      "REGISTRY_RESPONSE_INVALID",
      `${about.reference}: the list of tags is not JSON`,
      { reference: about.reference, cause },
    );
  }
  const parsed = pageSchema.safeParse(value);
  // go-containerregistry's registry lists what was pushed by sha512 beside the tags.
  if (parsed.success) return (parsed.data.tags ?? []).filter((name) => !isDigest(name));
  throw new ConsignError(
    "REGISTRY_RESPONSE_INVALID",
    `${about.reference}: the list of tags is not as specified: ${parsed.error.issues[0]?.message}`,
    { reference: about.reference },
  );
}

/** Whether a repository has a list of tags, which some have that are empty and none that is absent. */
export async function repositoryIsListed(
  connection: Connection,
  repository: string,
  options: CallOptions = {},
): Promise<boolean> {
  const about: About = { kind: "tags", reference: `${connection.registry}/${repository}` };
  const answer = await connection.call({
    method: "GET",
    url: `/v2/${repository}/tags/list?n=1`,
    headers: { accept: "application/json" },
    scopes: [scopes.pull(repository)],
    ok: [200, 404],
    about,
    maxBytes: connection.limits.pageBytes,
    signal: options.signal,
  });
  if (answer.status === 404) await believeAbsence(connection, answer, "GET", about);
  return answer.status === 200;
}
