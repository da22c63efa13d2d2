// SPDX-License-Identifier: Apache-2.0
import { claimTypeOf, readClaim, typeKey } from "../../provider/claims/index";
import type { Store } from "../../provider/content/storage";
import { dynamicProvider } from "../../provider/dynamic/adapter";
import { makeContext } from "../../provider/dynamic/host";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import type { ResourceContext } from "../../provider/world/context";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties } from "../../provider/world/reconciler";
import { formatInstant } from "../../provider/retention/index";
import { Life } from "../harness/life";
import { MemoryStores, quickParty, trustOf } from "../harness/memory-world";

export const wabbit = quickParty("Wabbit Networks");
export const acme = quickParty("ACME Rockets");

export const FROM = "registry.example/wabbit/app";
export const TO = "registry.example/acme/app";

const DAY_MS = 86_400_000;
export const CLOCK = new Date();
/** A moment so many days after now, as records have it. */
export const day = (days: number): string => formatInstant(CLOCK.getTime() + days * DAY_MS);
export const NOW = day(0);

/** A source, and a place with one environment's tag; promotions between them. */
export class PromotionWorld {
  readonly stores = new MemoryStores();
  readonly source = this.stores.at(FROM);
  readonly to = this.stores.at(TO);

  /** @param days how far ahead the machine's clock is */
  life(days = 0): Life {
    return new Life(promotion, {
      folder: "/nonexistent",
      world: { stores: this.stores },
      now: () => clock(days),
    });
  }

  args({ digest }: Descriptor, asOf: string | undefined, overrides: Properties = {}): Properties {
    return {
      artifact: `${FROM}@${digest}`,
      environment: "production",
      to: TO,
      tag: "prod",
      signer: acme.signer,
      trust: trustOf(wabbit, acme),
      ...(asOf === undefined ? {} : { asOf }),
      ...overrides,
    };
  }

  /**
   * One process, as the engine starts it for a run: what is new is made first, and what is gone is
   * deleted last.
   */
  process(): {
    provider: ReturnType<typeof dynamicProvider>;
    warnings: string[];
    create(args: Properties): Promise<Properties>;
  } {
    const warnings: string[] = [];
    const context: ResourceContext = {
      ...makeContext("/nonexistent", undefined),
      stores: this.stores,
      now: () => clock(0),
      warn: (line) => void warnings.push(line),
      progress: () => undefined,
    };
    const provider = dynamicProvider(
      () => promotion,
      () => context,
    );
    return {
      provider,
      warnings,
      async create(args) {
        const { inputs, failures = [] } = (await provider.check?.({}, args)) ?? {};
        if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join());
        return (await provider.create({ ...(inputs as Properties), __provider: "stub" }))
          .outs as Properties;
      },
    };
  }
}

function clock(days: number): Date {
  return new Date(CLOCK.getTime() + days * DAY_MS);
}

/** What each claim of a type on an artifact says, oldest first. */
export async function claimsOn(
  store: Store,
  { digest }: { digest: Digest },
  type: string,
): Promise<Record<string, unknown>[]> {
  const descriptors = (await store.referrers(digest)).filter(
    (each) => typeKey(claimTypeOf(each) ?? "") === type,
  );
  const found = await Promise.all(
    descriptors.map(
      async (each) => (await readClaim(store, each)).predicate as Record<string, unknown>,
    ),
  );
  return found.sort((a, b) =>
    String(a["from"] ?? a["timeVerified"]) < String(b["from"] ?? b["timeVerified"]) ? -1 : 1,
  );
}

/**
 * `production 2026-01-01T00:00:00Z …`: the claims that an artifact was in an environment, sorted.
 */
export async function windowsOn(store: Store, artifact: { digest: Digest }): Promise<string[]> {
  return (await claimsOn(store, artifact, "deployment"))
    .map(
      ({ environment, from, until }) =>
        `${String(environment)} ${String(from)} ${String(until ?? "…")}`,
    )
    .sort();
}

/** Somebody points a tag elsewhere, behind every promotion's back. */
export async function moveByHand(
  store: Store,
  { digest }: { digest: Digest },
  tag = "prod",
): Promise<void> {
  await store.tag(await store.manifest(digest), tag);
}

export const short = ({ digest }: { digest: Digest }): string => `${digest.slice(0, 19)}…`;
