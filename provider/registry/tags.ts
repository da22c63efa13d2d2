// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { CallOptions } from "../content/storage";
import { ConsignError } from "../errors";
import { tagSchema } from "../oci/reference";
import { algorithmOf, digestSchema, hexOf, isDigest, type Digest } from "../oci/digest";
import { believeAbsence } from "./absence";
import { scopes } from "./auth/auth";
import type { Answer, Connection } from "./transport/connection";
import { nextPage, PageGuard } from "./links";
import type { About } from "./transport/responses";

const PAGE_SIZE = 1000;

/** go-containerregistry's registry lists what was pushed by sha512 beside the tags. */
const pageSchema = z.object({ tags: z.array(z.union([tagSchema, digestSchema])).nullish() });

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

/**
 * All tags of a repository, page by page, without fallback tags. A repository that does not exist
 * has none.
 * @throws ConsignError `PAGE_LINK_INVALID`, `REGISTRY_RESPONSE_INVALID`
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function listTags(
  connection: Connection,
  repository: string,
  options: CallOptions = {},
): Promise<string[]> {
  const about: About = { kind: "tags", reference: `${connection.registry}/${repository}` };
  const tags = new Set<string>();
  const guard = new PageGuard(connection.limits.pages, about.reference);
  let url: URL | undefined = new URL(
    `/v2/${repository}/tags/list?n=${PAGE_SIZE}`,
    connection.origin,
  );
  while (url !== undefined) {
    const first = guard.count === 0;
    guard.enter(url.href);
    const answer: Answer = await connection.call({
      method: "GET",
      url,
      headers: { accept: "application/json" },
      scopes: [scopes.pull(repository)],
      ok: first ? [200, 404] : [200],
      about,
      maxBytes: connection.limits.pageBytes,
      signal: options.signal,
    });
    if (answer.status === 404) {
      await believeAbsence(connection, answer, "GET", about);
      return [];
    }
    for (const tag of parsePage(answer.bytes, about))
      if (!isFallbackTag(tag) && !isDigest(tag)) tags.add(tag);
    url = nextPage(answer.headers.get("link"), url, about.reference);
  }
  return [...tags].sort();
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
  if (parsed.success) return parsed.data.tags ?? [];
  throw new ConsignError(
    "REGISTRY_RESPONSE_INVALID",
    `${about.reference}: the list of tags is not as specified: ${parsed.error.issues[0]?.message}`,
    { reference: about.reference },
  );
}
