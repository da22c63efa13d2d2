// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import type * as dynamic from "@pulumi/pulumi/dynamic";
import { ConsignError } from "../errors";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { PartialFailure, type Properties, type Reconciler } from "../world/reconciler";
import { samePlace } from "../world/same-place";
import { asCheckFailure, asEngineError } from "../protocol/failures";
import { configureHost, hostContext } from "./host";
import { plain } from "../protocol/plain";
import { UNKNOWN, checkInputs, holdsUnknown } from "../protocol/unknowns";

/**
 * Version of the recorded outputs. Whoever changes their shape raises it and teaches `upgrade` the
 * way from the older one.
 */
const STATE_VERSION = 1;

type Context = () => ResourceContext;

/**
 * Speaks Pulumi's dynamic provider protocol for a reconciler. Only here are `__` properties,
 * unknown values, and the shapes of `CheckResult`, `DiffResult` and partial failures known.
 * @param kind called when the reconciler is needed, and not before
 */
export function dynamicProvider(
  kind: () => Reconciler,
  context: Context = hostContext,
): dynamic.ResourceProvider {
  return {
    // Synchronous up to its end: the host starts other calls while it awaits this one.
    configure: async (request) => configureHost(request.config),
    check: async (olds: Properties, news: Properties) =>
      check(kind(), context, visible(olds), visible(news)),
    diff: async (_id: string, olds: Properties, news: Properties) =>
      compare(kind(), context, visible(olds), visible(news)),
    create: async (inputs: Properties) => create(kind(), context, inputs),
    update: async (id: string, olds: Properties, news: Properties) =>
      update(kind(), context, id, olds, news),
    read: async (id: string, props?: Properties) => read(kind(), context, id, props ?? {}),
    delete: async (id: string, state: Properties) => {
      try {
        await kind().remove(upgrade(state), context());
      } catch (error) {
        throw asEngineError(error, id, undefined);
      }
    },
  };
}

async function check(
  kind: Reconciler,
  context: Context,
  olds: Properties,
  news: Properties,
): Promise<dynamic.CheckResult> {
  const plannedBefore = Object.keys(olds).length === 0 ? undefined : olds;
  const { known, unknown, failures } = checkInputs(kind.schema, news);
  if (failures.length > 0) return { inputs: news, failures };
  try {
    const { planned } = await kind.plan(known, unknown, plannedBefore, context());
    return { inputs: plain({ ...news, ...planned }) as Properties };
  } catch (error) {
    return {
      inputs: news,
      failures: [asCheckFailure(error, Object.keys(kind.schema.shape)[0] ?? "")],
    };
  }
}

/**
 * The engine asks this about what the program still has, and nothing about what it is about to take
 * away.
 */
async function compare(
  kind: Reconciler,
  context: Context,
  olds: Properties,
  news: Properties,
): Promise<dynamic.DiffResult> {
  const result = diff(kind, olds, news);
  if (result.changes === false) await hold(kind, context, olds);
  return result;
}

async function hold(kind: Reconciler, context: Context, properties: Properties): Promise<void> {
  const held = kind.holds?.(properties);
  if (held !== undefined) await holdingsOf(context()).add(held);
}

/**
 * Holds what is planned from the start, as others are at work at the same time, and then what is
 * there.
 */
async function ensure(
  kind: Reconciler,
  context: Context,
  inputs: Properties,
  previous: Properties | undefined,
): Promise<Properties> {
  await hold(kind, context, inputs);
  try {
    const outputs = recorded(inputs, await kind.ensure(inputs, previous, context()));
    await hold(kind, context, outputs);
    return outputs;
  } catch (error) {
    if (error instanceof PartialFailure) await hold(kind, context, error.properties);
    throw error;
  }
}

/** Compares what is recorded with what is planned. No I/O, and never "perhaps". */
export function diff(kind: Reconciler, olds: Properties, news: Properties): dynamic.DiffResult {
  const skipped = new Set([...kind.ignore, ...kind.ensured]);
  const names = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter(
    (name) => !skipped.has(name),
  );
  const changed = names.filter(
    (name) =>
      !isDeepStrictEqual(olds[name], news[name]) &&
      !(kind.acknowledged?.(name, olds[name]) ?? false),
  );
  // What is no argument and not planned either is not known yet, as a plan leaves that out.
  const isKnown = (name: string) =>
    (name in news || name in kind.schema.shape) && !holdsUnknown(news[name]);
  const replaces = changed.filter(
    (name) =>
      kind.replaceOn.includes(name) &&
      isKnown(name) &&
      !(kind.places?.includes(name) === true && samePlace(olds[name], news[name])),
  );
  return { changes: changed.length > 0 || (kind.unsettled?.(news) ?? false), replaces };
}

async function create(
  kind: Reconciler,
  context: Context,
  inputs: Properties,
): Promise<dynamic.CreateResult> {
  const id = kind.id(inputs);
  try {
    return { id, outs: await ensure(kind, context, visible(inputs), undefined) };
  } catch (error) {
    throw asEngineError(error, id, partial(inputs, error));
  }
}

async function update(
  kind: Reconciler,
  context: Context,
  id: string,
  olds: Properties,
  news: Properties,
): Promise<dynamic.UpdateResult> {
  try {
    return { outs: await ensure(kind, context, visible(news), upgrade(olds)) };
  } catch (error) {
    throw asEngineError(error, id, partial(news, error));
  }
}

async function read(
  kind: Reconciler,
  context: Context,
  id: string,
  props: Properties,
): Promise<dynamic.ReadResult> {
  try {
    const state = "__v" in props ? upgrade(props) : await adopted(kind, context, props);
    const observed = await kind.observe(state, context());
    if (observed === undefined) return { id: "", props: {} };
    const outputs = recorded(state, observed);
    const inputs = Object.fromEntries(
      Object.entries(visible(outputs)).filter(([name]) => !kind.ensured.includes(name)),
    );
    return { id, props: outputs, inputs };
  } catch (error) {
    throw asEngineError(error, id, undefined);
  }
}

/** `Kind.get(…)`: there is no recorded state, only the program's arguments. */
async function adopted(kind: Reconciler, context: Context, props: Properties): Promise<Properties> {
  const { inputs, failures } = await check(kind, context, {}, visible(props));
  const failure = failures?.[0];
  if (failure !== undefined)
    throw new ConsignError("INPUT_INVALID", failure.reason, { path: failure.property });
  return inputs as Properties;
}

function recorded(inputs: Properties, ensured: Properties): Properties {
  return plain({ ...visible(inputs), ...ensured, __v: STATE_VERSION }) as Properties;
}

/** What is there after a failure half-way. The host adds the stub to whole states only. */
function partial(inputs: Properties, error: unknown): Properties | undefined {
  return error instanceof PartialFailure
    ? (plain({
        ...recorded(inputs, error.properties),
        __provider: inputs["__provider"],
      }) as Properties)
    : undefined;
}

function upgrade(state: Properties): Properties {
  const version = state["__v"] ?? STATE_VERSION;
  if (version !== STATE_VERSION) {
    throw new ConsignError(
      "STATE_INVALID",
      `this state was written by another version of pulumi-consign (form ${String(version)}, known is ${STATE_VERSION}): install that one or a newer one`,
    );
  }
  return visible(state);
}

/** Without the engine's and our own `__` members. */
function visible(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith("__")));
}

export { UNKNOWN };
