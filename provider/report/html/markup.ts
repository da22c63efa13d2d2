// SPDX-License-Identifier: Apache-2.0
import { printable } from "../../printable";

/**
 * Text that is HTML already. Only {@link markup} makes it, so that whatever else gets into a page
 * is escaped.
 */
export class Markup {
  constructor(readonly html: string) {}
}

export type Fragment = string | number | Markup | undefined | readonly Fragment[];

/**
 * HTML from a template: what is put into it is text, whoever wrote it, unless it is {@link Markup}.
 * Nothing comes of undefined.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  return new Markup(
    parts.reduce((html, part, index) => `${html}${fragment(values[index - 1])}${part}`),
  );
}

function fragment(value: Fragment): string {
  if (value === undefined) return "";
  if (value instanceof Markup) return value.html;
  if (typeof value === "object") return value.map(fragment).join("");
  return escape(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};
const LIMIT = 2_000;

/**
 * Fit for text and for quoted attributes. What steers a terminal or turns the direction of writing
 * is replaced here too.
 */
function escape(text: string): string {
  return printable(text, LIMIT).replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? "");
}
