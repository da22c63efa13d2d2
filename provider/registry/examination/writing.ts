// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../../oci/descriptor";
import { digestOf, type Digest } from "../../oci/digest";
import { parseManifest, type Manifest } from "../../oci/manifest";
import { MEDIA_TYPES } from "../../oci/media-types";
import { ConsignError } from "../../errors";
import { bytesBlob } from "../../content/pack";
import { Manifests } from "../manifests";
import type { Repository } from "../repository";
import { fallbackTag } from "../tags";
import { ask, isRefusal, no, unknown, yes, type Finding, type Told } from "./finding";
import { listsCanHide, referrersApi } from "./reading";

/** What tags of an examination begin with; others in its repository forbid it. */
export const EXAMINATION_TAG = "consign-doctor-";

export interface Examination {
  findings: Finding[];
  /** What was written and could not be taken away. */
  left: string[];
}

/**
 * What only writing shows. Everything that is written is small, is nobody else's, and is taken away
 * again as far as the registry allows.
 * @param id of this examination, which makes its content and tags its own
 * @throws ConsignError `INPUT_INVALID` where the repository has tags of others; `REGISTRY_*` where
 * nothing can be written
 */
export async function examineByWriting(repository: Repository, id: string): Promise<Examination> {
  const others = (await repository.tags({ fresh: true })).filter(
    (tag) => !tag.startsWith(EXAMINATION_TAG),
  );
  if (others.length > 0)
    throw new ConsignError(
      "INPUT_INVALID",
      `${repository.name} has tags of others (${others.slice(0, 3).join(", ")}), so nothing is written there`,
    );
  const visit = new Visit(repository, id);
  const findings: Finding[] = [];
  let left: string[] = [];
  try {
    await visit.begin();
    for (const [check, look] of visit.looks) findings.push(await ask(check, look));
    const lists = findings.find(({ check }) => check === "referrersApi");
    if (lists !== undefined) findings.push(listsCanHide(lists));
  } finally {
    left = await visit.end();
  }
  return { findings, left };
}

class Visit {
  readonly #manifests: Manifests;
  readonly #tag: string;
  readonly #written = new Map<Digest, Descriptor>();
  readonly #config;

  constructor(
    readonly repository: Repository,
    readonly id: string,
  ) {
    this.#manifests = new Manifests(repository.connection, repository.repository);
    this.#tag = EXAMINATION_TAG + id;
    this.#config = bytesBlob(Buffer.from(JSON.stringify({ examination: id })), "application/json");
  }

