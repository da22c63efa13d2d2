// SPDX-License-Identifier: Apache-2.0
import { styleText } from "node:util";
import { hexOf, type Digest } from "../oci/digest";

export type Mood = "good" | "bad" | "unsure" | "plain" | "quiet";

const MARKS: Readonly<Record<Mood, string>> = {
  good: "✔",
  bad: "✘",
  unsure: "?",
  plain: "•",
  quiet: "-",
};
const COLORS = {
  good: "green",
  bad: "red",
  unsure: "yellow",
  plain: "cyan",
  quiet: "dim",
} as const;

/** How text is dressed: with the colors of a terminal, or without. */
export interface Dress {
  mark(mood: Mood): string;
  colored(mood: Mood, text: string): string;
}

export function dress(color: boolean): Dress {
  const colored = (mood: Mood, text: string) =>
    color ? styleText(COLORS[mood], text, { validateStream: false }) : text;
  return { colored, mark: (mood) => colored(mood, MARKS[mood]) };
}

/** Enough of a digest for people; what compares digests takes them whole. */
export function shortDigest(digest: Digest): string {
  return `${digest.slice(0, digest.indexOf(":") + 1)}${hexOf(digest).slice(0, 12)}`;
}

export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** Parts two spaces apart, what is absent left out. */
export function words(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("  ");
}
