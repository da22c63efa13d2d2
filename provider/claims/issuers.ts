// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import { inlineRoots } from "../notation/index";
import type { IssuerEntry, KnownIssuer, LifecycleIssuers } from "./effective/issuer-entry";

/** As they are written among the arguments. */
export interface WrittenIssuers {
  precedence?: readonly IssuerEntry[] | undefined;
  lifecycleIssuers?:
    { readonly [Kind in keyof LifecycleIssuers]?: readonly IssuerEntry[] | undefined } | undefined;
}

/** With the roots read. */
export interface KnownIssuers {
  precedence?: readonly KnownIssuer[] | undefined;
  lifecycleIssuers?: LifecycleIssuers | undefined;
}

const KINDS = ["revocation", "redirect", "endOfLife"] as const;

/**
 * Reads the roots that entries name.
 * @throws ConsignError `TRUST_STORE_INVALID`, `FILE_NOT_FOUND`, `FILE_UNREADABLE` where it stands
 */
export async function readIssuers(
  { precedence, lifecycleIssuers }: WrittenIssuers,
  baseDir: string,
): Promise<KnownIssuers> {
  const known: KnownIssuers = {};
  if (precedence !== undefined)
    known.precedence = await readEntries(precedence, "precedence", baseDir);
  if (lifecycleIssuers === undefined) return known;
  const lists: LifecycleIssuers = {};
  for (const kind of KINDS) {
    const written = lifecycleIssuers[kind];
    if (written !== undefined)
      lists[kind] = await readEntries(written, `lifecycleIssuers.${kind}`, baseDir);
  }
  return { ...known, lifecycleIssuers: lists };
}

async function readEntries(
  entries: readonly IssuerEntry[],
  path: string,
  baseDir: string,
): Promise<KnownIssuer[]> {
  return Promise.all(entries.map((entry, index) => readEntry(entry, `${path}[${index}]`, baseDir)));
}

async function readEntry(entry: IssuerEntry, path: string, baseDir: string): Promise<KnownIssuer> {
  if (typeof entry === "string") return entry;
  const thumbprints = new Set<string>();
  for (const [index, root] of entry.roots.entries()) {
    const at = `${path}.roots[${index}]`;
    const certificates = await inlineRoots(root, "ca", at, { baseDir });
    if (certificates.length === 0)
      throw new ConsignError("TRUST_STORE_INVALID", `${at} holds no certificate`, { path: at });
    for (const { thumbprint } of certificates) thumbprints.add(thumbprint);
  }
  return { identity: entry.identity, thumbprints: [...thumbprints].sort() };
}
