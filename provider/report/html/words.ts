// SPDX-License-Identifier: Apache-2.0
import { hexOf, type Digest } from "../../oci/digest";
import { markup, type Markup } from "./markup";
import { shortDigest } from "../words";

/** A digest for reading: short on a screen with the whole in its title, whole on paper. */
export function digestOfRow(digest: Digest): Markup {
  return markup`<code title="${digest}"><span class="short">${shortDigest(digest)}</span><span class="full">${digest}</span></code>`;
}

/** Where a row is found by links. */
export function anchorOf(digest: Digest): string {
  return `d-${hexOf(digest).slice(0, 24)}`;
}

/** A time in UTC, with the whole in its title. */
export function when(time: string | undefined, unit: "day" | "minute" = "minute"): Markup {
  if (time === undefined || Number.isNaN(Date.parse(time)))
    return markup`<span class="none">–</span>`;
  return markup`<time datetime="${time}" title="${time}">${unit === "day" ? day(time) : minute(time)}</time>`;
}

export function day(time: string | number): string {
  return minute(time).slice(0, 10);
}

export function minute(time: string | number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

/** A distinguished name as people say it: the common name, and whose it is. */
export function signerOf(subject: string | undefined): Markup {
  if (subject === undefined) return markup`<span class="none">–</span>`;
  const [name, organization] = [attribute(subject, "CN"), attribute(subject, "O")];
  if (name === undefined) return markup`<span title="${subject}">${subject}</span>`;
  const whose =
    organization === undefined || name.startsWith(organization)
      ? undefined
      : markup`, <small>${organization}</small>`;
  return markup`<span title="${subject}">${name}${whose}</span>`;
}

/** @see https://www.rfc-editor.org/rfc/rfc4514 */
function attribute(subject: string, type: string): string | undefined {
  const found = new RegExp(`(?:^|[,+])\\s*${type}=((?:\\\\.|[^,+\\\\])*)`).exec(subject)?.[1];
  return found?.replace(/\\(.)/g, "$1").trim();
}

export function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
