// SPDX-License-Identifier: Apache-2.0
import { copy } from "../content/copy";
import type { Store } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { walk } from "../graph/index";
import { verifyArtifact } from "../notation/index";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import { successorsOf } from "../oci/manifest";
import { MEDIA_TYPES, isIndexType, isManifestType } from "../oci/media-types";
import { planRetention, type Entries, type Entry, type Rules } from "../retention/index";
import type { ArchiveInputs } from "./arguments";
import {
  inUseBeside,
  indexesAt,
  purgeArtifact,
  purgeContent,
  releaseArtifact,
  type InUse,
  type IndexWith,
} from "./purge";
import {
  ARCHIVED,
  CONTENT_PURGED,
  archiveTag,
  packArchived,
  packContentPurged,
  removeUnsigned,
} from "./record";
import { recordedFacts, surveyFacts } from "./survey";
import { preserveSignatures } from "./timestamps";
import type { ResourceContext } from "../world/context";
import { openTrust } from "../judging/judgement";
import { attachRecord, type RecordSigner } from "../signing/record-signing";

export interface ArchiveTask {
  inputs: ArchiveInputs;
  rules: Rules;
  /** RFC 3339: the plan's time. */
  asOf: string;
  entries: Entries;
  archive: Store;
  signing: RecordSigner;
}

export interface Outcome {
  /** By digest, what was done or seen that a person should know. */
  notices: Record<Digest, string[]>;
  failures: { digest: Digest; error: Error }[];
  /** What was acted upon. */
  touched: Digest[];
}

/**
 * Carries out a plan: copies first, removals last. One artifact that fails does not keep the
 * others.
 */
export async function carryOut(task: ArchiveTask, context: ResourceContext): Promise<Outcome> {
  const outcome: Outcome = { notices: {}, failures: [], touched: [] };
  const tell = (digest: Digest, notices: string[]): void => {
    if (notices.length > 0) outcome.notices[digest] = notices;
    for (const notice of notices) context.warn(`${task.inputs.archive}@${digest}: ${notice}`);
  };
  const run = async (
    decided: readonly Decided[],
    act: (digest: Digest, entry: Entry) => Promise<string[]>,
  ): Promise<void> => {
    for (const [digest, entry] of decided) {
      outcome.touched.push(digest);
      try {
        tell(digest, await act(digest, entry));
      } catch (error) {
        outcome.failures.push({ digest, error: error as Error });
      }
    }
  };
  await run(decidedAs(task, "archive"), (digest, entry) =>
    archiveOne(task, digest, entry, context),
  );
  const removals = REMOVALS.flatMap((decision) => decidedAs(task, decision));
  if (removals.length === 0) return outcome;
  const { confirmed, kept } = await confirm(task, removals, context);
  for (const [digest, why] of kept) {
    outcome.touched.push(digest);
    tell(digest, [`nothing was removed: ${why}`]);
  }
  const of = (decision: Entry["decision"]) =>
    confirmed.filter(([, entry]) => entry.decision === decision);
  const indexes = indexesBySource(task, context);
  await run(of("release"), (digest, entry) => releaseOne(task, digest, entry, indexes, context));
  const going = [...of("purge-content"), ...of("purge")];
  if (going.length === 0) return outcome;
  const inUse = await inUseBeside(task.archive, new Set(going.map(([digest]) => digest)));
  await run(of("purge-content"), (digest, entry) =>
    contentOne(task, digest, entry, inUse, context),
  );
  await run(of("purge"), (digest, entry) => purgeOne(task, digest, entry, inUse, context));
  return outcome;
}

type Decided = [digest: Digest, entry: Entry];
const REMOVALS = ["release", "purge-content", "purge"] as const;

function decidedAs({ entries }: ArchiveTask, decision: Entry["decision"]): Decided[] {
  return (Object.entries(entries) as Decided[]).filter(([, entry]) => entry.decision === decision);
}

/**
 * Looks once more at everything that something is to be taken from, verified anew, right before it
 * is. What speaks against it now keeps it; the next run decides again. All are confirmed before the
 * first one goes, as what one of them keeps no other may take along.
 */
async function confirm(
  { inputs, entries, rules, asOf }: ArchiveTask,
  removals: readonly Decided[],
  context: ResourceContext,
): Promise<{ confirmed: Decided[]; kept: [Digest, string][] }> {
  // The plan was made in this process, and what it was told is still believed.
  context.stores.forget();
  const fresh = await surveyFacts(inputs, entries, context, {
    again: true,
    only: removals.map(([digest]) => digest),
  });
  const facts = recordedFacts(entries, []);
  for (const [digest] of removals) delete facts[digest];
  const again = planRetention({
    facts: { ...facts, ...fresh },
    recorded: entries,
    rules,
    asOf: Date.parse(asOf),
    now: context.now().getTime(),
    marking: false,
  });
  const holds = ([digest, entry]: Decided) =>
    fresh[digest] !== undefined && again[digest]?.decision === entry.decision;
  return {
    confirmed: removals.filter(holds),
    kept: removals
      .filter((removal) => !holds(removal))
      .map(([digest]) => [
        digest,
        fresh[digest] === undefined
          ? "it is not there any more"
          : (again[digest]?.reason ?? "nothing says any more that it was in use"),
      ]),
  };
}

function descriptorOf(digest: Digest, { mediaType, size }: Entry): Descriptor {
  return { mediaType, size, digest };
}

