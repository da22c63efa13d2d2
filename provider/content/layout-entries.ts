// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ANNOTATIONS } from "../oci/annotations";
import {
  annotationsSchema,
  descriptorSchema,
  plainDescriptor,
  type Annotations,
  type Descriptor,
} from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { referrerDescriptor, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";

/**
 * An OCI image layout's index.json: the entry points, a tag being an entry's annotation. Everything
 * here is pure; what other tools wrote into an entry stays in it.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#indexjson-file
 */
const fileSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(MEDIA_TYPES.index).nullish(),
  /** `null`, as Go writes a list without entries: oras after the last of them was deleted. */
  manifests: z.array(z.unknown()).nullish(),
  annotations: annotationsSchema.nullish(),
});

export interface LayoutIndex {
  readonly [member: string]: unknown;
  readonly manifests: readonly Descriptor[];
  /** Entries that are no descriptors. They stay where they are, and hold up no others. */
  readonly odd: readonly OddEntry[];
}

export interface OddEntry {
  entry: unknown;
  why: string;
}

/** @returns what is wrong with it as a whole, where it cannot be read */
export function readLayoutIndex(value: unknown): LayoutIndex | { invalid: string } {
  const file = fileSchema.safeParse(value);
  if (!file.success) {
    const issue = file.error.issues[0];
    return { invalid: `${issue?.path.join(".") || "(root)"}: ${issue?.message}` };
  }
  const manifests: Descriptor[] = [];
  const odd: OddEntry[] = [];
  for (const entry of file.data.manifests ?? []) {
    const read = descriptorSchema.safeParse(entry);
    if (read.success) manifests.push(read.data);
    else {
      const issue = read.error.issues[0];
      odd.push({ entry, why: `${issue?.path.join(".") || "(root)"}: ${issue?.message}` });
    }
  }
  const [first] = odd;
  return first !== undefined && manifests.length === 0
    ? { invalid: `no entry is a descriptor: ${first.why}` }
    : { ...file.data, manifests, odd };
}

/** The way back from {@link readLayoutIndex}. */
export function layoutIndexText({ odd, ...index }: LayoutIndex): string {
  const manifests = [...index.manifests, ...odd.map(({ entry }) => entry)];
  return JSON.stringify({ ...index, manifests });
}

export function emptyLayoutIndex(): LayoutIndex {
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [], odd: [] };
}

export function tagOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[ANNOTATIONS.refName];
}

/** The entry with this tag; of several, the last, as other tools read it. */
export function findTag(index: LayoutIndex, tag: string): Descriptor | undefined {
  return index.manifests.findLast((entry) => tagOf(entry) === tag);
}

export function isListed(index: LayoutIndex, digest: Digest): boolean {
  return index.manifests.some((entry) => entry.digest === digest);
}

/**
 * Lists a manifest without a tag, as its only entry. What a referrers list shows of it goes in too,
 * but never a tag of its own making.
 */
export function withManifest(index: LayoutIndex, manifest: Manifest): LayoutIndex {
  if (isListed(index, manifest.descriptor.digest)) return index;
  return { ...index, manifests: [...index.manifests, entryOf(manifest)] };
}

function entryOf(manifest: Manifest): Descriptor {
  if (manifest.value.subject === undefined) return plainDescriptor(manifest.descriptor);
  return withoutTagAnnotation(referrerDescriptor(manifest));
}

/**
 * Moves a tag. An untagged entry of the same manifest becomes the tagged one; what loses its last
 * tag stays, untagged.
 */
export function withTag(index: LayoutIndex, manifest: Manifest, tag: string): LayoutIndex {
  const { digest } = manifest.descriptor;
  const current = findTag(index, tag);
  if (current?.digest === digest) return index;
  const manifests = [...withoutTag(index, tag).manifests];
  const untagged = manifests.findIndex(
    (entry) => entry.digest === digest && tagOf(entry) === undefined,
  );
  const base = manifests[untagged] ?? entryOf(manifest);
  const entry: Descriptor = {
    ...base,
    annotations: { ...base.annotations, [ANNOTATIONS.refName]: tag },
  };
  return {
    ...index,
    manifests: untagged === -1 ? [...manifests, entry] : manifests.with(untagged, entry),
  };
}

/**
 * Removes a tag; a manifest that loses its last one stays listed, untagged, so that it and what
 * refers to it can still be found.
 */
export function withoutTag(index: LayoutIndex, tag: string): LayoutIndex {
  const tagged = index.manifests.filter((entry) => tagOf(entry) === tag);
  if (tagged.length === 0) return index;
  const manifests = index.manifests.filter((entry) => tagOf(entry) !== tag);
  for (const entry of tagged)
    if (!manifests.some(({ digest }) => digest === entry.digest))
      manifests.push(withoutTagAnnotation(entry));
  return { ...index, manifests };
}

function withoutTagAnnotation(entry: Descriptor): Descriptor {
  const { annotations, ...rest } = entry;
  const kept: Annotations = { ...annotations };
  delete kept[ANNOTATIONS.refName];
  return Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept };
}

/** Removes untagged entries of these manifests. */
export function withoutUntagged(index: LayoutIndex, digests: ReadonlySet<Digest>): LayoutIndex {
  return filtered(index, (entry) => tagOf(entry) !== undefined || !digests.has(entry.digest));
}

/** Removes a manifest's entries, its tags with them. */
export function withoutManifest(index: LayoutIndex, digest: Digest): LayoutIndex {
  return filtered(index, (entry) => entry.digest !== digest);
}

function filtered(index: LayoutIndex, keep: (entry: Descriptor) => boolean): LayoutIndex {
  const manifests = index.manifests.filter(keep);
  return manifests.length === index.manifests.length ? index : { ...index, manifests };
}
