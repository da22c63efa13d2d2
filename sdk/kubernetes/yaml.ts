// SPDX-License-Identifier: Apache-2.0
import type { Manifest } from "./objects";

/** Words that YAML 1.1 readers take for a truth value or for nothing, and so must be quoted. */
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null)$/i;
const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/;
/** What JSON leaves as it is and YAML calls not printable, or a line break. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/**
 * Manifests as one YAML file, for `kubectl apply -f` and for review. Keys stay in their order, so
 * the same manifests give the same bytes.
 * @see https://yaml.org/spec/1.2.2/
 */
export function toYaml(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => `---\n${block(manifest, 0)}`).join("");
}

function block(value: object, indent: number): string {
  return Array.isArray(value)
    ? value.map((item: unknown) => entry("-", item, indent)).join("")
    : membersOf(value)
        .map(([key, item]) => entry(`${scalar(key)}:`, item, indent))
        .join("");
}

function entry(head: string, value: unknown, indent: number): string {
  const start = `${" ".repeat(indent)}${head}`;
  if (typeof value !== "object" || value === null) return `${start} ${scalar(value)}\n`;
  if (Array.isArray(value))
    return value.length === 0 ? `${start} []\n` : `${start}\n${block(value, indent + 2)}`;
  if (membersOf(value).length === 0) return `${start} {}\n`;
  const inner = block(value, indent + 2);
  return head === "-" ? `${start} ${inner.slice(indent + 2)}` : `${start}\n${inner}`;
}

/** As in JSON, a member that is undefined is not there. */
function membersOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, item]) => item !== undefined);
}

function scalar(value: unknown): string {
  if (typeof value === "string")
    return PLAIN.test(value) && !WORDS.test(value) ? value : quoted(value);
  if (
    typeof value === "boolean" ||
    value === null ||
    (typeof value === "number" && Number.isFinite(value))
  )
    return String(value);
  throw new TypeError(`${typeof value} has no place in a manifest`);
}

/** JSON's strings are YAML's double-quoted ones. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
