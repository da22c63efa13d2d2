// SPDX-License-Identifier: Apache-2.0

const ELEMENTS = new Set(
  "html head meta title style body main header section footer h1 h2 p span small b code a div dl dt dd table thead tbody tr th td time svg symbol use path circle rect line text g".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "lang charset name content http-equiv class id style title scope colspan datetime href role aria-label aria-hidden viewbox d cx cy r x y x1 y1 x2 y2 rx width height fill stroke stroke-width stroke-linecap stroke-linejoin stroke-dasharray stroke-opacity text-anchor".split(
    " ",
  ),
);

/**
 * What a page has in it that the renderer has no business to write: other elements, other
 * attributes, anything that loads or runs.
 */
export function strangersIn(page: string): string[] {
  const body = page.replace(/<style>[^<]*<\/style>/, "<style></style>");
  const found: string[] = [];
  for (const [tag, slash, name = "", attributes = ""] of body.matchAll(
    /<(\/?)([^\s>/]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/g,
  )) {
    if (tag.startsWith("<!doctype")) continue;
    if (!ELEMENTS.has(name.toLowerCase())) found.push(tag);
    if (slash === "/" && attributes.trim() !== "") found.push(tag);
    for (const [, attribute = "", value = ""] of attributes.matchAll(
      /([^\s=/"']+)(?:="([^"]*)")?/g,
    )) {
      if (!ATTRIBUTES.has(attribute.toLowerCase())) found.push(`${attribute} in ${tag}`);
      if (attribute === "href" && !/^#[dm]-[a-z0-9-]+$/.test(value))
        found.push(`${attribute}=${value}`);
      if (attribute === "style" && !/^--(?:i|depth):[0-9]+$/.test(value))
        found.push(`${attribute}=${value}`);
    }
  }
  const text = body.replace(/<(\/?)([^\s>/]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/g, "");
  if (/[<>]/.test(text)) found.push(`a bare bracket: ${/.{0,40}[<>].{0,40}/s.exec(text)?.[0]}`);
  if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/.test(page))
    found.push("a control character");
  return found;
}
