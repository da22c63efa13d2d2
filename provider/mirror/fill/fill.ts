// SPDX-License-Identifier: Apache-2.0
import type { ReadStore, Store } from "../../content/storage";
import { ConsignError, isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import type { ResourceContext } from "../../world/context";
import { applyToDestination, type Applied } from "./apply";
import { DERIVED_FROM } from "../choose/derived";
import { unprovenLists } from "../choose/source-view";
import { inventoryTag, removeInventory, writeInventory } from "../plan/inventory";
import { plannedAt } from "../plan/memory";
import {
  union,
  type DestinationStatus,
  type FullArtifact,
  type FullPlan,
} from "../../upcoming/plan";
import { sortedByKey, type Related } from "../../upcoming/related";
import { ABSENT } from "../../world/tags";
import type { TakesChild } from "../choose/platforms";
import type { Marks } from "./marks";
import { CopyMeter } from "./progress";
import { removeUnplanned } from "./prune";
import type { BlobRelay } from "./relay";
import type { KeptTags, KnownTags } from "./tag-moves";
import { ensureSigned } from "../../signing/signing";
import type { PlannedMirror } from "../arguments";

/** What all destinations are filled from. */
export interface Filling {
  plan: FullPlan;
  /** The source with what is made from it. */
  source: ReadStore;
  /** The source itself, for mounting. */
  origin: ReadStore;
  takesChild: TakesChild;
  /** Where there are several destinations. */
  relay: BlobRelay | undefined;
  descriptorOf: (digest: Digest) => Promise<Descriptor>;
}

export interface KnownDestination extends KnownTags {
  /** What earlier runs put there, finished or not; what of it is no longer planned is to go. */
  leftover: FullPlan | undefined;
  marks: Marks;
}

/**
 * Brings one destination in step: copies, takes away, and leaves the inventory beside it where the
 * plan is a summary.
 * @returns the tags that were left where others have them, and what could not be brought
 */
export async function fillDestination(
  name: string,
  filling: Filling,
  known: KnownDestination,
  planned: PlannedMirror,
  before: PlannedMirror | undefined,
  context: ResourceContext,
): Promise<Filled> {
  const destination = await context.stores.open(name);
  const { plan } = filling;
  const meter = new CopyMeter(name, context.now, context.progress);
  const work = applyToDestination({
    ...filling,
    mountFrom: filling.origin,
    destination,
    known,
    onConflict: planned.onConflict,
    complete: (digest) =>
      signOrigin({ destination, digest, plan, marks: known.marks }, planned, context),
    marks: known.marks,
    warn: (message) => context.warn(message),
    meter,
    sendBlob: filling.relay?.to(destination),
    isolates: (error) => !refusesSparse(error, planned),
    unproven: once((why) => context.warn(`${unprovenLists(name)} (${why})`)),
  });
  const applied = await work.catch((error: unknown) => {
    throw isConsignError(error) && refusesSparse(error, planned)
      ? sparseRefused(name, error)
      : error;
  });
  const { report, kept, refused, held } = applied;
  meter.end(report);
  if (known.leftover !== undefined) {
    const wanted = union((await plannedAt(name, context)).plan, plan) ?? plan;
    await removeUnplanned(
      { destination, plan: wanted, before: known.leftover, marks: known.marks },
      context,
    );
  }
  await keepInventory(destination, { known, planned, plan, before }, context);
  const status = statusOf(plan, applied);
  for (const [digest, { reason }] of refused)
    context.warn(`${name}: ${digest} is refused: ${reason}`);
  for (const [digest, reason] of held)
    context.warn(`${name}: no tag is set to ${digest}: ${reason}`);
  return { kept, status };
}

export interface Filled {
  kept: KeptTags;
  /** As a refresh shows it, with the reasons; nothing where all is as planned. */
  status: DestinationStatus;
}

/** What of the plan is not there, by the artifact, the referrer and the tag. */
function statusOf(plan: FullPlan, { refused, unmoved }: Applied): DestinationStatus {
  const lines: [string, string][] = [];
  const line = (name: string, digest: Digest): void => {
    const why = refused.get(digest)?.reason;
    if (why !== undefined) lines.push([name, ABSENT], [`refused ${digest}`, why]);
  };
  for (const [digest, { related }] of Object.entries(plan.artifacts) as [Digest, FullArtifact][]) {
    line(`artifact ${digest}`, digest);
    for (const [referrer, { type }] of Object.entries(related) as [Digest, Related][])
      line(`${type} ${referrer}`, referrer);
  }
  for (const { tag, from } of unmoved) lines.push([`tag ${tag}`, from ?? ABSENT]);
  return sortedByKey(Object.fromEntries(lines));
}

/** A place that takes no index without some of its parts takes none of them. */
function refusesSparse(error: ConsignError, planned: PlannedMirror): boolean {
  const { platforms, attestations, absent } = planned;
  return (
    (platforms?.index === "sparse" || attestations === "exclude" || absent === "skip") &&
    isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_INVALID") &&
    error.side === "destination"
  );
}

function once(tell: (why: string) => void): (why: string) => void {
  let isTold = false;
  return (why) => {
    if (!isTold) tell(why);
    isTold = true;
  };
}

function sparseRefused(name: string, cause: ConsignError): ConsignError {
  const text = `${name} does not take an index without some of its parts: set platforms.index to "derived", or allow it at the registry (${cause.message})`;
  return new ConsignError("REGISTRY_UNSUPPORTED", text, {
    path: "platforms.index",
    reference: cause.reference,
    side: "destination",
    cause,
  });
}

/** The claim that says what a derived index was made from is signed before a tag leads to it. */
async function signOrigin(
  {
    destination,
    digest,
    plan,
    marks,
  }: { destination: Store; digest: Digest; plan: FullPlan; marks: Marks },
  { signer, signedBy }: PlannedMirror,
  context: ResourceContext,
): Promise<void> {
  if (signer === undefined || signedBy === undefined) return;
  for (const [claim, { type }] of Object.entries(plan.artifacts[digest]?.related ?? {}) as [
    Digest,
    { type: string },
  ][]) {
    if (type === DERIVED_FROM)
      await ensureSigned(
        {
          store: destination,
          target: await destination.resolve(claim),
          args: { signer },
          signedBy,
          renew: false,
          previous: undefined,
          onMade: (signature) => marks.madeOrigin(signature, claim),
        },
        context,
      );
  }
}

async function keepInventory(
  destination: Store,
  {
    known,
    planned,
    plan,
    before,
  }: {
    known: KnownDestination;
    planned: PlannedMirror;
    plan: FullPlan;
    before: PlannedMirror | undefined;
  },
  context: ResourceContext,
): Promise<void> {
  const tag = inventoryTagOf(planned);
  const { summary } = planned.plan;
  const unchanged =
    known.base !== undefined && before?.plan.summary?.inventory === summary?.inventory;
  const follows = known.base !== undefined && before?.plan.summary !== undefined;
  if (summary !== undefined && !unchanged) await writeInventory(destination, plan, tag, follows);
  if (
    before?.plan.summary !== undefined &&
    (summary === undefined || inventoryTagOf(before) !== tag)
  )
    await removeInventory(destination, inventoryTagOf(before), context);
}

export function inventoryTagOf({
  source,
  tags,
  claims,
  platforms,
}: Pick<PlannedMirror, "source" | "tags" | "claims" | "platforms">): string {
  return inventoryTag(source, { tags, claims, platforms });
}
