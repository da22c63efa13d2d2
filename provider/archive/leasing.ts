// SPDX-License-Identifier: Apache-2.0
import type { ReadStore, Store } from "../content/storage";
import { isConsignError, type ConsignError } from "../errors";
import { walk } from "../graph/index";
import {
  lookAtLeases,
  packLeases,
  placeLease,
  removeLease,
  type Sightings,
} from "../keeping/lease";
import type { Leases } from "../keeping/leaving";
import type { Digest } from "../oci/digest";
import { successorsOf, type Manifest } from "../oci/manifest";
import { MEDIA_TYPES } from "../oci/media-types";
import { formatInstant, type Entry } from "../retention/index";
import type { ResourceContext } from "../world/context";
import { descriptorOf } from "./places";

/** The leases of one run at one archive: its own, and those of others that it has to mind. */
export class Leasing {
  /** When the leases of others were first seen. */
  sightings: Sightings;
  readonly #own = new Set<string>();
  #named: ReadonlyMap<Digest, string> = new Map();
  /** Why leases cannot be taken back here. */
  #refusal: ConsignError | undefined;

  /**
   * @param holder by which people know who wrote a lease
   * @param before when earlier runs first saw the leases of others
   */
  constructor(
    private readonly archive: Store,
    private readonly holder: string,
    before: Sightings,
    private readonly context: ResourceContext,
  ) {
    this.sightings = before;
  }

  /**
   * What others rely on, asked fresh. @throws ConsignError where leases cannot be taken back: then
   * nothing is to be freed, as nobody could say that he is done
   */
  readonly ofOthers: Leases = async (store: ReadStore) => {
    const { named, sightings, leftBehind } = await lookAtLeases(store, {
      own: this.#own,
      holder: this.holder,
      before: this.sightings,
      now: this.context.now(),
    });
    this.sightings = sightings;
    this.#named = named;
    for (const each of leftBehind) await this.#end(each);
    if (this.#refusal !== undefined) throw this.#refusal;
    return named;
  };

  /** Whether a lease named it when they were looked at last. */
  names(digest: Digest): boolean {
    return this.#named.has(digest);
  }

  /** Archives while a lease says what that relies on, from before the first upload. */
  async while<T>(artifacts: readonly [Digest, Entry][], work: () => Promise<T>): Promise<T> {
    const leases = packLeases(
      this.holder,
      formatInstant(this.context.now()),
      await this.#contentOf(artifacts),
    );
    for (const lease of leases) {
      this.#own.add(lease.tag);
      await placeLease(this.archive, lease);
    }
    try {
      return await work();
    } finally {
      for (const { tag, packed } of leases) await this.#end({ tag, manifest: packed.manifest });
    }
  }

  async #end(lease: { tag: string; manifest: Manifest }): Promise<void> {
    const { archive, context } = this;
    try {
      const refusal = await removeLease(archive, lease);
      if (refusal === undefined) return;
      this.#refusal = refusal;
      context.warn(
        `archive ${archive.name}: nothing can be freed here, as tags cannot be removed: the lease ${lease.tag} stays (${refusal.message})`,
      );
    } catch (error) {
      if (!isConsignError(error)) throw error;
      context.warn(
        `archive ${archive.name}: the lease ${lease.tag} could not be taken back, and keeps what it names for a day: ${error.message}`,
      );
    }
  }

  /** Everything that is about to be there. What cannot be read at its source fails by itself later. */
  async #contentOf(artifacts: readonly [Digest, Entry][]): Promise<Set<Digest>> {
    const content = new Set<Digest>();
    for (const [digest, entry] of artifacts) {
      content.add(digest);
      for (const location of entry.at) {
        try {
          const source = await this.context.stores.open(location);
          const { nodes } = await walk(source, descriptorOf(digest, entry), {
            leafTypes: [MEDIA_TYPES.notarySignature],
          });
          for (const [each, { manifest }] of nodes) {
            content.add(each);
            for (const part of successorsOf(manifest)) content.add(part.digest);
          }
        } catch (error) {
          if (!isConsignError(error)) throw error;
        }
      }
    }
    return content;
  }
}
