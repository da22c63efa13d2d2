// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../content/bounded";
import { presenceOf } from "../../content/presence";
import type { ReadStore } from "../../content/storage";
import { ConsignError } from "../../errors";
import type { Digest } from "../../oci/digest";
import { formatReference, parseReference, type Reference } from "../../oci/reference";
import { jsonText } from "../../printable";
import { Inspector } from "../../report/inspector";
import type { Flags } from "../command-line";
import { environmentFrom, registriesFrom } from "../inspection";
import { tagsFound } from "../listing";
import type { ExitCode, World } from "../world";
import { blobsOf, differenceOf, type Difference, type Place, type Side } from "./difference";
import { differenceLines } from "./diff-text";
import { reachedFrom } from "./reached";

const MAX_TAGS = 10_000;
const BLOBS_AT_ONCE = 16;

const EXIT_CODES: Readonly<Record<Difference["answer"], ExitCode>> = {
  same: 0,
  different: 1,
  unknown: 2,
};

/** `consign diff`: what two places have that the other has not. */
export async function diff(
  references: readonly string[],
  flags: Flags,
  world: World,
): Promise<ExitCode> {
  const [left = "", right = ""] = references;
  const named = { a: parseReference(left), b: parseReference(right) };
  if (isOne(named.a) !== isOne(named.b))
    throw new ConsignError(
      "INPUT_INVALID",
      "compare two repositories, or two artifacts: one of these names an artifact, by tag or digest, and the other does not",
    );
  const inspector = new Inspector({
    registries: await registriesFrom(flags, world),
    baseDir: world.cwd,
    env: environmentFrom(flags, world),
  });
  try {
    const stores = { a: inspector.open(named.a.location), b: inspector.open(named.b.location) };
    const name = labelOf(named.a, named.b);
    const places = {
      a: await placeOf(stores.a, named.a, name),
      b: await placeOf(stores.b, named.b, name),
    };
    if (isEmpty(places.a) && isEmpty(places.b))
      throw new ConsignError(
        "MANIFEST_UNKNOWN",
        "nothing is at either place, so nothing is compared",
      );
    const found = differenceOf(places);
    const difference = flags.blobs ? await withBlobs(found, places, stores) : found;
    if (flags.json) world.print(jsonText(difference));
    else for (const line of differenceLines(difference, world.color)) world.print(line);
    return EXIT_CODES[difference.answer];
  } finally {
    await inspector.close();
  }
}

function isOne({ tag, digest }: Reference): boolean {
  return (digest ?? tag) !== undefined;
}

/** What two artifacts are called in the answer. */
function labelOf(a: Reference, b: Reference): string {
  const [left, right] = [a.digest ?? a.tag ?? "", b.digest ?? b.tag ?? ""];
  return left === right ? left : `${left} and ${right}`;
}

function isEmpty({ tags, doubtfulTags }: Place): boolean {
  return tags.size + doubtfulTags.size === 0;
}

async function placeOf(store: ReadStore, reference: Reference, name: string): Promise<Place> {
  const wanted = reference.digest ?? reference.tag;
  const found =
    wanted === undefined ? await allTags(store) : await oneArtifact(store, wanted, name);
  const view = await reachedFrom(store, found.tags.values());
  return { name: formatReference(reference), ...found, view };
}

type Names = Pick<Place, "tags" | "doubtfulTags" | "moreTags">;

async function allTags(store: ReadStore): Promise<Names> {
  const { artifacts, unknown, left } = await tagsFound(store, { limit: MAX_TAGS, beside: false });
  return {
    tags: new Map(artifacts.flatMap(({ digest, tags }) => tags.map((tag) => [tag, digest]))),
    doubtfulTags: new Set(unknown.flatMap(({ tags }) => tags)),
    moreTags: left > 0,
  };
}

async function oneArtifact(store: ReadStore, wanted: string, name: string): Promise<Names> {
  const presence = await presenceOf(store, wanted);
  if (presence.is === "unknown") throw presence.why;
  const tags = new Map<string, Digest>();
  if (presence.is === "there") tags.set(name, (await store.resolve(wanted)).digest);
  return { tags, doubtfulTags: new Set(), moreTags: false };
}

/** Asks both places for each blob that their manifests name. */
async function withBlobs(
  difference: Difference,
  places: Readonly<Record<Side, Place>>,
  stores: Readonly<Record<Side, ReadStore>>,
): Promise<Difference> {
  const absent: { at: Side; digest: Digest }[] = [];
  const untold = [...difference.untold];
  for (const at of ["a", "b"] as const) {
    const blobs = [...blobsOf(places[at].view).values()];
    await forEachBounded(blobs, BLOBS_AT_ONCE, async (blob) => {
      const presence = await presenceOf(stores[at], blob);
      if (presence.is === "gone") absent.push({ at, digest: blob.digest });
      if (presence.is === "unknown") {
        const { code, message } = presence.why;
        untold.push({ at, what: `blob ${blob.digest}`, code, reason: message });
      }
    });
  }
  absent.sort((a, b) => (`${a.at}${a.digest}` < `${b.at}${b.digest}` ? -1 : 1));
  // What neither place has is no difference, and is told all the same.
  const differs = absent.some(
    ({ at, digest }) => !absent.some((other) => other.at !== at && other.digest === digest),
  );
  const answer =
    difference.answer === "different" || differs
      ? "different"
      : untold.length > 0
        ? "unknown"
        : "same";
  return { ...difference, answer, absentBlobs: absent, untold };
}
