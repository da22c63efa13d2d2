// SPDX-License-Identifier: Apache-2.0
import { PackageList } from "../packages/package-list";
import type { SbomContent } from "./content";
import { readCyclonedx } from "./cyclonedx";
import { readSpdx2, readSpdx3 } from "./spdx";

/** What an SBOM names; `gap`: why what it does not name may be there all the same. */
export interface Inventory {
  packages: PackageList;
  gap?: string;
}

/**
 * The packages of an SBOM: SPDX 2.2, 2.3 and 3, CycloneDX 1.2 to 1.7, in JSON. One that cannot be
 * read, that names nothing or calls itself incomplete has a gap, and is never taken for one of an
 * artifact without packages.
 * @param document undefined where the claim's content is no JSON
 */
export function readSbom(document: unknown): Inventory {
  const content = contentOf(document);
  if ("unreadable" in content)
    return { packages: PackageList.of([]), gap: `the SBOM cannot be read: ${content.unreadable}` };
  const packages = PackageList.of(content.packages);
  if (packages.isEmpty) return { packages, gap: "the SBOM names no package" };
  return content.incomplete === undefined
    ? { packages }
    : { packages, gap: `the SBOM is not whole: ${content.incomplete}` };
}

function contentOf(document: unknown): SbomContent {
  if (typeof document !== "object" || document === null) return { unreadable: "it is not in JSON" };
  if ("bomFormat" in document) return readCyclonedx(document);
  if ("@graph" in document)
    return Array.isArray(document["@graph"])
      ? readSpdx3(document["@graph"] as unknown[])
      : { unreadable: "its graph is no list" };
  return readSpdx2(document);
}
