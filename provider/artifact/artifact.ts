// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";
import { descriptorSchema, sameContent } from "../oci/descriptor";
import { digestSchema, type Digest } from "../oci/digest";
import {
  locationSchema,
  parseLocation,
  pinned,
  referenceSchema,
  tagSchema,
} from "../oci/reference";
import { artifactTagSchema, onDeleteSchema, pick, readState } from "../world/arguments";
import { openOrigin, originKnown, originShape, pushOrigin } from "./origin";
import { COMPLETE, contentStatus } from "./content-status";
import type { ResourceContext } from "../world/context";
import { holdingsOf } from "../world/holdings";
import { PartialFailure, type Properties, type Reconciler } from "../world/reconciler";
import { Made } from "../keeping/made";
import { ownSignaturesOn, takeAway } from "../keeping/take-away";
import { NOT_DUE } from "../signing/renewal";
import { signedBySchema } from "../signing/signer";
import {
  currentSignatures,
  ensureSigned,
  keptSignatures,
  plannedRenewal,
  plannedSigning,
  recordedSignatures,
  satisfying,
  signatureRecord,
  signatureRecordSchema,
  signatureStatus,
} from "../signing/signing";
import { signingShape, type SigningArguments } from "../signing/arguments";
import { dropTag } from "./drop-tag";
import { observedTags, pointTag, requireUnmoved } from "../world/tags";

const schema = z.object({
  repository: locationSchema,
  tags: z.array(artifactTagSchema).max(100).default([]),
  ...originShape,
  ...signingShape,
  onDelete: onDeleteSchema.default("retain"),
});

const plannedSchema = schema.extend({
  tags: z.array(tagSchema).max(100).default([]),
  digest: digestSchema,
  reference: referenceSchema,
  descriptor: descriptorSchema,
  signedBy: signedBySchema,
  tagged: z.record(z.string(), z.string()),
  /** Where this resource itself last pointed each tag: what is there is its own to take away. */
  placed: z.record(z.string(), z.string()).optional(),
  renewal: z.string().default(NOT_DUE),
  signatures: z.array(signatureRecordSchema).optional(),
});

const tagsSchema = plannedSchema.pick({ tagged: true, placed: true }).partial();

/**
 * An artifact in a repository, its signature, and the tags on it. Signature before tag: who
 * resolves the tag finds it signed.
 */
export const signedArtifact: Reconciler<typeof schema.shape> = {
  kind: "SignedArtifact",
  schema,
  replaceOn: ["repository"],
  places: ["repository"],
  ignore: ["signer", "files", "layout", "from", "tags", "artifactType", "annotations"],
  ensured: ["signatures", "formerSignatures", "placed", "signedReference", "made", "onDestroy"],

  async plan(known, unknown, _previous, context) {
    const settled = originKnown(known, unknown);
    const { signedBy } = await plannedSigning(known, context);
    const planned: Properties = {
      ...pick(known, "tags", "onDelete"),
      content: COMPLETE,
      signature: "valid",
      ...(signedBy === undefined ? {} : { signedBy }),
    };
    if (!unknown.has("renewBefore") && known.renewBefore === undefined)
      planned["renewal"] = NOT_DUE;
    if (!settled) return { planned };
    const { root: descriptor } = await openOrigin(known, context);
    Object.assign(planned, { digest: descriptor.digest, descriptor });
    if (known.tags !== undefined)
      planned["tagged"] = Object.fromEntries(known.tags.map((tag) => [tag, descriptor.digest]));
    const { repository } = known;
    if (repository === undefined) return { planned };
    planned["reference"] = pinned(parseLocation(repository), descriptor.digest);
    const undetermined = Object.keys(signingShape).some((name) => unknown.has(name));
    if (signedBy !== undefined && !undetermined) {
      planned["renewal"] = await plannedRenewal(
        () => context.stores.open(repository),
        descriptor,
        known as SigningArguments,
        signedBy,
        context,
      );
    }
    return { planned };
  },

  id: (inputs) => String(inputs["repository"]),

  holds(properties) {
    const held = plannedSchema
      .pick({ repository: true, digest: true, tags: true })
      .safeParse(properties);
    return held.success
      ? {
          location: parseLocation(held.data.repository),
          digests: [held.data.digest, ...recordedSignatures(properties)],
          tags: held.data.tags,
        }
      : undefined;
  },

  async ensure(inputs, previous, context) {
    const plan = readState(plannedSchema, inputs);
    const { seen, placed } = tagsBefore(previous);
    const store = await context.stores.open(plan.repository);
    await requireUnmoved(store, plan.digest, plan.tags, seen);
    const before = previous?.["digest"] === plan.digest ? previous : undefined;
    const made = Made.of(before);
    const done = {
      signatures: keptSignatures(before),
      signedReference: undefined as string | undefined,
      tagged: { ...seen },
      placed: { ...placed },
      content: "incomplete",
      signature: "incomplete",
    };
    try {
      const deep = previous !== undefined && previous["content"] !== COMPLETE;
      if (await ensureContent(plan, deep, context)) made.add(plan.digest);
      done.content = COMPLETE;
      const request = {
        store,
        target: plan.descriptor,
        args: plan,
        signedBy: plan.signedBy,
        renew: plan.renewal !== NOT_DUE,
        previous,
        onMade: (signature: Digest) => made.add(signature),
      };
      const signatures = await ensureSigned(request, context);
      Object.assign(done, {
        signatures,
        signature: "valid",
        signedReference: plan.reference,
      });
      for (const tag of plan.tags) {
        const isSet = await pointTag(store, plan.descriptor, tag, seen[tag]);
        done.tagged[tag] = plan.digest;
        if (isSet) done.placed[tag] = plan.digest;
      }
      for (const [tag, digest] of Object.entries(placed)) {
        if (plan.tags.includes(tag)) continue;
        if (!(await holdingsOf(context).hasTag(parseLocation(plan.repository), tag)))
          await dropTag(store, { tag, placed: digest, keep: plan.onDelete === "retain" }, context);
        delete done.placed[tag];
      }
      if (!made.isMarked) warnOfUnmarkedTags(plan, seen, context);
      return { ...done, ...marks(plan, made), tagged: plan.tagged, renewal: NOT_DUE };
    } catch (error) {
      throw new PartialFailure(error as Error, { ...inputs, ...done, ...marks(plan, made) });
    }
  },

  async observe(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.observe(recorded.repository);
    const content = await contentStatus(store, recorded.descriptor);
    if (content === undefined) return undefined;
    if (content.startsWith("altered")) return { ...state, content };
    const own = await currentSignatures(
      store,
      recorded.descriptor,
      recorded,
      recorded.signedBy,
      recordedSignatures(state),
      context,
    );
    const signature = signatureStatus(own, recorded);
    // What was signed stays recorded, so that a bad signature is one changed line: `signature`.
    const adopted =
      recorded.signatures !== undefined
        ? {}
        : {
            signatures: satisfying(own, recorded).map(signatureRecord),
            ...(signature === "valid" ? { signedReference: recorded.reference } : {}),
          };
    return {
      ...state,
      content,
      signature,
      tagged: await observedTags(store, Object.keys(recorded.tagged)),
      ...adopted,
    };
  },

  async remove(state, context) {
    const recorded = readState(plannedSchema, state);
    const store = await context.stores.open(recorded.repository);
    const made = Made.of(state);
    const leaving = {
      store,
      location: parseLocation(recorded.repository),
      target: recorded.descriptor,
      tags: Object.fromEntries(
        Object.entries(tagsBefore(state).placed).map(([tag, digest]) => [tag, [digest]]),
      ),
      made,
      related: ownSignaturesOn(recorded.digest, made),
    };
    await takeAway(leaving, recorded.onDelete, context);
  },
};

