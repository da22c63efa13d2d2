// SPDX-License-Identifier: Apache-2.0
import { PackageURL } from "packageurl-js";

/** A package as an SBOM names it. */
export interface Package {
  /** `npm/@angular/core`: type, namespace and name, folded so that what is one package is one key. */
  key: string;
  version: string | undefined;
  /** As the SBOM writes it, or its name where it has no purl. */
  label: string;
  /** The distribution it was made for, as `debian-11`, where the purl says so. */
  distro?: string | undefined;
}

/** Under this type are packages of which only a name is known. */
export const NAME_ONLY = "?";

export function packageKey(type: string, name: string): string {
  // What tools call a distribution of RPMs differs from one to the next.
  const folded = (type === "rpm" ? name.slice(name.lastIndexOf("/") + 1) : name).toLowerCase();
  return `${type}/${type === "pypi" ? folded.replace(/[-_.]+/g, "-") : folded}`;
}

export function typeOfKey(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

/** The last part of a package's name: by it, what has only a name is held against what is sought. */
export function lastName(key: string): string {
  return key.slice(Math.max(key.lastIndexOf("/"), key.lastIndexOf(":")) + 1);
}

export interface ParsedPurl {
  key: string;
  version: string | undefined;
  qualifiers: Readonly<Record<string, string>>;
}

/** What needs no decoding and no normalising; of ten years of SBOMs this is nearly all. */
const PLAIN =
  /^pkg:([a-z]+)\/((?:[a-z0-9][a-z0-9.-]*\/)*[a-z0-9][a-z0-9.-]*)(?:@([A-Za-z0-9.+~-]+))?$/;

/** @returns undefined for what is no package URL */
export function parsePurl(text: string): ParsedPurl | undefined {
  const [plain, type = "", path = "", plainVersion] = PLAIN.exec(text) ?? [];
  if (plain !== undefined)
    return { key: packageKey(type, path), version: plainVersion, qualifiers: {} };
  try {
    const { type: kind, namespace, name, version, qualifiers } = PackageURL.fromString(text);
    if (kind === undefined || name === undefined) return undefined;
    return {
      key: packageKey(kind, typeof namespace === "string" ? `${namespace}/${name}` : name),
      version: typeof version === "string" && version !== "" ? version : undefined,
      qualifiers: Object.fromEntries(
        Object.entries(qualifiers ?? {}).filter(
          (entry): entry is [string, string] => typeof entry[1] === "string",
        ),
      ),
    };
  } catch {
    return undefined;
  }
}

/** Where distributions name source packages and SBOMs the binaries that are made of them. */
const HAS_UPSTREAM = new Set(["deb", "apk", "rpm"]);

/** The packages that a purl stands for: itself and, for a distribution's, its source package. */
export function packagesOf(purl: string, otherVersion?: string): Package[] | undefined {
  const parsed = parsePurl(purl);
  if (parsed === undefined) return undefined;
  const { key, qualifiers, version = otherVersion } = parsed;
  const type = typeOfKey(key);
  const distro = qualifiers["distro"]?.toLowerCase();
  const own: Package = { key, version, label: purl, ...(distro === undefined ? {} : { distro }) };
  const upstream = HAS_UPSTREAM.has(type) ? qualifiers["upstream"] : undefined;
  if (upstream === undefined) return [own];
  const [name = "", sourceVersion = version] = upstream.split("@");
  const namespace = key.slice(type.length + 1, Math.max(key.lastIndexOf("/"), type.length + 1));
  const source = packageKey(type, namespace === "" ? name : `${namespace}/${name}`);
  return source === key ? [own] : [own, { ...own, key: source, version: sourceVersion }];
}
