// SPDX-License-Identifier: Apache-2.0
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import assert from "node:assert/strict";
import { dynamicProvider } from "../../provider/dynamic/adapter";
import { makeContext } from "../../provider/dynamic/host";
import type { ResourceContext } from "../../provider/world/context";
import type { Properties, Reconciler } from "../../provider/world/reconciler";

export interface LifeOptions {
  /** The project's folder. */
  folder: string;
  /** @default the real clock */
  now?: () => Date;
  config?: Record<string, unknown>;
  /** The provider process's environment. @default this one's */
  env?: NodeJS.ProcessEnv;
  /** What stands in for parts of the world. */
  world?: Partial<ResourceContext>;
}

export interface CheckFailed {
  property: string;
  reason: string;
}

/**
 * A check that found something wrong: what the engine shows in a preview, before anything is done.
 */
export class Refused extends Error {
  constructor(readonly failures: readonly CheckFailed[]) {
    super(failures.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
  }
}

/** What the engine would do. */
export type Operation = "create" | "same" | "update" | "replace";

export interface Preview {
  op: Operation;
  planned: Properties;
  /** Paths of what differs from what is recorded. */
  changed: string[];
}

/**
 * One resource's life as Pulumi's engine leads it, without the engine: each phase has a world of
 * its own, as each has a provider process of its own. It speaks to the provider through the
 * protocol's methods alone.
 */
export class Life {
  id: string | undefined;
  inputs: Properties = {};
  outputs: Properties = {};
  /** What the last phase said. */
  warnings: string[] = [];
  progress: string[] = [];

  constructor(
    readonly kind: Reconciler,
    readonly options: LifeOptions,
  ) {}

  async #phase<T>(work: (provider: ReturnType<typeof dynamicProvider>) => Promise<T>): Promise<T> {
    const { folder, config = {}, env, now, world } = this.options;
    const settings = {
      get: (key: string) => (config[key] === undefined ? undefined : JSON.stringify(config[key])),
    };
    const base = makeContext(folder, settings, ...(env === undefined ? [] : [env]));
    this.warnings = [];
    this.progress = [];
    const context: ResourceContext = {
      ...base,
      ...(now === undefined ? {} : { now }),
      warn: (message) => void this.warnings.push(message),
      progress: (message) => void this.progress.push(message),
      ...world,
    };
    try {
      return await work(
        dynamicProvider(
          () => this.kind,
          () => context,
        ),
      );
    } finally {
      await context.stores.close();
    }
  }

  /** What a preview says: the operation, and the inputs as they are planned. */
  async preview(args: Properties): Promise<Preview> {
    return this.#phase((provider) => this.#plan(provider, args));
  }

  async #plan(provider: ReturnType<typeof dynamicProvider>, args: Properties): Promise<Preview> {
    const { inputs = {}, failures = [] } =
      (await provider.check?.(this.inputs, JSON.parse(JSON.stringify(args)) as Properties)) ?? {};
    if (failures.length > 0) throw new Refused(failures.map(asChecked));
    const planned = overTheWire(inputs as Properties);
    if (this.id === undefined) return { op: "create", planned, changed: [] };
    const { changes, replaces = [] } =
      (await provider.diff?.(this.id, this.outputs, planned)) ?? {};
    assert.equal(typeof changes, "boolean", "diff never says perhaps");
    return {
      op: replaces.length > 0 ? "replace" : changes === true ? "update" : "same",
      planned,
      changed: changedPaths(pickLike(this.outputs, planned), planned),
    };
  }

  /**
   * `pulumi up`. A failure half-way keeps what it says is there, as the engine does.
   * @param leaving what the program no longer has, under this name: the engine deletes it last, in
   * the same provider process
   */
  async up(args: Properties, leaving?: Life): Promise<Operation> {
    return (await this.run(args, leaving)).op;
  }

  /** As {@link up}, for who asks what it was that was done. */
  async run(args: Properties, leaving?: Life): Promise<Preview> {
    return this.#phase(async (provider) => {
      const done = await this.#up(provider, args);
      if (leaving !== undefined) await provider.delete?.(leaving.id ?? "", leaving.outputs);
      return done;
    });
  }

  async #up(provider: ReturnType<typeof dynamicProvider>, args: Properties): Promise<Preview> {
    const preview = await this.#plan(provider, args);
    const { op, planned } = preview;
    const before = { id: this.id, inputs: this.inputs, outputs: this.outputs };
    this.inputs = planned;
    if (op === "same") return preview;
    try {
      if (op === "update")
        this.outputs = overTheWire(
          (await provider.update?.(this.id ?? "", this.outputs, planned))?.outs,
        );
      else {
        const created = await provider.create({ ...planned, __provider: "stub" });
        this.id = created.id;
        this.outputs = overTheWire(created.outs);
      }
    } catch (error) {
      const partial = error as { id?: string; properties?: Properties };
      if (partial.properties === undefined) this.inputs = before.inputs;
      else {
        this.id = partial.id;
        this.outputs = overTheWire(partial.properties);
      }
      throw error;
    }
    if (op === "replace") await provider.delete?.(before.id ?? "", before.outputs);
    return preview;
  }

  /** `pulumi refresh`: what changed, as paths of outputs; `gone` if the resource is no more. */
  async refresh(): Promise<string[] | "gone"> {
    return this.#phase(async (provider) => {
      const read = await provider.read?.(this.id ?? "", this.outputs);
      if (read?.id === "" || read === undefined) {
        this.id = undefined;
        this.inputs = this.outputs = {};
        return "gone";
      }
      const changed = changedPaths(this.outputs, overTheWire(read.props));
      this.outputs = overTheWire(read.props);
      this.inputs = overTheWire(read.inputs as Properties);
      return changed;
    });
  }

  async get(id: string, args: Properties): Promise<void> {
    await this.#phase(async (provider) => {
      const read = await provider.read?.(id, { ...args, __provider: "stub" });
      this.id = read?.id;
      this.outputs = overTheWire(read?.props);
      this.inputs = overTheWire(read?.inputs as Properties);
    });
  }

  async destroy(): Promise<void> {
    await this.#phase(async (provider) => provider.delete?.(this.id ?? "", this.outputs));
  }
}

const PROPERTY = /^([A-Za-z]\w*(?:\.[^\s:[\]]+|\[(?:"[^"]*"|\d+)\])*): /;

/** The engine is told the argument in the reason. */
export function asChecked({ reason }: { reason: string }): CheckFailed {
  const [prefix = "", property = ""] = PROPERTY.exec(reason) ?? [];
  return { property, reason: reason.slice(prefix.length) };
}

/** As properties are after they went through protobuf, which refuses what it cannot carry. */
function overTheWire(value: unknown): Properties {
  return Struct.fromJavaScript((value ?? {}) as Record<string, JavaScriptValue>).toJavaScript();
}

function pickLike(properties: Properties, like: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => name in like));
}

/** Paths of the values in which two properties differ: what a person sees as changed lines. */
export function changedPaths(before: unknown, after: unknown, path = ""): string[] {
  if (typeof before !== "object" || typeof after !== "object" || before === null || after === null)
    return before === after ? [] : [path];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => !name.startsWith("__"),
  );
  return names
    .flatMap((name) =>
      changedPaths(
        (before as Properties)[name],
        (after as Properties)[name],
        path === "" ? name : `${path}.${name}`,
      ),
    )
    .sort();
}
