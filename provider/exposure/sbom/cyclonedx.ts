// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { Package } from "../packages/identity";
import type { SbomContent } from "./content";
import { identified } from "./spdx";

const componentSchema = z.looseObject({
  name: z.string(),
  group: z.string().optional(),
  version: z.string().optional(),
  purl: z.string().optional(),
  components: z.array(z.unknown()).optional(),
});
const bomSchema = z.looseObject({
  specVersion: z.string(),
  components: z.array(z.unknown()).optional(),
  compositions: z.array(z.looseObject({ aggregate: z.string() })).optional(),
  metadata: z.looseObject({ component: z.unknown().optional() }).optional(),
});

/** Components within components. */
const MAX_DEPTH = 32;

/** CycloneDX 1.2 to 1.7, in JSON. */
export function readCyclonedx(document: unknown): SbomContent {
  const { data } = bomSchema.safeParse(document);
  if (data === undefined) return { unreadable: "it is no CycloneDX document that can be read" };
  if (!/^1\.[2-7]$/.test(data.specVersion))
    return { unreadable: `its version, ${data.specVersion.slice(0, 40)}, is not read here` };
  const { components = [], metadata, compositions = [] } = data;
  const packages: Package[] = [];
  const main = metadata?.component === undefined ? [] : [metadata.component];
  const broken = collect([...main, ...components], packages, 0);
  if (broken !== undefined) return { unreadable: broken };
  const partial = compositions.find(({ aggregate }) => aggregate.startsWith("incomplete"));
  return partial === undefined
    ? { packages }
    : { packages, incomplete: `it says of itself that it is ${partial.aggregate.slice(0, 40)}` };
}

function collect(
  components: readonly unknown[],
  packages: Package[],
  depth: number,
): string | undefined {
  if (depth > MAX_DEPTH) return `its components are nested deeper than ${MAX_DEPTH}`;
  for (const component of components) {
    const { data } = componentSchema.safeParse(component);
    if (data === undefined) return "a component of it cannot be read";
    const { name, version, purl, components: inner = [] } = data;
    packages.push(...identified(name, version, purl === undefined ? [] : [purl]));
    const broken = collect(inner, packages, depth + 1);
    if (broken !== undefined) return broken;
  }
  return undefined;
}
