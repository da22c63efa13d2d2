// SPDX-License-Identifier: Apache-2.0
import { RegistryClient } from "../../provider/registry/index";
import type { Repository } from "../../provider/registry/repository";
import { Stores } from "../../provider/world/context";
import type { Properties, Reconciler } from "../../provider/world/reconciler";
import { Life } from "../harness/life";
import { startProxy, type Proxy } from "../harness/proxy";
import { startRegistry, type RegistryKind, type TestRegistry } from "../harness/registries";

/** What every registry is called, so that one state is true at all of them. */
export const HOST = "hub.localhost";

/** As in production, only that all waits are short. */
export const LIMITS = { tries: 2, backoffMs: 1, backoffCapMs: 2, readBackMs: 2, waitMs: 2_000 };

/** A resource as an engine remembers it. */
export interface Remembered {
  kind: Reconciler;
  id: string | undefined;
  inputs: Properties;
  outputs: Properties;
}

/**
 * A registry behind a proxy that has a fresh set of repositories for each probe, under names that
 * stay the same for clients.
 */
export class Place {
  #scene = "setup";
  #shared = false;

  private constructor(
    readonly kind: RegistryKind,
    readonly registry: TestRegistry,
    readonly proxy: Proxy,
    readonly folder: string,
  ) {}

  /** @param beside whose registry this is another way to */
  static async open(kind: RegistryKind, folder: string, beside?: Place): Promise<Place> {
    const registry = beside?.registry ?? (await startRegistry(kind));
    const names = { scene: (): string => "setup" };
    const proxy = await startProxy({
      upstream: registry.direct,
      rename: {
        behind: (path) =>
          path
            .replace(/^\/v2\/(?=.)/, `/v2/${names.scene()}/`)
            .replace(/([?&]from=)/, `$1${names.scene()}%2F`),
        inFront: (value) => value.replace(`/v2/${names.scene()}/`, "/v2/"),
      },
    });
    const place = new Place(kind, registry, proxy, folder);
    names.scene = () => place.#scene;
    place.#shared = beside !== undefined;
    return place;
  }

  /** From here on clients see other repositories. */
  enter(scene: string): void {
    this.#scene = scene;
    this.proxy.setFaults([]);
    this.proxy.clear();
  }

  get scene(): string {
    return this.#scene;
  }

  /** The registry itself, by the names that it has there. */
  at(repository: string): string {
    return `http://${this.registry.direct}/v2/${this.#scene}/${repository}`;
  }

  settings(): Record<string, { address: string }> {
    return { [HOST]: { address: this.proxy.host } };
  }

  client(): RegistryClient {
    return new RegistryClient({
      settings: this.settings(),
      baseDir: this.folder,
      env: {},
      limits: LIMITS,
    });
  }

  /** Runs with a store of its own, which remembers nothing of others. */
  async with<T>(repository: string, work: (store: Repository) => Promise<T>): Promise<T> {
    const client = this.client();
    try {
      return await work(client.repository(HOST, repository));
    } finally {
      await client.close();
    }
  }

  life(kind: Reconciler, now?: () => Date): Life {
    const { folder } = this;
    const client = () => this.client();
    return new Life(kind, {
      folder,
      ...(now === undefined ? {} : { now }),
      world: {
        // Each phase reads it anew, and has a process of its own.
        get stores() {
          return new Stores(client(), folder);
        },
      },
    });
  }

  revive({ kind, id, inputs, outputs }: Remembered): Life {
    return Object.assign(this.life(kind), structuredClone({ id, inputs, outputs }));
  }

  async close(): Promise<void> {
    await this.proxy.stop();
    if (!this.#shared) await this.registry.stop();
  }
}

export function remember({ kind, id, inputs, outputs }: Life): Remembered {
  return { kind, ...structuredClone({ id, inputs, outputs }) };
}
