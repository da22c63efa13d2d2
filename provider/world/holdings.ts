// SPDX-License-Identifier: Apache-2.0
import type { Location } from "../oci/reference";
import type { ResourceContext } from "./context";

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
  readonly #held = new Set<string>();

  constructor(private readonly context: Pick<ResourceContext, "stores">) {}

  async add({ location, digests, tags }: Holding): Promise<void> {
    const place = await this.context.stores.placeOf(location);
    for (const digest of digests) this.#held.add(`${place}@${digest}`);
    for (const tag of tags) this.#held.add(`${place}:${tag}`);
  }

  async has(location: Location, digest: string): Promise<boolean> {
    return this.#held.has(`${await this.context.stores.placeOf(location)}@${digest}`);
  }

  async hasTag(location: Location, tag: string): Promise<boolean> {
    return this.#held.has(`${await this.context.stores.placeOf(location)}:${tag}`);
  }
}

const ofContext = new WeakMap<ResourceContext, Holdings>();

/** Those of the process, as one process is one run of the engine. */
export function holdingsOf(context: ResourceContext): Holdings {
  const known = ofContext.get(context) ?? new Holdings(context);
  ofContext.set(context, known);
  return known;
}
