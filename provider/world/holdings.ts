// SPDX-License-Identifier: Apache-2.0
import type { Location } from "../oci/reference";
import type { ResourceContext } from "./context";
import { runPart } from "./run";

/** Manifests and tags that a resource has at a place, by what its properties say. */
export interface Holding {
  location: Location;
  digests: readonly string[];
  tags: readonly string[];
}

/**
 * What the resources of this run have. The engine creates first and deletes last: where a resource
 * is renamed, or replaced by one that says the same, the new one adopts what is there and the old
 * one is then told to take it away. What somebody in the run still has stays.
 */
export class Holdings {
  constructor(
    private readonly held: Set<string>,
    private readonly stores: ResourceContext["stores"],
  ) {}

  async add({ location, digests, tags }: Holding): Promise<void> {
    const place = await this.stores.placeOf(location);
    for (const digest of digests) this.held.add(`${place}@${digest}`);
    for (const tag of tags) this.held.add(`${place}:${tag}`);
  }

  async has(location: Location, digest: string): Promise<boolean> {
    return this.held.has(`${await this.stores.placeOf(location)}@${digest}`);
  }

  async hasTag(location: Location, tag: string): Promise<boolean> {
    return this.held.has(`${await this.stores.placeOf(location)}:${tag}`);
  }
}

const HOLDINGS = runPart("holdings", () => new Set<string>());

export function holdingsOf({ run, stores }: Pick<ResourceContext, "run" | "stores">): Holdings {
  return new Holdings(run.part(HOLDINGS), stores);
}
