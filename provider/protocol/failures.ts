// SPDX-License-Identifier: Apache-2.0
import { asConsignError, redact } from "../errors";
import { forEngine, oneLine } from "../printable";
import { PartialFailure, type Properties } from "../world/reconciler";
import type { Failure } from "./unknowns";

/**
 * {@link describe}, after the argument at fault where one is known: nothing else says it once a
 * check is over.
 */
function describeWithPath(error: unknown): string {
  const { path } = asConsignError(error instanceof PartialFailure ? error.cause : error);
  const text = describe(error);
  return path === undefined || path === "" || text.startsWith(`${path}:`)
    ? text
    : forEngine(`${oneLine(path)}: ${text}`);
}

/** `message (reference, side) [CODE]`: what a person reads in the CLI. */
export function describe(error: unknown): string {
  const known = asConsignError(error instanceof PartialFailure ? error.cause : error);
  const context = [
    known.reference,
    known.side === undefined || known.side === "local" ? undefined : `at the ${known.side}`,
  ].filter((part) => part !== undefined);
  const place =
    context.length === 0 || context.every((part) => known.message.includes(part))
      ? ""
      : ` (${context.join(", ")})`;
  return forEngine(`${known.message}${place} [${known.code}]`);
}

export function asCheckFailure(error: unknown, fallbackProperty: string): Failure {
  const known = asConsignError(error);
  return { property: forEngine(oneLine(known.path ?? fallbackProperty)), reason: describe(known) };
}

/**
 * A failure for the engine. It would print the value of the argument, which for a nested one it
 * does not find (`value {<nil>}`) and for a whole object is a page, so the argument is named in the
 * reason alone.
 */
export function asHostFailure({ property, reason }: Failure): Failure {
  return { property: "", reason: property === "" ? reason : `${property}: ${reason}` };
}

/** A failure as the engine may show it. */
export function forCheck({ property, reason }: Failure): Failure {
  return { property: forEngine(oneLine(property)), reason: forEngine(oneLine(redact(reason))) };
}

/**
 * What Pulumi's dynamic provider host turns into an error of the engine. Foreign errors are always
 * wrapped: the host takes any error that has a member `id` for a half-created resource. A {@link
 * PartialFailure} becomes just that, with `state` as what is recorded. The host never answers, and
 * the engine waits for ever, if `state` holds what protobuf cannot carry.
 */
export function asEngineError(error: unknown, id: string, state: Properties | undefined): Error {
  const wrapped = new Error(describeWithPath(error));
  // The host prints it, and where something was thrown is of no interest to anybody.
  wrapped.stack = "";
  if (!(error instanceof PartialFailure)) return wrapped;
  return Object.assign(wrapped, { id, properties: state, reasons: [describeWithPath(error)] });
}
