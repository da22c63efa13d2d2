// SPDX-License-Identifier: Apache-2.0
import { DerReader, readOid, TAG } from "./der";
import type { Certificate } from "./certificate";

export interface Extension {
  critical: boolean;
  /** What the extension's octet string holds: DER of its own syntax. */
  value: Uint8Array;
}

/**
 * Extensions by object identifier, each at most once. @see
 * https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
export function readExtensions(sequence: Uint8Array): Map<string, Extension> {
  const list = new DerReader(sequence).enter(TAG.sequence);
  const extensions = new Map<string, Extension>();
  while (!list.done) {
    const fields = list.enter(TAG.sequence);
    const oid = readOid(fields.next(TAG.oid).content);
    const critical = fields.peek() === TAG.boolean && fields.next().content[0] !== 0;
    const value = fields.next(TAG.octetString).content;
    fields.finish();
    if (extensions.has(oid)) throw new Error(`extension ${oid} is there twice`);
    extensions.set(oid, { critical, value });
  }
  return extensions;
}

/**
 * The addresses in a CRLDistributionPoints or FreshestCRL value. A name relative to the issuer has
 * none.
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.13
 */
export function distributionPointUrls(value: Uint8Array | undefined): string[] {
  if (value === undefined) return [];
  const urls: string[] = [];
  const points = new DerReader(value).enter(TAG.sequence);
  while (!points.done) {
    const point = points.enter(TAG.sequence);
    if (point.peek() === 0xa0) urls.push(...pointNameUrls(point.enter(0xa0)));
  }
  return urls;
}

/** The addresses in a DistributionPointName. */
export function pointNameUrls(name: DerReader): string[] {
  return name.peek() === 0xa0 ? generalNameUrls(name.enter(0xa0)) : [];
}

const URI = 0x86;

export function generalNameUrls(names: DerReader): string[] {
  const urls: string[] = [];
  while (!names.done) {
    const { tag, content } = names.next();
    if (tag === URI) urls.push(Buffer.from(content).toString("latin1"));
  }
  return urls;
}

/**
 * The extensions of a certificate that parsed already, for those that are not part of {@link
 * Certificate}.
 */
export function certificateExtensions({ raw }: Pick<Certificate, "raw">): Map<string, Extension> {
  const fields = new DerReader(raw).enter(TAG.sequence).enter(TAG.sequence);
  while (!fields.done) {
    const { tag, content } = fields.next();
    if (tag === 0xa3) return readExtensions(content);
  }
  return new Map();
}
