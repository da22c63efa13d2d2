// SPDX-License-Identifier: Apache-2.0
import type { VexEntry } from "../claims/index";
import { digestSchema, type Digest } from "../oci/digest";
import { parsePurl } from "./packages/identity";

/** What a VEX statement does to an artifact. */
export interface VexWord {
  entry: VexEntry;
  /** It says, or may say, that the artifact is affected. */
  worst: boolean;
  /**
   * Whether it surely says of this package in this artifact that it is not affected, or fixed;
   * without a package, of the whole artifact.
   */
  lifts(purl: string | undefined): boolean;
}

/**
 * The statements about some vulnerabilities in an artifact. For what forbids it is enough that they
 * are attached to it; for what lifts, the product has to be the artifact itself, by its digest, or a
 * package in it, and of subcomponents only those that are named are meant.
 * @param digests of the artifact, and of the indexes that it is in: what is said of one of those is
 * said of all that it holds
 */
export function vexOn(
  digests: readonly Digest[],
  entries: readonly VexEntry[],
  names: ReadonlySet<string>,
): VexWord[] {
  return entries
    .filter(({ vulnerability }) => names.has(vulnerability.toUpperCase()))
    .map((entry) => {
      const worst = entry.status === "affected" || entry.status === "under_investigation";
      return { entry, worst, lifts: (purl) => !worst && covers(entry, digests, purl) };
    });
}

function covers(
  { product, subcomponents }: VexEntry,
  digests: readonly Digest[],
  purl: string | undefined,
): boolean {
  if (namesArtifact(product, digests))
    return (
      subcomponents.length === 0 ||
      (purl !== undefined && subcomponents.some((each) => isPackage(each, purl)))
    );
  return purl !== undefined && subcomponents.length === 0 && isPackage(product, purl);
}

/** The digest, a reference that ends in it, or a package URL of type `oci` with it as version. */
function namesArtifact(product: string, digests: readonly Digest[]): boolean {
  if (digests.some((digest) => product === digest || product.endsWith(`@${digest}`))) return true;
  const [purl = ""] = purlsIn(product);
  const parsed = purl.startsWith("pkg:oci/") ? parsePurl(purl) : undefined;
  const { data } = digestSchema.safeParse(parsed?.version);
  return data !== undefined && digests.includes(data);
}

/** Identifiers are written as JSON where the statement has no `@id`. */
function purlsIn(product: string): string[] {
  if (product.startsWith("pkg:")) return [product];
  const [, purl] = /^\{.*"purl":"(pkg:[^"\\]+)".*\}$/.exec(product) ?? [];
  return purl === undefined ? [] : [purl];
}

/** The same package and version; what names no version means all of them. */
function isPackage(named: string, purl: string): boolean {
  if (named === purl) return true;
  const [text = ""] = purlsIn(named);
  const [wanted, found] = [parsePurl(text), parsePurl(purl)];
  if (wanted === undefined || found === undefined || wanted.key !== found.key) return false;
  return wanted.version === undefined || wanted.version === found.version;
}
