// SPDX-License-Identifier: Apache-2.0
// Names for digests that are the same in each process, although keys and signatures are not.
import { artifactTypeOf, successorsOf, type Manifest } from "../../provider/oci/manifest";
import { isManifestType } from "../../provider/oci/media-types";
import { isList, type Item, type Snapshot } from "./snapshot";

export type Labels = Map<string, string>;

/** @param names what the scene calls the artifacts in it, by digest */
export function labelsOf(snapshot: Snapshot, names: Readonly<Record<string, string>>): Labels {
  const labels: Labels = new Map(Object.entries(names));
  const taken = new Map<string, number>();
  const add = (digest: string, label: string): void => {
    if (labels.has(digest)) return;
    const count = (taken.get(label) ?? 0) + 1;
    taken.set(label, count);
    labels.set(digest, count === 1 ? label : `${label}'${count}`);
  };
  for (const { manifests, tags } of snapshot.values()) {
    const lists = new Set([...tags].filter(([tag]) => isList(tag)).map(([, digest]) => digest));
    for (const [digest, manifest] of subjectsFirst(manifests)) {
      if (lists.has(digest)) continue;
      const subject = manifest.value.subject?.digest;
      const type = (artifactTypeOf(manifest) ?? "index").split(/[/.+]/).slice(-2).join(".");
      const said = Object.values(manifest.value.annotations ?? {}).find((text) =>
        /^https:\/\/[^ ]+\/v\d/.test(text),
      );
      const what = said === undefined ? type : new URL(said).pathname.split("/").at(-2);
      add(digest, subject === undefined ? `${what}` : `${what}(${labels.get(subject) ?? "?"})`);
    }
    for (const [digest, manifest] of manifests)
      if (!lists.has(digest))
        successorsOf(manifest).forEach((part, at) => {
          if (!isManifestType(part.mediaType))
            add(part.digest, part.size === 2 ? "{}" : `${labels.get(digest)}#${at}`);
        });
  }
  return labels;
}

/** What refers to something comes after that. */
function subjectsFirst(manifests: ReadonlyMap<string, Manifest>): [string, Manifest][] {
  const depth = (manifest: Manifest | undefined): number => {
    const subject = manifest?.value.subject?.digest;
    return subject === undefined ? 0 : 1 + depth(manifests.get(subject));
  };
  return [...manifests].sort(([, a], [, b]) => depth(a) - depth(b));
}

/** A path, with names in place of digests; what the scene did not have is `new`. */
export function labelled(path: string, labels: Labels): string {
  return path
    .replace(/sha256(:|%3A|-)([0-9a-f]{64})/g, (_, mark: string, hex: string) => {
      const label = labels.get(`sha256:${hex}`) ?? "new";
      return mark === "-" ? `list(${label})` : label;
    })
    .replace(/(\/blobs\/uploads\/)[^?]+/, "$1ID")
    .replace(/([?&])_?state=[^&]*/, "$1state")
    .replace(/^\/v2\//, "");
}

export function describe({ repository, what, name }: Item, labels: Labels): string {
  return `${repository} ${what} ${labels.get(name) ?? name}`;
}
