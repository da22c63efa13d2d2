// SPDX-License-Identifier: Apache-2.0
// One fault at each request of everything that removes something: nothing that is needed is lost,
// nothing is said that is not so, and without the fault it ends as it would have.
import { successorsOf } from "../../provider/oci/manifest";
import type { Life } from "../harness/life";
import type { RegistryKind } from "../harness/registries";
import { REGISTRY_KINDS } from "../harness/registries";
import {
  LEFT,
  REMAINS,
  report,
  sampled,
  chosen,
  type Case,
  type Choice,
  type Report,
} from "./campaign";
import { askedIn, FAULT_KINDS, ruleFor, type Asked, type FaultKind } from "./fault-kinds";
import { describe, labelsOf, type Labels } from "./labels";
import { Place, remember, type Remembered } from "./place";
import type { RemovalScene } from "./removal-scene";
import { REMOVALS } from "./removal-scenes";
import { untrue } from "./said";
import { Stage } from "./scene";
import { itemsOf, keyOf, missing, restore, take, type Item, type Snapshot } from "./snapshot";

/** A scene as it is put up again for each probe. */
interface Prepared {
  name: string;
  scene: RemovalScene;
  life: Remembered;
  snapshot: Snapshot;
  labels: Labels;
  /** All that was there, and of it what must stay and what goes where nothing is wrong. */
  all: Item[];
  must: Set<string>;
  goes: Set<string>;
  asked: Asked[];
  /** Digests of what the scene calls by a name. */
  named: Set<string>;
}

interface Probe {
  id: string;
  prepared: Prepared;
  asked: Asked;
  kind: FaultKind;
}

/** How often a resource may be run until nothing is left to do. */
const ROUNDS = 5;

let entered = 0;

async function prepare(
  place: Place,
  name: string,
): Promise<{ prepared: Prepared; wrong: string[] }> {
  const setting = REMOVALS[name];
  if (setting === undefined) throw new Error(`there is no scene ${name}`);
  place.enter(`s${++entered}`);
  const stage = new Stage(place);
  const scene = await setting(stage);
  const life = remember(scene.life);
  const snapshot = await take(place);
  const labels = labelsOf(snapshot, stage.names);
  const all = itemsOf(snapshot);
  const must = mustStay(snapshot, scene);
  place.enter(`s${++entered}`);
  await restore(place, snapshot);
  const revived = place.revive(life);
  place.proxy.clear();
  await scene.run(revived);
  const asked = askedIn(place.proxy.requests(), labels);
  const wrong = await untrue(life.kind.kind, scene.destroys ? {} : revived.outputs, true, place);
  await settle(scene, revived);
  const gone = await missing(place, all);
  // That one has one set of blobs for all of its repositories.
  const shared = (item: Item): boolean =>
    place.kind === "ggcr" && item.what === "blob" && item.repository !== "archive";
  const lost = gone.filter((item) => must.has(keyOf(item)) && !shared(item));
  wrong.push(...lost.map((item) => `lost ${describe(item, labels)}`));
  const goes = new Set(gone.map(keyOf));
  for (const { repository, digest } of scene.due)
    if (!goes.has(keyOf({ repository, what: "manifest", name: digest })))
      wrong.push(`never goes: ${repository} ${labels.get(digest)}`);
  return {
    prepared: {
      name,
      scene,
      life,
      snapshot,
      labels,
      all,
      must,
      goes,
      asked,
      named: new Set(Object.keys(stage.names)),
    },
    wrong,
  };
}

/** What the scene says is needed, with what it is made of and all that refers to it. */
function mustStay(snapshot: Snapshot, { needed, tags = [] }: RemovalScene): Set<string> {
  const must = new Set<string>();
  const keep = (repository: string, digest: string): void => {
    const held = snapshot.get(repository);
    const manifest = held?.manifests.get(digest);
    const key = keyOf({ repository, what: "manifest", name: digest });
    if (manifest === undefined || must.has(key)) return;
    must.add(key);
    for (const part of successorsOf(manifest)) {
      must.add(keyOf({ repository, what: "blob", name: part.digest }));
      keep(repository, part.digest);
    }
    for (const [referrer, { value }] of held?.manifests ?? [])
      if (value.subject?.digest === digest) keep(repository, referrer);
  };
  for (const { repository, digest } of needed) keep(repository, digest);
  for (const { repository, tag } of tags) must.add(keyOf({ repository, what: "tag", name: tag }));
  return must;
}

/** Runs it until a run has nothing to do. @returns why it does not come to rest */
async function settle(scene: RemovalScene, life: Life): Promise<string | undefined> {
  if (scene.destroys === true) return undefined;
  let last = "it goes on for ever";
  for (let round = 1; round <= ROUNDS; round++) {
    try {
      const again = scene.again ?? scene.run;
      if ((await again(life, round)) === "same") return undefined;
    } catch (error) {
      last = (error as Error).message;
    }
  }
  return last;
}

