// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ClaimContent } from "../../provider/claims/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { Reconciler } from "../../provider/world/reconciler";
import type { Life } from "../harness/life";
import { claim, publish, quickParty, sign, type Party } from "../harness/memory-world";
import { tempDir } from "../harness/temp";
import { HOST, type Place } from "./place";

/** Who signs: one key each for all scenes of a process, as making them takes longest. */
export interface Parties {
  wabbit: Party;
  acme: Party;
  stranger: Party;
}

let made: Parties | undefined;
export function parties(): Parties {
  made ??= {
    wabbit: quickParty("Wabbit Networks"),
    acme: quickParty("ACME Rockets"),
    stranger: quickParty("Stranger"),
  };
  return made;
}

export const at = (repository: string): string => `${HOST}/${repository}`;

/** What a scene is built with; each step has a process of its own. */
export class Stage {
  readonly parties = parties();
  /** What the scene calls what it made, by digest. */
  readonly names: Record<string, string> = {};

  constructor(readonly place: Place) {}

  static folder(): string {
    return tempDir("faults");
  }

  file(name: string, content: string): string {
    const path = join(this.place.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return name;
  }

  name(digest: string, name: string): void {
    this.names[digest] = name;
  }

  async publish(repository: string, name: string, by: Party, tag?: string): Promise<Descriptor> {
    const made = await this.place.with(repository, async (store) => publish(store, name, by, tag));
    this.name(made.digest, name);
    return made;
  }

  async claim(repository: string, content: ClaimContent, by: Party | null): Promise<Digest> {
    return this.place.with(
      repository,
      async (store) => (await claim(store, content, by)).manifest.descriptor.digest,
    );
  }

  async remark(repository: string, subject: Descriptor, by: Party, note: string): Promise<Digest> {
    const type = "https://example.test/remark/v1";
    return this.claim(repository, { type, subject, predicate: { note }, audience: "public" }, by);
  }

  async sign(repository: string, digest: string, by: Party): Promise<void> {
    await this.place.with(repository, async (store) => {
      const { mediaType, size, digest: named } = await store.resolve(digest);
      await sign(store, { mediaType, size, digest: named }, by);
    });
  }

  async tag(repository: string, digest: string, tag: string): Promise<void> {
    await this.place.with(repository, async (store) =>
      store.tag(await store.manifest(digest), tag),
    );
  }

  /** An index of these, under a tag. */
  async index(repository: string, parts: readonly Descriptor[], tag: string): Promise<Digest> {
    const value = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: parts };
    const index = parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.index);
    await this.place.with(repository, async (store) => {
      await store.pushManifest(index);
      await store.tag(index, tag);
    });
    this.name(index.descriptor.digest, tag);
    return index.descriptor.digest;
  }

  /** An artifact that was in production, or still is. */
  async deployed(repository: string, name: string, until?: string): Promise<Descriptor> {
    const { acme } = this.parties;
    const artifact = await this.publish(repository, name, acme, name);
    await this.stay(repository, artifact, until);
    return artifact;
  }

  async stay(repository: string, subject: Descriptor, until?: string): Promise<void> {
    const from = "2026-01-01T00:00:00Z";
    for (const more of [{}, ...(until === undefined ? [] : [{ until: `${until}T00:00:00Z` }])]) {
      const predicate = { environment: "production", from, ...more };
      const content = { type: "deployment", subject, predicate, audience: "internal" } as const;
      await this.claim(repository, content, this.parties.acme);
    }
  }

  life(kind: Reconciler): Life {
    return this.place.life(kind);
  }
}
