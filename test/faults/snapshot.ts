// SPDX-License-Identifier: Apache-2.0
// What a registry holds, asked of it directly: no client of ours, no proxy, no memory.
import { z } from "zod";
import { digestOf } from "../../provider/oci/digest";
import { parseManifest, successorsOf, type Manifest } from "../../provider/oci/manifest";
import { isManifestType } from "../../provider/oci/media-types";
import type { Place } from "./place";

const ACCEPT = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

export interface Held {
  manifests: Map<string, Manifest>;
  blobs: Map<string, Buffer>;
  tags: Map<string, string>;
}

/** By repository. */
export type Snapshot = Map<string, Held>;

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });

async function tagsOf(place: Place, repository: string): Promise<string[]> {
  const answer = await fetch(`${place.at(repository)}/tags/list`);
  if (answer.status === 404) {
    await answer.arrayBuffer();
    return [];
  }
  return tagsSchema.parse(await answer.json()).tags ?? [];
}

async function manifestAt(
  place: Place,
  repository: string,
  reference: string,
): Promise<Manifest | undefined> {
  const answer = await fetch(`${place.at(repository)}/manifests/${reference}`, {
    headers: { accept: ACCEPT },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`${answer.url}: ${answer.status}`);
  return parseManifest(bytes, answer.headers.get("content-type") ?? "");
}

async function blobAt(
  place: Place,
  repository: string,
  digest: string,
): Promise<Buffer | undefined> {
  const answer = await fetch(`${place.at(repository)}/blobs/${digest}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return answer.status === 200 && digestOf(bytes) === digest ? bytes : undefined;
}

/** Everything that was ever written through the proxy and is there. */
export async function take(place: Place): Promise<Snapshot> {
  const seen = new Map<string, { digests: Set<string>; tags: Set<string> }>();
  for (const { method, path } of place.proxy.requests()) {
    const [, repository, reference] = /^\/v2\/(.+)\/manifests\/([^?]+)/.exec(path) ?? [];
    const [, uploadedTo] = /^\/v2\/(.+)\/blobs\/uploads\//.exec(path) ?? [];
    const name = repository ?? uploadedTo;
    if (name === undefined || (method !== "PUT" && method !== "POST")) continue;
    const found = seen.get(name) ?? { digests: new Set(), tags: new Set() };
    seen.set(name, found);
    if (reference !== undefined)
      (reference.startsWith("sha256:") ? found.digests : found.tags).add(reference);
  }
  const snapshot: Snapshot = new Map();
  for (const [repository, { digests, tags }] of seen) {
    const held: Held = { manifests: new Map(), blobs: new Map(), tags: new Map() };
    for (const digest of digests) {
      const manifest = await manifestAt(place, repository, digest);
      if (manifest !== undefined) held.manifests.set(digest, manifest);
    }
    for (const tag of new Set([...tags, ...(await tagsOf(place, repository))])) {
      const manifest = await manifestAt(place, repository, tag);
      if (manifest === undefined) continue;
      held.tags.set(tag, manifest.descriptor.digest);
      held.manifests.set(manifest.descriptor.digest, manifest);
    }
    for (const manifest of held.manifests.values())
      for (const { digest, mediaType } of successorsOf(manifest)) {
        if (isManifestType(mediaType) || held.blobs.has(digest)) continue;
        const bytes = await blobAt(place, repository, digest);
        if (bytes !== undefined) held.blobs.set(digest, bytes);
      }
    snapshot.set(repository, held);
  }
  return snapshot;
}

/** Puts it all there again, in the repositories that the place has now. */
export async function restore(place: Place, snapshot: Snapshot): Promise<void> {
  for (const [repository, held] of snapshot) {
    const at = place.at(repository);
    const put = async (reference: string, { bytes, descriptor }: Manifest): Promise<void> =>
      send(`${at}/manifests/${reference}`, "PUT", bytes, descriptor.mediaType).then(
        () => undefined,
      );
    await Promise.all(
      [...held.blobs].map(async ([digest, bytes]) => pushBlob(place, at, digest, bytes)),
    );
    const manifests = [...held.manifests].filter(
      ([digest]) => ![...held.tags].some(([tag, held]) => isList(tag) && held === digest),
    );
    for (const kind of ["manifest", "index"])
      await Promise.all(
        manifests
          .filter(([, manifest]) => manifest.kind === kind)
          .map(async ([digest, manifest]) => put(digest, manifest)),
      );
    for (const [tag, digest] of held.tags) {
      const manifest = held.manifests.get(digest);
      if (manifest !== undefined) await put(tag, manifest);
    }
  }
}

export const isList = (tag: string): boolean => /^sha256-[0-9a-f]{64}$/.test(tag);

async function pushBlob(place: Place, at: string, digest: string, bytes: Buffer): Promise<void> {
  const query = `?digest=${encodeURIComponent(digest)}`;
  const started = await send(
    `${at}/blobs/uploads/${place.kind === "distribution" ? "" : query}`,
    "POST",
    place.kind === "distribution" ? undefined : bytes,
  );
  if (started.status === 201) return;
  const location = new URL(started.headers.get("location") ?? "", at);
  location.searchParams.set("digest", digest);
  await send(location.href, "PUT", bytes);
}

async function send(
  url: string,
  method: string,
  body: Uint8Array | undefined,
  type = "application/octet-stream",
): Promise<Response> {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": type },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  const said = await answer.text();
  if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${said}`);
  return answer;
}

/** One thing that a registry has. */
export interface Item {
  repository: string;
  what: "manifest" | "blob" | "tag";
  name: string;
}
export const keyOf = ({ repository, what, name }: Item): string => `${repository} ${what} ${name}`;

export function itemsOf(snapshot: Snapshot): Item[] {
  return [...snapshot].flatMap(([repository, { manifests, blobs, tags }]) => {
    const lists = new Set([...tags].filter(([tag]) => isList(tag)).map(([, digest]) => digest));
    return [
      ...[...manifests.keys()]
        .filter((name) => !lists.has(name))
        .map((name) => ({ repository, what: "manifest" as const, name })),
      ...[...blobs.keys()].map((name) => ({ repository, what: "blob" as const, name })),
      ...[...tags.keys()]
        .filter((name) => !isList(name))
        .map((name) => ({ repository, what: "tag" as const, name })),
    ];
  });
}

/** Which of these the registry does not have. */
export async function missing(place: Place, items: readonly Item[]): Promise<Item[]> {
  const there = await Promise.all(items.map(async (item) => has(place, item)));
  return items.filter((_, at) => there[at] !== true);
}

async function has(place: Place, { repository, what, name }: Item): Promise<boolean> {
  const answer = await fetch(
    `${place.at(repository)}/${what === "blob" ? "blobs" : "manifests"}/${name}`,
    { method: "HEAD", headers: what === "blob" ? {} : { accept: ACCEPT } },
  );
  await answer.arrayBuffer();
  return answer.status === 200;
}

/** What a manifest needs and the registry lacks, at any depth, itself included. */
export async function holes(place: Place, repository: string, digest: string): Promise<string[]> {
  const manifest = await manifestAt(place, repository, digest);
  if (manifest === undefined) return [digest];
  const below = await Promise.all(
    successorsOf(manifest).map(async (part) => {
      if (isManifestType(part.mediaType)) return holes(place, repository, part.digest);
      const item = { repository, what: "blob" as const, name: part.digest };
      return (await has(place, item)) ? [] : [part.digest];
    }),
  );
  return below.flat();
}

/** What a tag leads to now. */
export async function targetOf(
  place: Place,
  repository: string,
  tag: string,
): Promise<string | undefined> {
  return (await manifestAt(place, repository, tag))?.descriptor.digest;
}
