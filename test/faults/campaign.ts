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

/** As many as are wanted, always the same for a seed, in their order. */
export function sampled<T>(all: readonly T[], { sample, seed = 1 }: Choice): T[] {
  if (sample === undefined || sample >= all.length) return [...all];
  const random = seeded(seed);
  const order = all.map((_, at) => ({ at, by: random() })).sort((a, b) => a.by - b.by);
  const chosen = new Set(order.slice(0, sample).map(({ at }) => at));
  return all.filter((_, at) => chosen.has(at));
}

export function chosen({ only = [] }: Choice, id: string): boolean {
  return only.length === 0 || only.some((part) => id.includes(part));
}

export function report(campaign: string, probes: number, cases: readonly Case[]): Report {
  const kinds: Record<string, number> = {};
  for (const { wrong } of cases) kinds[wrong] = (kinds[wrong] ?? 0) + 1;
  return { campaign, probes, wrong: cases.length, kinds, cases: [...cases] };
}
