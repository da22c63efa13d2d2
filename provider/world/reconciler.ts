// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import type { ResourceContext } from "./context";
import type { Holding } from "./holdings";

export type Properties = Record<string, unknown>;

/** What `plan` found out. */
export interface Plan {
  /**
   * Values to put beside the user's arguments; from here on they are inputs like these. What cannot
   * be known yet is left out.
   */
  planned: Properties;
}

/**
 * `create` or `update` got part of the way: `properties` is what is there now, and the next run
 * goes on from it.
 */
export class PartialFailure extends Error {
  constructor(
    override readonly cause: Error,
    readonly properties: Properties,
  ) {
    super(cause.message, { cause });
  }
}

/**
 * One kind of resource. The same five verbs for all kinds, so that nothing else needs to know which
 * kind it handles.
 *
 * - `plan` validates and resolves, never writes, and says as much as can be said before anything
 * exists.
 * - `ensure` makes the plan so. It is create and update: idempotent, adopting what is already
 * right.
 * - `observe` reads back and re-verifies; `undefined` only if the thing is definitely gone.
 * - `remove` takes it away as `onDelete` says; taking away what is gone succeeds.
 */
export interface Reconciler<Shape extends z.ZodRawShape = z.ZodRawShape> {
  readonly kind: string;
  /** The user's arguments. */
  readonly schema: z.ZodObject<Shape>;
  /** A change here makes a new resource and then removes the old one. */
  readonly replaceOn: readonly string[];
  /** Which of these name a place: where only the spelling differs it is no replacement. */
  readonly places?: readonly string[];
  /** A change here is no change: another property shows what it means. */
  readonly ignore: readonly string[];
  /** Outputs that only `ensure` and `observe` know; all other outputs are inputs too. */
  readonly ensured: readonly string[];
  /**
   * What brings recorded properties from one form to the next, the first of them from form 1 to
   * form 2; inputs and outputs alike. Who changes the form of what is recorded adds one at the end,
   * and none ever goes. Without any there is one form.
   */
  readonly upgrades?: readonly ((recorded: Properties) => Properties)[];
  plan(
    known: Partial<z.infer<z.ZodObject<Shape>>>,
    unknown: ReadonlySet<string>,
    previous: Properties | undefined,
    context: ResourceContext,
  ): Promise<Plan>;
  id(inputs: Properties): string;
  /**
   * True where `ensure` has to run although no property differs, e.g. to refuse what is not
   * verified.
   */
  unsettled?(inputs: Properties): boolean;
  /**
   * True where a recorded value may stay although the plan has another: a deliberate state that
   * nothing is to be done about.
   */
  acknowledged?(name: string, recorded: unknown): boolean;
  /**
   * What a resource with these properties has: in a run that keeps it, nobody else takes that away.
   */
  holds?(properties: Properties): Holding | undefined;
  ensure(
    inputs: Properties,
    previous: Properties | undefined,
    context: ResourceContext,
  ): Promise<Properties>;
  observe(state: Properties, context: ResourceContext): Promise<Properties | undefined>;
  remove(state: Properties, context: ResourceContext): Promise<void>;
}
