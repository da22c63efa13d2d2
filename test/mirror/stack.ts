// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { mirror } from "../../provider/mirror/mirror";
import type { Properties } from "../../provider/world/reconciler";
import { Life, type Operation, type Preview } from "../harness/life";
import { tempDir } from "../harness/temp";

export interface Step {
  /** What the engine would do. */
  op: Operation;
  /** Top-level properties that differ. */
  diffs: string[];
  warnings: string[];
  progress: string[];
}

/** The life of one Mirror, with what is asked of mirrors alone. */
export class MirrorStack {
  readonly #life: Life;
  /** What time it is. */
  now: () => Date = () => new Date();

  constructor(
    readonly baseDir = tempDir("mirror"),
    readonly config: Record<string, unknown> = {},
  ) {
    this.#life = new Life(mirror, {
      folder: baseDir,
      config,
      env: { HOME: baseDir, PATH: "" },
      now: () => this.now(),
    });
  }

  get id(): string | undefined {
    return this.#life.id;
  }

  set id(id: string | undefined) {
    this.#life.id = id;
  }

  get inputs(): Properties {
    return this.#life.inputs;
  }

  set inputs(inputs: Properties) {
    this.#life.inputs = inputs;
  }

  get outputs(): Properties {
    return this.#life.outputs;
  }

  set outputs(outputs: Properties) {
    this.#life.outputs = outputs;
  }

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

  async preview(args: Properties): Promise<Step & { inputs: Properties }> {
    const preview = await this.#life.preview(args);
    return { ...this.#stepOf(preview), inputs: preview.planned };
  }

  async up(args: Properties): Promise<Step> {
    return this.#stepOf(await this.#life.run(args));
  }

  /**
   * `pulumi refresh`; with `keep` false nothing is recorded, as in `preview --refresh`. @returns
   * what differs from the record
   */
  async refresh(keep = true): Promise<Properties> {
    const { id, inputs, outputs } = this.#life;
    await this.#life.refresh();
    const changed = Object.entries(this.outputs).filter(
      ([name, value]) => !isDeepStrictEqual(value, outputs[name]),
    );
    if (!keep) Object.assign(this.#life, { id, inputs, outputs });
    return Object.fromEntries(changed);
  }

  /** `pulumi destroy`. @returns what it said */
  async destroy(): Promise<Pick<Step, "warnings" | "progress">> {
    await this.#life.destroy();
    const { warnings, progress } = this.#life;
    return { warnings, progress };
  }

  #stepOf({ op, changed }: Preview): Step {
    const { warnings, progress } = this.#life;
    const diffs = [...new Set(changed.map((path) => path.split(".")[0] ?? path))];
    return { op, diffs, warnings, progress };
  }
}