async function probeOnce({ id, prepared, asked, kind }: Probe, place: Place): Promise<Case[]> {
  const { scene, life, labels, all, must, goes } = prepared;
  const fault = kind.of(asked, scene.foreign);
  if (fault === undefined) return [];
  place.enter(`p${++entered}`);
  await restore(place, prepared.snapshot);
  const revived = place.revive(life);
  place.proxy.setFaults([ruleFor(asked, kind, fault, labels)]);
  const cases: Case[] = [];
  const wrong = (what: string, details: string[]): void => {
    if (details.length > 0 && !cases.some((each) => each.wrong === what))
      cases.push({ id, wrong: what, details: details.slice(0, 8) });
  };
  let failed: string | undefined;
  try {
    await scene.run(revived);
  } catch (error) {
    failed = (error as Error).message;
  }
  place.proxy.setFaults([]);
  const look = async (): Promise<Set<string>> => {
    const gone = await missing(place, all);
    // What is lost without any fault is said once, and not again with each of them.
    const more = gone.filter((item) => !goes.has(keyOf(item)));
    const lost = more.filter((item) => must.has(keyOf(item)));
    wrong(
      lost.length > 0 ? "lost" : REMAINS,
      (lost.length > 0 ? lost : more).map((item) => describe(item, labels)),
    );
    return new Set(gone.map(keyOf));
  };
  await look();
  const said = scene.destroys === true ? {} : revived.outputs;
  wrong("untrue", await untrue(life.kind.kind, said, failed === undefined, place));
  if (scene.destroys === true && failed !== undefined)
    await scene.run(revived).catch((error: Error) => wrong("unsettled", [error.message]));
  const unsettled = await settle(scene, revived);
  if (unsettled !== undefined) wrong("unsettled", [unsettled]);
  const gone = await look();
  const left = all.filter((item) => goes.has(keyOf(item)) && !gone.has(keyOf(item)));
  // A destroy that was told that something is not there cannot come back to it. What only a list
  // led to may be lost sight of; what the state or a tag leads to may not.
  const due = left.filter(({ what, name }) => what === "tag" || prepared.named.has(name));
  const lines = (due.length > 0 ? due : left).map((item) => describe(item, labels));
  const excused = scene.destroys === true && failed === undefined;
  wrong(due.length > 0 && !excused ? LEFT : REMAINS, lines);
  if (failed !== undefined) for (const each of cases) each.details.push(`the run said: ${failed}`);
  return cases;
}

/** Runs the campaign, or the part of it that was chosen. */
export async function removalCampaign(choice: Choice = {}): Promise<Report> {
  const { registries = REGISTRY_KINDS, progress = () => undefined } = choice;
  const folder = Stage.folder();
  const cases: Case[] = [];
  let probes = 0;
  for (const registry of registries) {
    const places: Place[] = [];
    for (let worker = 0; worker < (choice.workers ?? 2); worker++)
      places.push(await Place.open(registry, folder));
    try {
      probes += await atRegistry(registry, places, choice, cases);
    } finally {
      for (const place of places) await place.close();
    }
    progress(`${registry}: ${probes} probes so far, ${cases.length} wrong`);
  }
  return report("removal", probes, cases);
}

async function atRegistry(
  registry: RegistryKind,
  places: readonly Place[],
  choice: Choice,
  cases: Case[],
): Promise<number> {
  const [first] = places;
  if (first === undefined) return 0;
  const all: Probe[] = [];
  const { scenes = () => true, only = [] } = choice;
  const names = Object.keys(REMOVALS).filter(
    (name) =>
      scenes(name, registry) &&
      (only.length === 0 || only.some((part) => !part.includes("/") || part.includes(`/${name}/`))),
  );
  for (const name of names) {
    const { prepared, wrong } = await prepare(first, name);
    if (wrong.length > 0)
      cases.push({ id: `${registry}/${name}/no fault`, wrong: "no fault", details: wrong });
    for (const asked of prepared.asked)
      for (const kind of FAULT_KINDS) {
        const id = `${registry}/${name}/${asked.method} ${asked.path}~${asked.occurrence}/${kind.name}`;
        if (kind.of(asked, prepared.scene.foreign) !== undefined && chosen(choice, id))
          all.push({ id, prepared, asked, kind });
      }
    choice.progress?.(`${registry}: ${name}: ${prepared.asked.length} requests`);
  }
  const share =
    choice.sample === undefined
      ? undefined
      : Math.ceil(choice.sample / (choice.registries ?? REGISTRY_KINDS).length);
  const probes = sampled(
    all,
    { ...choice, ...(share === undefined ? {} : { sample: share }) },
    ({ prepared }) => prepared.name,
  );
  choice.progress?.(`${registry}: ${probes.length} of ${all.length} probes`);
  const queue = probes.entries();
  await Promise.all(
    places.map(async (place) => {
      for (const [number, probe] of queue) {
        try {
          cases.push(...(await probeOnce(probe, place)));
        } catch (error) {
          cases.push({
            id: probe.id,
            wrong: "broken",
            details: [String((error as Error).stack).slice(0, 600)],
          });
        }
        if (number % 50 === 49) choice.progress?.(`${registry}: ${number + 1} probes`);
      }
    }),
  );
  return probes.length;
}
