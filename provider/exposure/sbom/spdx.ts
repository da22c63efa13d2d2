// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { NAME_ONLY, packageKey, packagesOf, type Package } from "../packages/identity";
import type { SbomContent } from "./content";

const spdx2Schema = z.looseObject({
  spdxVersion: z.string(),
  packages: z
    .array(
      z.looseObject({
        name: z.string(),
        versionInfo: z.string().optional(),
        externalRefs: z
          .array(z.looseObject({ referenceType: z.string(), referenceLocator: z.string() }))
          .optional(),
      }),
    )
    .optional(),
});

/** SPDX 2.2 and 2.3: a package's purls are among its external references. */
export function readSpdx2(document: unknown): SbomContent {
  const { data } = spdx2Schema.safeParse(document);
  if (data === undefined) return { unreadable: "it is no SPDX 2 document that can be read" };
  if (!/^SPDX-2\.[23]$/.test(data.spdxVersion))
    return { unreadable: `its version, ${data.spdxVersion.slice(0, 40)}, is not read here` };
  const packages: Package[] = [];
  for (const { name, versionInfo, externalRefs = [] } of data.packages ?? []) {
    const purls = externalRefs.flatMap(({ referenceType, referenceLocator }) =>
      /(?:^|[/-])purl$/.test(referenceType) ? [referenceLocator] : [],
    );
    packages.push(...identified(name, versionInfo, purls));
  }
  return { packages };
}

const packageSchema = z.looseObject({
  name: z.string().optional(),
  software_packageVersion: z.string().optional(),
  software_packageUrl: z.string().optional(),
  externalIdentifier: z
    .array(z.looseObject({ externalIdentifierType: z.string(), identifier: z.string() }))
    .optional(),
});
const elementSchema = z.looseObject({
  type: z.string().optional(),
  "@type": z.string().optional(),
});

/** SPDX 3: packages are elements of a graph, under the names that the standard's context gives them. */
export function readSpdx3(graph: readonly unknown[]): SbomContent {
  const packages: Package[] = [];
  for (const each of graph) {
    const element = elementSchema.safeParse(each).data;
    if (element === undefined) return { unreadable: "an element of its graph is no object" };
    const type = element.type ?? element["@type"];
    if (type === undefined) return { unreadable: "an element of its graph has no type" };
    if (!/(?:^|[_/])Package$/.test(type)) continue;
    const { data } = packageSchema.safeParse(each);
    if (data === undefined) return { unreadable: "a package in its graph cannot be read" };
    const { name = "", software_packageVersion: version, software_packageUrl: purl } = data;
    const others = (data.externalIdentifier ?? []).flatMap(
      ({ externalIdentifierType, identifier }) =>
        /packageU(?:rl|RL)$/.test(externalIdentifierType) ? [identifier] : [],
    );
    packages.push(...identified(name, version, [...(purl === undefined ? [] : [purl]), ...others]));
  }
  return { packages };
}

/** By its purls, and by its name alone where it has none that can be read. */
export function identified(
  name: string,
  version: string | undefined,
  purls: readonly string[],
): Package[] {
  const found = purls.map((purl) => packagesOf(purl, version));
  const readable = found.flatMap((each) => each ?? []);
  return found.length > 0 && found.every((each) => each !== undefined)
    ? readable
    : [...readable, { key: packageKey(NAME_ONLY, lastPart(name)), version, label: name }];
}

function lastPart(name: string): string {
  return name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf(":")) + 1);
}
