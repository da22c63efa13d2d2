// SPDX-License-Identifier: Apache-2.0
import type { Environment, ParseResult } from "@marcbachmann/cel-js";
import { z } from "zod";
import { ConsignError, isConsignError } from "../../errors";
import type { VexEntry } from "../effective/vex";
import { isTimeout, withinTime } from "../within-time";

/** Longest condition, in characters. */
export const MAX_CONDITION_LENGTH = 4096;
/**
 * Longest time one evaluation may take, in milliseconds. The data is somebody else's, and a regular
 * expression over it can be slow.
 */
export const CONDITION_TIMEOUT = 1_000;

/** What a condition can speak about. */
export interface ConditionContext {
  predicate: unknown;
  /** Predicate type URI; in a condition its name is `claimType`, as `type` is a function of CEL. */
  type: string;
  /** Subject of the signer's certificate. */
  issuer: string;
  issuedAt?: Date | undefined;
  /** Digest of the artifact. */
  subject: string;
  now?: Date | undefined;
  /** What the effective OpenVEX documents say. */
  vex?: readonly VexEntry[] | undefined;
}

/** `error` means that there is no answer: whoever asks must take it for the worse one. */
export type ConditionResult = { result: boolean } | { error: string };

export interface Condition {
  text: string;
  evaluate(context: ConditionContext): ConditionResult;
}

let made: Environment | undefined;

/** Made with the first condition: few programs have one. */
function environment(): Environment {
  if (made !== undefined) return made;
  const cel = require("@marcbachmann/cel-js") as typeof import("@marcbachmann/cel-js");
  made = new cel.Environment({
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: 1_000,
      maxDepth: 32,
      maxListElements: 200,
      maxMapEntries: 100,
      maxCallArguments: 16,
    },
  })
    .registerVariable("predicate", "dyn")
    .registerVariable("claimType", "string")
    .registerVariable("issuer", "string")
    .registerVariable("issuedAt", "google.protobuf.Timestamp")
    .registerVariable("subject", "string")
    .registerVariable("now", "google.protobuf.Timestamp")
    .registerVariable("vex", "list");
  return made;
}

/**
 * Compiles a condition in the Common Expression Language over `predicate`, `claimType`, `issuer`,
 * `issuedAt`, `subject`, `now` and `vex`. Numbers in a predicate are doubles, as CEL has it for
 * JSON: compare them with anything, but write `predicate.n + 1.0`. A member that is missing is an
 * error, so ask `has(predicate.member)` first.
 * @throws ConsignError `CONDITION_INVALID`, with the position
 * @see https://github.com/google/cel-spec/blob/v0.24.0/doc/langdef.md
 */
export function compileCondition(text: string): Condition {
  if (text.length > MAX_CONDITION_LENGTH) {
    throw new ConsignError(
      "CONDITION_INVALID",
      `the condition has ${text.length} characters; at most ${MAX_CONDITION_LENGTH} are allowed`,
    );
  }
  const program = parse(text);
  const check = program.check();
  if (!check.valid) throw invalid(text, check.error);
  if (check.type !== "bool" && check.type !== "dyn") {
    throw new ConsignError(
      "CONDITION_INVALID",
      `the condition "${shortened(text)}" gives a ${check.type}; it must give true or false`,
    );
  }
  return { text, evaluate: (context) => evaluate(program, context) };
}

/** A condition's text, compiled once to see that it is valid. */
export const conditionSchema = z
  .string()
  .min(1)
  .check((context) => {
    try {
      compileCondition(context.value);
    } catch (error) {
      if (!isConsignError(error)) throw error;
      context.issues.push({
        code: "custom",
        input: context.value,
        message: error.message,
        params: { code: error.code },
      });
    }
  });

function parse(text: string): ParseResult {
  try {
    return environment().parse(text);
  } catch (error) {
    throw invalid(text, error);
  }
}

function invalid(text: string, error: unknown): ConsignError {
  const range = locate(error);
  const where = range === undefined ? "" : ` at character ${range + 1}`;
  return new ConsignError(
    "CONDITION_INVALID",
    `the condition "${shortened(text)}" is not valid${where}: ${summaryOf(error)}`,
    { cause: error },
  );
}

function locate(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("range" in error)) return undefined;
  const { range } = error;
  return typeof range === "object" &&
    range !== null &&
    "start" in range &&
    typeof range.start === "number"
    ? range.start
    : undefined;
}

/** The library's `message` repeats the source with a caret; its `summary` is the bare fact. */
function summaryOf(error: unknown): string {
  if (
    typeof error === "object" &&
    error !== null &&
    "summary" in error &&
    typeof error.summary === "string"
  )
    return error.summary;
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}

function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}

function evaluate(program: ParseResult, { type, ...context }: ConditionContext): ConditionResult {
  const variables = Object.fromEntries(
    Object.entries({ ...context, claimType: type }).filter(([, value]) => value !== undefined),
  );
  try {
    const value: unknown = withinTime(CONDITION_TIMEOUT, () => program(variables));
    if (typeof value === "boolean") return { result: value };
    return {
      error: `the condition gives ${value === null ? "null" : `a ${typeof value}`}, not true or false`,
    };
  } catch (error) {
    return {
      error: isTimeout(error)
        ? `the condition took longer than ${CONDITION_TIMEOUT} ms`
        : summaryOf(error),
    };
  }
}
