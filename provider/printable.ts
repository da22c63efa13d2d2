// SPDX-License-Identifier: Apache-2.0

/** White space that moves what follows it, and what divides lines in Unicode. */
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** What steers a terminal, turns the direction of writing, or is not seen at all. */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text that others may have written, fit to be shown: on one line, with nothing in it that a reader
 * cannot see. It is the one function by which that is done, wherever text for people is made and at
 * both exits.
 */
export function oneLine(text: string): string {
  return text.replace(BREAKS, " ").replace(UNSEEN, "\ufffd");
}

/** {@link oneLine}, which ends somewhere. */
export function printable(text: string, limit = 400): string {
  const clean = oneLine(text);
  return clean.length <= limit ? clean : `${clean.slice(0, limit - 1)}…`;
}

/** The exit for text whose lines are ours: each of them as {@link oneLine} has it. */
export function lineByLine(text: string): string {
  return text.split("\n").map(oneLine).join("\n");
}

/**
 * The exit to Pulumi's engine, which takes `<{%…%}>` for a color.
 * @see https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/diag/colors/colors.go
 */
export function forEngine(text: string): string {
  return lineByLine(text).replaceAll("<{%", "<{\ufffd");
}

/** The color codes of `styleText`. */
const COLOR = /(\x1b\[\d{1,2}m)/;

/** The exit to a terminal: our own colors pass where there are any, nobody's other codes. */
export function forTerminal(text: string, color: boolean): string {
  return color
    ? text
        .split(COLOR)
        .map((part, index) => (index % 2 === 1 ? part : lineByLine(part)))
        .join("")
    : lineByLine(text);
}

/**
 * JSON for a file or a terminal: what is not seen is escaped, so that it reads back as what it was.
 * `JSON.stringify` leaves all but the first 32 characters as they are.
 */
export function jsonText(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  return JSON.stringify(value, replacer, 2).replace(
    /(?!\n)[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu,
    (character) =>
      Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(
        "",
      ),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
