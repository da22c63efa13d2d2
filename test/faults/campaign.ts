// SPDX-License-Identifier: Apache-2.0
import type { RegistryKind } from "../harness/registries";

/** What one probe found: nothing where all was well. */
export interface Case {
  /** `registry/operation/METHOD path~occurrence/fault`; `--only` takes any part of it. */
  id: string;
  /** What kind of wrong: `lost`, `untrue`, `unsettled`, `verified`, … */
  wrong: string;
  details: string[];
}

export interface Report {
  campaign: string;
  probes: number;
  wrong: number;
  /** Where what was due is still there in the end, as a lie was believed: no harm, and no merit. */
  left: Case[];
  /** How many probes left something over that only a list had led to. */
  remains: number;
  /** How many cases of each kind there are. */
  kinds: Record<string, number>;
  cases: Case[];
}

export interface Choice {
  /** How many probes, picked by the seed. @default all */
  sample?: number;
  seed?: number;
  /** Only those whose id has one of these in it. */
  only?: readonly string[];
  registries?: readonly RegistryKind[];
  /** Which scenes each registry has. @default all */
  scenes?: (scene: string, registry: RegistryKind) => boolean;
  /** How many registries of each kind work at once. @default 2 */
  workers?: number;
  progress?: (line: string) => void;
}

/** Mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * As many as are wanted, always the same for a seed, in their order: the same number of each group,
 * as some operations make a hundred requests and some make three.
 */
export function sampled<T>(
  all: readonly T[],
  { sample, seed = 1 }: Choice,
  groupOf: (one: T) => string,
): T[] {
  if (sample === undefined || sample >= all.length) return [...all];
  const random = seeded(seed);
  const order = all.map((one) => ({ one, by: random() })).sort((a, b) => a.by - b.by);
  const places = new Map<string, number>();
  const ranked = order.map(({ one }, at) => {
    const place = places.get(groupOf(one)) ?? 0;
    places.set(groupOf(one), place + 1);
    return { one, place, at };
  });
  ranked.sort((a, b) => a.place - b.place || a.at - b.at);
  const chosen = new Set(ranked.slice(0, sample).map(({ one }) => one));
  return all.filter((one) => chosen.has(one));
}

export function chosen({ only = [] }: Choice, id: string): boolean {
  return only.length === 0 || only.some((part) => id.includes(part));
}

/** What is no wrong, but worth knowing. */
export const LEFT = "left";
export const REMAINS = "remains";

export function report(campaign: string, probes: number, found: readonly Case[]): Report {
  const cases = found.filter(({ wrong }) => wrong !== REMAINS && wrong !== LEFT);
  const left = found.filter(({ wrong }) => wrong === LEFT);
  const kinds: Record<string, number> = {};
  for (const { wrong } of cases) kinds[wrong] = (kinds[wrong] ?? 0) + 1;
  const remains = found.length - cases.length - left.length;
  return { campaign, probes, wrong: cases.length, kinds, cases, left, remains };
}
