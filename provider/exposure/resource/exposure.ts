// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { openTrust } from "../../judging/trust";
import { readState } from "../../world/arguments";
import type { ResourceContext } from "../../world/context";
import type { Properties, Reconciler } from "../../world/reconciler";
import type { Digest } from "../../oci/digest";
import type { ExposureAnswer } from "../answer/answer";
import { vulnerabilitiesFrom, type VulnerabilitiesPredicate } from "../answer/vulnerabilities";
import { cacheIn, exposureOf, opener } from "../exposure-of";
import { exposureSchema, subjectOf, type ExposureArguments } from "../question";
import { NO_ADVISORIES } from "../advisories/folder";
import { findingLines } from "./lines";

const schema = z.object(exposureSchema.shape);

/**
 * What is at some places is held against a question each time, so that a refresh shows what is new.
 * Nothing is created, and nothing fails because something is found.
 */
export const exposure: Reconciler<typeof schema.shape> = {
  kind: "Exposure",
  schema,
  replaceOn: [],
  ignore: [],
  ensured: [],

  async plan(known, unknown, previous, context) {
    if (unknown.size > 0) return { planned: {} };
    const question = readState(schema, known);
    return { planned: propertiesOf(await ask(question, context), previous) };
  },

  id: (inputs) => {
    const { vulnerability, package: named, claim, osv } = readState(schema, inputs);
    return vulnerability ?? named ?? claim?.type ?? osv ?? "exposure";
  },

  async ensure(inputs, previous, context) {
    const answer = await ask(readState(schema, inputs), context);
    return { ...inputs, ...propertiesOf(answer, { ...previous, ...inputs }) };
  },

  async observe(state, context) {
    const answer = await ask(readState(schema, state), context);
    return { ...state, ...propertiesOf(answer, state) };
  },

  async remove() {
    // An answer leaves nothing behind.
  },
};

async function ask(question: ExposureArguments, context: ResourceContext): Promise<ExposureAnswer> {
  // What is asked is checked before anything is read.
  if (question.osv === undefined) subjectOf(question, NO_ADVISORIES);
  const answer = await exposureOf(question, {
    baseDir: context.baseDir,
    now: context.now(),
    revocation: context.revocation,
    open: opener(context.stores, cacheIn(undefined, context.baseDir, process.env)),
    trustAt: (location) => openTrust(question.trust, location, context),
    progress: context.progress,
  });
  const { affected, unknown } = answer.counts;
  if (answer.status !== "none")
    context.warn(
      `${affected} affected, and of ${unknown + answer.faults.length} it cannot be told: see findings`,
    );
  return answer;
}

const recordedSchema = z.object({
  vulnerabilities: z.record(z.string(), z.custom<VulnerabilitiesPredicate>(isRecord)).optional(),
});

function propertiesOf(answer: ExposureAnswer, previous: Properties | undefined): Properties {
  const before = readState(recordedSchema, previous ?? {}).vulnerabilities ?? {};
  const affected =
    answer.about === "vulnerability"
      ? answer.entries.filter(({ status }) => status === "affected")
      : [];
  return {
    status: answer.status,
    findings: findingLines(answer),
    vulnerabilities: Object.fromEntries(
      affected.map(({ digest }) => [digest, settled(answer, digest, before[digest])]),
    ),
  };
}

/** As long as the same is found, the time at which it was found first. */
function settled(
  answer: ExposureAnswer,
  digest: Digest,
  before: VulnerabilitiesPredicate | undefined,
) {
  const now = vulnerabilitiesFrom(answer, digest);
  return before !== undefined &&
    isDeepStrictEqual(before.scanner.result, now.scanner.result) &&
    isDeepStrictEqual(before.scanner.incomplete, now.scanner.incomplete)
    ? before
    : now;
}

function isRecord(value: unknown): boolean {
  return z
    .looseObject({ scanner: z.looseObject({ result: z.array(z.unknown()) }) })
    .safeParse(value).success;
}
