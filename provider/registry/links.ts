// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { withOwnScheme } from "./own-scheme";

/**
 * The next page of a list, from its `Link` header, or undefined on the last page.
 * @throws ConsignError `PAGE_LINK_INVALID` if it leaves the registry
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export function nextPage(
  link: string | undefined,
  current: URL,
  reference: string,
): URL | undefined {
  if (link === undefined) return undefined;
  for (const [, target = "", parameters = ""] of link.matchAll(/<([^>]*)>([^,<]*)/g)) {
    if (!/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?:\s|;|$))/i.test(parameters))
      continue;
    const url = URL.canParse(target, current.href)
      ? withOwnScheme(new URL(target, current), current)
      : undefined;
    if (
      url !== undefined &&
      url.origin === current.origin &&
      url.username === "" &&
      url.password === ""
    )
      return url;
    throw new ConsignError(
      "PAGE_LINK_INVALID",
      `${reference}: the link to the next page leaves the registry; it is not followed`,
      { reference },
    );
  }
  return undefined;
}

/**
 * Guards one walk over pages: throws `PAGE_LINK_INVALID` when a page comes twice or there are more
 * than `limit`.
 */
export class PageGuard {
  readonly #seen = new Set<string>();

  constructor(
    readonly limit: number,
    readonly reference: string,
  ) {}

  /** Pages so far. */
  get count(): number {
    return this.#seen.size;
  }

  enter(page: string): void {
    if (this.#seen.has(page))
      throw this.#invalid("the links to the next page go round in a circle");
    if (this.#seen.size >= this.limit)
      throw this.#invalid(`there are more than ${this.limit} pages`);
    this.#seen.add(page);
  }

  #invalid(what: string): ConsignError {
    return new ConsignError("PAGE_LINK_INVALID", `${this.reference}: ${what}`, {
      reference: this.reference,
    });
  }
}

/**
 * Bounds what is kept of a list over all of its pages. @throws ConsignError `GRAPH_TOO_LARGE`
 */
export class ListBound {
  #bytes = 0;

  constructor(
    readonly maxBytes: number,
    readonly maxEntries: number,
    readonly reference: string,
  ) {}

  /** One more page has come. */
  bytes(page: number): void {
    this.#bytes += page;
    if (this.#bytes > this.maxBytes) throw this.#tooLarge(`${this.maxBytes} bytes`);
  }

  /** So many entries have been found in all. */
  entries(count: number): void {
    if (count > this.maxEntries) throw this.#tooLarge(`${this.maxEntries} entries`);
  }

  #tooLarge(bound: string): ConsignError {
    return new ConsignError(
      "GRAPH_TOO_LARGE",
      `${this.reference}: the registry's list has more than ${bound}, all pages together; it is not read further, and nothing is taken from it`,
      { reference: this.reference },
    );
  }
}
