// SPDX-License-Identifier: Apache-2.0
import { makeContext } from "../../provider/dynamic/host";
import { dynamicProvider } from "../../provider/dynamic/adapter";
import type { ResourceContext } from "../../provider/world/context";
import { mirror } from "../../provider/mirror/mirror";
import type { Properties } from "../../provider/world/reconciler";
import { tempDir } from "../harness/temp";

export interface Step {
  /** What the engine would do. */
  op: "create" | "update" | "replace" | "same";
  /** Top-level properties that differ. */
  diffs: string[];
  warnings: string[];
  progress: string[];
}

/** What a check refused: property to reason. */
export class CheckRefused extends Error {
  constructor(readonly failures: readonly { property: string; reason: string }[]) {
    super(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
  }
}

const HIDDEN = ["ready", "behind", "kept", "budget"];

/**
 * One Mirror as the engine would drive it, through the same protocol, in this process: each
 * operation has a provider process of its own, so nothing is remembered but what is recorded.
 */
export class MirrorStack {
  id: string | undefined;
  inputs: Properties = {};
  outputs: Properties = {};
  /** What time it is. */
  now: () => Date = () => new Date();

  constructor(
    readonly baseDir = tempDir("mirror"),
    readonly config: Record<string, unknown> = {},
  ) {}

  get plan(): {
    tags: Record<string, string>;
    artifacts: Record<string, { related?: Record<string, string> }>;
  } & Properties {
    return this.outputs["plan"] as never;
  }

  get status(): Record<string, Record<string, string>> {
    return this.outputs["status"] as never;
  }

  get parity(): Record<string, string> {
    return this.outputs["parity"] as never;
  }

  /** `pulumi preview`. */
  async preview(args: Properties): Promise<Step & { inputs: Properties }> {
    return this.process(async (provider) => this.#plan(provider, args));
  }

  /** `pulumi up`. What was done before a failure is recorded. */
  async up(args: Properties): Promise<Step> {
    return this.process(async (provider) => {
      const step = await this.#plan(provider, args);
      if (step.op === "same") {
        this.inputs = step.inputs;
        return step;
      }
      const replaced =
        step.op === "replace" ? { id: this.id ?? "", outputs: this.outputs } : undefined;
      try {
        if (step.op === "update")
          this.outputs = (await provider.update?.(this.id ?? "", this.outputs, step.inputs))
            ?.outs as Properties;
        else {
          const created = await provider.create(step.inputs);
          this.id = created.id;
          this.outputs = created.outs as Properties;
        }
        this.inputs = step.inputs;
      } catch (error) {
        const partial = error as { id?: string; properties?: Properties };
        if (partial.properties !== undefined) {
          this.id = partial.id;
          this.inputs = step.inputs;
          this.outputs = partial.properties;
        }
        throw error;
      }
      if (replaced !== undefined) await provider.delete?.(replaced.id, replaced.outputs);
      return step;
    });
  }

  /**
   * `pulumi refresh`; with `keep` false nothing is recorded, as in `preview --refresh`. @returns
   * what differs from the record
   */
  async refresh(keep = true): Promise<Properties> {
    return this.process(async (provider) => {
      const read = await provider.read?.(this.id ?? "", this.outputs);
      const outputs = (read?.props ?? {}) as Properties;
      const changed = Object.fromEntries(
        Object.entries(outputs).filter(
          ([name, value]) => JSON.stringify(value) !== JSON.stringify(this.outputs[name]),
        ),
      );
      if (keep) {
        this.outputs = outputs;
        this.inputs = (read as { inputs?: Properties } | undefined)?.inputs ?? this.inputs;
      }
      return changed;
    });
  }

  /** `pulumi destroy`. @returns what it said */
  async destroy(): Promise<Pick<Step, "warnings" | "progress">> {
    await this.process(async (provider) => provider.delete?.(this.id ?? "", this.outputs));
    return this.#said;
  }

  async process<T>(
    work: (provider: ReturnType<typeof dynamicProvider>, context: ResourceContext) => Promise<T>,
  ): Promise<T> {
    const warnings: string[] = [];
    const progress: string[] = [];
    const made = makeContext(
      this.baseDir,
      {
        get: (key) =>
          this.config[key] === undefined ? undefined : JSON.stringify(this.config[key]),
      },
      { HOME: this.baseDir, PATH: "" },
    );
    const context: ResourceContext = {
      ...made,
      now: () => this.now(),
      warn: (message) => void warnings.push(message),
      progress: (message) => void progress.push(message),
    };
    this.#said = { warnings, progress };
    try {
      return await work(
        dynamicProvider(
          () => mirror,
          () => context,
        ),
        context,
      );
    } finally {
      await context.stores.close();
    }
  }

  #said: Pick<Step, "warnings" | "progress"> = { warnings: [], progress: [] };

  async #plan(
    provider: ReturnType<typeof dynamicProvider>,
    args: Properties,
  ): Promise<Step & { inputs: Properties }> {
    const checked = await provider.check?.(this.id === undefined ? {} : this.inputs, args);
    if ((checked?.failures ?? []).length > 0) throw new CheckRefused(checked?.failures ?? []);
    const inputs = (checked?.inputs ?? {}) as Properties;
    if (this.id === undefined) return { op: "create", diffs: [], inputs, ...this.#said };
    const diff = await provider.diff?.(this.id, this.outputs, inputs);
    const names = [...new Set([...Object.keys(this.outputs), ...Object.keys(inputs)])].filter(
      (name) => !name.startsWith("__") && !HIDDEN.includes(name),
    );
    const diffs = names
      .filter((name) => JSON.stringify(this.outputs[name]) !== JSON.stringify(inputs[name]))
      .sort();
    const op =
      diff?.changes !== true ? "same" : (diff.replaces ?? []).length > 0 ? "replace" : "update";
    return { op, diffs, inputs, ...this.#said };
  }
}
