// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { archivePolicy } from "../../provider/archive/archive";
import type { Properties } from "../../provider/world/reconciler";
import type { Entry } from "../../provider/retention/index";
import { Life } from "../harness/life";
import {
  claim,
  MemoryStores,
  publish,
  quickParty,
  trustOf,
  type Party,
} from "../harness/memory-world";

export const acme = quickParty("ACME Rockets");
export const stranger = quickParty("Stranger");

export const SOURCE = "registry.example/acme/app";
export const EDGE = "edge.example/acme/app";
export const ARCHIVE = "archive.example/acme/app";

export interface Stay {
  environment?: string;
  from: string;
  until?: string;
  /** Who says so; `null` leaves it unsigned. */
  by?: Party | null;
}

/**
 * A source, an edge that is only watched, and an archive, with what environments say of artifacts.
 */
export class ArchiveWorld {
  readonly stores = new MemoryStores();
  readonly source = this.stores.at(SOURCE);
  readonly edge = this.stores.at(EDGE);
  readonly archive = this.stores.at(ARCHIVE);

  life(now?: () => Date): Life {
    return new Life(archivePolicy, {
      folder: "/nonexistent",
      world: { stores: this.stores },
      ...(now === undefined ? {} : { now }),
    });
  }

  /** A policy that removes all that it may, and at once. */
  args(asOf: string | undefined, overrides: Properties = {}): Properties {
    return {
      sources: [SOURCE],
      archive: ARCHIVE,
      archiveAfter: "30d",
      retain: { for: "1y" },
      signer: acme.signer,
      trust: trustOf(acme),
      releaseTags: ["*"],
      purgeGrace: "0s",
      freeBlobs: true,
      ...(asOf === undefined ? {} : { asOf }),
      ...overrides,
    };
  }

  /** An artifact at the source that was, or is, in an environment. */
  async deployed(name: string, ...stays: Stay[]): Promise<Descriptor> {
    const artifact = await publish(this.source, name, acme, name);
    for (const stay of stays) await this.stay(artifact, stay);
    return artifact;
  }

  async stay(
    artifact: Descriptor,
    { environment = "production", from, until, by = acme }: Stay,
    store = this.source,
  ): Promise<void> {
    const say = (predicate: Record<string, string>) =>
      claim(store, { type: "deployment", subject: artifact, predicate, audience: "internal" }, by);
    await say({ environment, from: time(from) });
    if (until !== undefined) await say({ environment, from: time(from), until: time(until) });
  }
}

function time(day: string): string {
  return day.length === 10 ? `${day}T00:00:00Z` : day;
}

/** `state decision` of an artifact, `absent` if there is no entry. */
export function decided(properties: Properties, { digest }: { digest: string }): string {
  const entry = entryOf(properties, digest);
  return entry === undefined ? "absent" : `${entry.state} ${entry.decision}`;
}

export function ruleOf(properties: Properties, { digest }: { digest: string }): string {
  return entryOf(properties, digest)?.reason ?? "";
}

export function entryOf(properties: Properties, digest: string): Entry | undefined {
  return (properties["entries"] as Record<Digest, Entry> | undefined)?.[digest as Digest];
}
