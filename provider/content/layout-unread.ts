// SPDX-License-Identifier: Apache-2.0
import type { ConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import { isDigest, type Digest } from "../oci/digest";
import { tagOf } from "./layout-entries";
import type { ReferrersOptions } from "./storage";

/** A manifest that is damaged, and by what is left of it refers to another that is there. */
export interface DamagedReferrer {
  mayReferTo: Digest;
  damage: ConsignError;
}

/** What index.json lists and nobody can read. */
export interface Unread extends Partial<DamagedReferrer> {
  entry: Descriptor;
}

/**
 * Whether an entry whose file is not there may have referred to something. What is put there by a
 * tag, and is said to be nothing of that kind, is an image.
 */
export function mayRefer(entry: Descriptor): boolean {
  return entry.artifactType !== undefined || tagOf(entry) === undefined;
}

/**
 * What may refer to a subject besides: it is listed, so that whoever acts on it reads it, and is
 * told what is wrong with it. Whoever needs to know what is there is not shown what is not.
 * @throws ConsignError what is wrong with it, where it is taken for granted
 */
export function unreadUnder(
  subject: Digest,
  unread: readonly Unread[],
  { settled, present = false }: ReferrersOptions,
): Descriptor[] {
  return unread.flatMap(({ entry, mayReferTo, damage }) => {
    if (damage === undefined)
      return entry.digest === subject || present || settled !== undefined ? [] : [asListed(entry)];
    if (mayReferTo !== subject) return [];
    if (settled !== undefined) throw damage;
    return [asListed(entry)];
  });
}

function asListed(entry: Descriptor): Descriptor {
  const { artifactType, annotations } = entry;
  return {
    ...plainDescriptor(entry),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

const SUBJECT = /"subject"\s*:\s*\{[^{}]*?"digest"\s*:\s*"([^"]*)"/;

/** What bytes that are no manifest seem to refer to. */
export function looseSubject(bytes: Uint8Array): Digest | undefined {
  const found = SUBJECT.exec(Buffer.from(bytes).toString("latin1"))?.[1];
  return found !== undefined && isDigest(found) ? found : undefined;
}