  readonly looks = [
    ["referrersApi", () => this.#referrersApi()],
    ["conditionalRequests", () => this.#conditionalRequests()],
    ["tagImmutability", () => this.#tagImmutability()],
    ["tagDeletes", () => this.#tagDeletes()],
    ["sparseIndexes", () => this.#sparseIndexes()],
    ["sha512", () => this.#sha512()],
    ["deletes", () => this.#deletes()],
  ] as const;

  async begin(): Promise<void> {
    const { descriptor, open } = this.#config;
    await this.repository.pushBlob(descriptor, open);
    await this.#put(this.#manifest("first"), this.#tag);
  }

  /** @returns what stays */
  async end(): Promise<string[]> {
    const left: string[] = [];
    // What refers to another comes last and goes first.
    for (const target of [...this.#written.values()].reverse()) {
      try {
        await this.repository.deleteManifest(target);
        if ((await this.#manifests.head(target.digest)) === undefined) continue;
      } catch {
        // Told below, whatever the reason is.
      }
      left.push(this.#manifests.reference(target.digest));
    }
    // Blobs that nothing names go with the registry's own garbage collection.
    await this.repository.deleteBlob(this.#config.descriptor).catch(() => undefined);
    return left;
  }

  #manifest(name: string, more: object = {}): Manifest {
    const value = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      artifactType: "application/vnd.consign.doctor.v1",
      config: this.#config.descriptor,
      layers: [],
      annotations: { "consign.doctor": `${this.id} ${name}` },
      ...more,
    };
    return parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.manifest);
  }

  async #put(manifest: Manifest, tag: string = manifest.descriptor.digest): Promise<void> {
    this.#written.set(manifest.descriptor.digest, manifest.descriptor);
    await this.#manifests.put(manifest, tag);
  }

  async #referrersApi(): Promise<Told> {
    const subject = this.#manifest("first").descriptor;
    const referrer = this.#manifest("referrer", { subject });
    this.#written.set(referrer.descriptor.digest, referrer.descriptor);
    await this.repository.pushManifest(referrer);
    const list = await this.#manifests.head(fallbackTag(subject.digest));
    // It is ours: nobody else has this subject. In the order of removal it comes after its entry.
    if (list !== undefined && list.descriptor.digest !== subject.digest) {
      this.#written.delete(referrer.descriptor.digest);
      this.#written.set(list.descriptor.digest, list.descriptor);
      this.#written.set(referrer.descriptor.digest, referrer.descriptor);
    }
    return referrersApi(this.repository);
  }

  /** A tag that is there is not to be set under `If-None-Match: *`, nor under another `If-Match`. */
  async #conditionalRequests(): Promise<Told> {
    const other = this.#manifest("second");
    await this.#put(other);
    const refuses = async (condition: Record<string, string>): Promise<boolean> =>
      (await this.#manifests.put(other, this.#tag, { condition })).moved;
    const ifNew = await refuses({ "if-none-match": "*" });
    const ifSame = await refuses({ "if-match": '"consign-doctor"' });
    const etag = (await this.#manifests.head(this.#tag))?.etag !== undefined;
    const evidence = `If-None-Match is ${ifNew ? "heeded" : "ignored"}, If-Match is ${ifSame ? "heeded" : "ignored"}, tags have ${etag ? "" : "no "}entity tags`;
    return ifNew && ifSame && etag ? yes(evidence) : no(evidence);
  }

  async #tagImmutability(): Promise<Told> {
    const before = (await this.#manifests.head(this.#tag))?.descriptor.digest;
    const next = this.#manifest("third");
    await this.#put(next);
    let refused: unknown;
    try {
      await this.#put(next, this.#tag);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused = error;
    }
    const after = (await this.#manifests.head(this.#tag))?.descriptor.digest;
    if (after === next.descriptor.digest) return no("a tag can be moved");
    return after === before && refused !== undefined
      ? yes(`a tag cannot be moved: ${refused instanceof Error ? refused.message : ""}`)
      : unknown(`the move was answered as done, and the tag is ${after ?? "gone"}`);
  }

  async #tagDeletes(): Promise<Told> {
    const tag = `${this.#tag}-untagged`;
    const manifest = this.#manifest("untagged");
    await this.#put(manifest, tag);
    const status = await this.#manifests.delete(tag, { ok: [400, 405, 501] });
    if ((await this.#manifests.head(tag)) !== undefined)
      return no(`a tag stays; removing it is answered with ${status}`);
    return (await this.#manifests.head(manifest.descriptor.digest)) === undefined
      ? no("removing a tag removes what it leads to")
      : yes("a tag can be removed alone");
  }

  async #sparseIndexes(): Promise<Told> {
    const missing = { ...this.#manifest("never pushed").descriptor };
    const value = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [missing] };
    const index = parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.index);
    return this.#taken(index, "an index may name what is not there");
  }

  async #sha512(): Promise<Told> {
    const { bytes } = this.#manifest("sha512");
    const manifest = parseManifest(bytes, MEDIA_TYPES.manifest, digestOf(bytes, "sha512"));
    return this.#taken(manifest, "a manifest can be kept by its sha512 digest");
  }

  async #taken(manifest: Manifest, evidence: string): Promise<Told> {
    try {
      await this.#put(manifest);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#written.delete(manifest.descriptor.digest);
      return no(error instanceof Error ? error.message : "refused");
    }
    return (await this.#manifests.head(manifest.descriptor.digest)) === undefined
      ? no("it is answered as done, and is not there afterwards")
      : yes(evidence);
  }

  async #deletes(): Promise<Told> {
    const manifest = this.#manifest("deleted");
    await this.#put(manifest);
    const { digest } = manifest.descriptor;
    const status = await this.#manifests.delete(digest, { ok: [400, 405, 501] });
    return (await this.#manifests.head(digest)) === undefined
      ? yes(`a manifest is deleted, answer ${status}`)
      : no(`a manifest stays; deleting it is answered with ${status}`);
  }
}