/** @returns whether it was not there before */
async function ensureContent(
  plan: z.infer<typeof plannedSchema>,
  deep: boolean,
  context: ResourceContext,
): Promise<boolean> {
  const origin = await openOrigin(plan, context);
  if (!sameContent(origin.root, plan.descriptor)) {
    throw new ConsignError(
      "PLAN_STALE",
      `what is to be pushed is now ${origin.root.digest}, the plan says ${plan.digest}: run again`,
      { reference: plan.reference },
    );
  }
  const store = await context.stores.open(plan.repository);
  const isMade = await pushOrigin(origin, store, deep);
  const status = await contentStatus(store, plan.descriptor);
  if (status !== COMPLETE) {
    throw new ConsignError(
      "READ_BACK_FAILED",
      `${plan.reference} was pushed, and cannot be read back (${status ?? "missing"}); if its content is damaged, delete it there and run again`,
      { reference: plan.reference },
    );
  }
  context.progress(`${plan.reference} is pushed`);
  return isMade;
}

/**
 * Where a state has its tags, and where this resource has set them. States without marks do not
 * tell these from tags that were there.
 */
function tagsBefore(state: Properties | undefined): {
  seen: Record<string, string>;
  placed: Record<string, string>;
} {
  const { tagged = {}, placed = {} } = tagsSchema.safeParse(state ?? {}).data ?? {};
  return { seen: tagged, placed: Made.of(state).isMarked ? placed : {} };
}

function warnOfUnmarkedTags(
  { tags, repository }: PlannedArtifact,
  seen: Record<string, string>,
  context: ResourceContext,
): void {
  const left = Object.keys(seen).filter((tag) => !tags.includes(tag));
  if (left.length > 0)
    context.warn(
      `${repository}: ${left.join(", ")} stays, although no longer wanted: the state was recorded by 0.1.0, which did not tell what it had set from what it had found`,
    );
}

type PlannedArtifact = z.infer<typeof plannedSchema>;

/** What is ours, and what that means for a destroy, which asks nobody in its preview. */
function marks({ reference, digest, onDelete }: PlannedArtifact, made: Made): Properties {
  const line =
    onDelete === "retain"
      ? `destroy will keep ${reference} and its tags: onDelete is "retain"`
      : onDelete === "untag"
        ? `destroy will keep ${reference}, and remove the tags that this resource has set`
        : made.has(digest)
          ? `destroy will remove ${reference}, the tags that this resource has set and its signatures, unless others need it`
          : `destroy will keep ${reference}, which was there before this resource, and remove the tags that this resource has set`;
  return { made: made.record(), onDestroy: [line] };
}