async function archiveOne(
  task: ArchiveTask,
  digest: Digest,
  entry: Entry,
  context: ResourceContext,
): Promise<string[]> {
  const { archive, inputs, rules, asOf } = task;
  const root = descriptorOf(digest, entry);
  for (const location of entry.at) {
    const report = await copy(await context.stores.open(location), archive, root, {
      leafTypes: [MEDIA_TYPES.notarySignature],
      deep: true,
    });
    if (report.manifests > 0)
      context.progress(
        `${inputs.archive}@${digest}: ${report.manifests} manifests, ${report.blobs} blobs, ${report.bytes} bytes archived from ${location}`,
      );
  }
  const notices = await proveComplete(task, root, context);
  const graph = await walk(archive, root, { leafTypes: [MEDIA_TYPES.notarySignature] });
  notices.push(
    ...(await preserveSignatures(archive, graph, entry.retainUntil, inputs.timestamp, context)),
  );
  await removeUnsigned(archive, digest, ARCHIVED);
  await attachRecord(task.signing, packArchived(root, entry, rules, asOf, inputs.policy), context);
  await archive.tag(await archive.manifest(root), archiveTag(digest));
  return notices;
}

/**
 * Everything that belongs to the artifact is read back, and its signature verified where the
 * archive has it; whether that holds, is told.
 */
async function proveComplete(
  { archive, inputs }: Pick<ArchiveTask, "archive" | "inputs">,
  root: Descriptor,
  context: ResourceContext,
): Promise<string[]> {
  const graph = await walk(archive, root, { leafTypes: [MEDIA_TYPES.notarySignature] });
  for (const { manifest } of graph.nodes.values()) {
    for (const part of successorsOf(manifest)) {
      if (part["urls"] !== undefined || (await archive.has(part))) continue;
      throw new ConsignError(
        "READ_BACK_FAILED",
        `the archive ${archive.name} does not show ${part.digest}, which belongs to ${root.digest}`,
        { side: "archive", reference: `${archive.name}@${root.digest}` },
      );
    }
  }
  const trust = await openTrust(inputs.trust, archive.name, context);
  const verdict = await verifyArtifact(archive, root, trust, {
    now: context.now(),
    baseDir: context.baseDir,
    scope: archive.name,
    revocation: context.revocation,
  });
  return verdict.outcome === "verified"
    ? []
    : [
        `its signature does not verify in the archive: ${verdict.outcome}: ${verdict.reason ?? ""} [${verdict.code ?? "SIGNATURE_INVALID"}]`,
      ];
}

/**
 * Looks once, before anything leaves: an index that leaves in the same run still counts, and what
 * is a part of it leaves in the next one.
 */
function indexesBySource(
  { entries }: ArchiveTask,
  context: ResourceContext,
): (location: string) => Promise<IndexWith> {
  const found = new Map<string, Promise<IndexWith>>();
  return (location) => {
    const known = (Object.entries(entries) as Decided[]).flatMap(([digest, { at, mediaType }]) =>
      at.includes(location) && isIndexType(mediaType) ? [digest] : [],
    );
    const indexes =
      found.get(location) ??
      context.stores.open(location).then((source) => indexesAt(source, known));
    found.set(location, indexes);
    return indexes;
  };
}

/**
 * What came to the source after the artifact was archived is archived too, and all of it is proven
 * to be there, before the source is rid of it.
 */
async function releaseOne(
  task: ArchiveTask,
  digest: Digest,
  entry: Entry,
  indexes: (location: string) => Promise<IndexWith>,
  context: ResourceContext,
): Promise<string[]> {
  const root = descriptorOf(digest, entry);
  const notices: string[] = [];
  for (const location of entry.at) {
    const source = await context.stores.open(location);
    // Of signatures as well: what refers to them leaves with them.
    await copy(source, task.archive, root, { deep: true });
    notices.push(...(await proveComplete(task, root, context)));
    const graph = await walk(source, root);
    for (const { descriptor } of graph.nodes.values()) {
      if (!isManifestType(descriptor.mediaType) || (await task.archive.has(descriptor))) continue;
      throw new ConsignError(
        "READ_BACK_FAILED",
        `${location} keeps ${digest}: the archive does not have ${descriptor.digest}`,
        { side: "archive" },
      );
    }
    const index = await (await indexes(location))(digest);
    if (index !== undefined) {
      notices.push(`it stays at ${location}: it is a part of ${index}`);
      continue;
    }
    try {
      const late = await releaseArtifact(source, root, entry.tags[location] ?? [], graph.nodes);
      if (late !== undefined)
        notices.push(
          `it stays at ${location} until the next run: ${late} has come, and the archive does not have it yet`,
        );
      else context.progress(`${location}@${digest} has left its source; the archive has it`);
    } catch (error) {
      if (!isConsignError(error, "REGISTRY_UNSUPPORTED")) throw error;
      notices.push(`it stays at ${location}: ${error.message}`);
    }
  }
  return [...new Set(notices)];
}

async function contentOne(
  task: ArchiveTask,
  digest: Digest,
  entry: Entry,
  inUse: InUse,
  context: ResourceContext,
): Promise<string[]> {
  const { archive, asOf } = task;
  const root = descriptorOf(digest, entry);
  const left = await purgeContent(archive, root, inUse);
  if (left.length > 0) return left.map((why) => `its content stays: ${why}`);
  await removeUnsigned(archive, digest, CONTENT_PURGED);
  await attachRecord(task.signing, packContentPurged(root, entry, asOf), context);
  context.progress(`the content of ${task.inputs.archive}@${digest} is purged; its claims stay`);
  return [];
}

async function purgeOne(
  task: ArchiveTask,
  digest: Digest,
  entry: Entry,
  inUse: InUse,
  context: ResourceContext,
): Promise<string[]> {
  const left = await purgeArtifact(task.archive, descriptorOf(digest, entry), inUse);
  context.progress(`${task.inputs.archive}@${digest} is purged`);
  return left;
}
