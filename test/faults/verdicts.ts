// SPDX-License-Identifier: Apache-2.0
// One fault at each request of everything that asks whether an artifact may be used: what must not
// be used stays so.
import { REGISTRY_KINDS, type RegistryKind } from "../harness/registries";
import { chosen, report, sampled, type Case, type Choice, type Report } from "./campaign";
import {
  askedIn,
  FAULT_KINDS,
  LIST_FAULTS,
  ruleFor,
  type Asked,
  type FaultKind,
} from "./fault-kinds";
import { labelsOf, type Labels } from "./labels";
import { Place } from "./place";
import { Stage } from "./scene";
import { take } from "./snapshot";
import { ASKERS, SCENARIOS, speak, type Asker, type Spoken } from "./verdict-scenes";

interface Probe {
  id: string;
  spoken: Spoken;
  asker: Asker;
  asked: Asked;
  kind: FaultKind;
}

/**
 * What a list leaves out cannot be seen where it is all that there is; what is recorded counts all
 * the same.
 */
function counts(kind: FaultKind, { method, path }: Asked, asker: string): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return !LIST_FAULTS.has(kind.name) || (asker === "refresh-of-bad" && !path.includes("/tags/"));
}

async function probesAt(
  place: Place,
  choice: Choice,
  cases: Case[],
): Promise<{ probes: Probe[]; labels: Labels }> {
  place.enter("verdicts");
  const stage = new Stage(place);
  const scenes: [string, Spoken, boolean][] = [];
  for (const name of SCENARIOS.filter((name) => choice.scenes?.(name, place.kind) ?? true))
    for (const spoken of [true, false])
      scenes.push([name, await speak(stage, name, spoken), spoken]);
  const labels = labelsOf(await take(place), stage.names);
  const probes: Probe[] = [];
  for (const [name, spoken, bad] of scenes)
    for (const [by, asker] of Object.entries(ASKERS)) {
      const scene = `${place.kind}/${name}/${by}`;
      place.proxy.clear();
      const found = await asker(spoken, place);
      const asked = askedIn(place.proxy.requests(), labels);
      // Nobody is asked.
      if (asked.length === 0) continue;
      // A mirror's question is another one, and is answered the same in both.
      if ((found === undefined) !== (bad || by === "copy"))
        cases.push({ id: `${scene}/no fault`, wrong: "wrong", details: [found ?? "not verified"] });
      if (!bad) continue;
      for (const each of asked)
        for (const kind of FAULT_KINDS) {
          const id = `${scene}/${each.method} ${each.path}~${each.occurrence}/${kind.name}`;
          if (!counts(kind, each, by) || kind.of(each, spoken.artifact) === undefined) continue;
          if (chosen(choice, id)) probes.push({ id, spoken, asker, asked: each, kind });
        }
    }
  return { probes, labels };
}

/** Runs the campaign, or the part of it that was chosen. */
export async function verdictCampaign(choice: Choice = {}): Promise<Report> {
  const { registries = REGISTRY_KINDS } = choice;
  const folder = Stage.folder();
  const cases: Case[] = [];
  let probes = 0;
  for (const registry of registries) {
    probes += await atRegistry(registry, folder, choice, cases);
    choice.progress?.(`${registry}: ${probes} probes so far, ${cases.length} wrong`);
  }
  return report("verdicts", probes, cases);
}

async function atRegistry(
  registry: RegistryKind,
  folder: string,
  choice: Choice,
  cases: Case[],
): Promise<number> {
  const first = await Place.open(registry, folder);
  const places = [first];
  try {
    const { probes: all, labels } = await probesAt(first, choice, cases);
    const share =
      choice.sample === undefined
        ? undefined
        : Math.ceil(choice.sample / (choice.registries ?? REGISTRY_KINDS).length);
    const probes = sampled(
      all,
      { ...choice, ...(share === undefined ? {} : { sample: share }) },
      ({ id }) => id.split("/").slice(0, 3).join("/"),
    );
    choice.progress?.(`${registry}: ${probes.length} of ${all.length} probes`);
    // What is asked with the patience of production waits most of the time.
    for (let worker = 1; worker < (choice.workers ?? 4); worker++)
      places.push(await Place.open(registry, folder, first));
    const queue = probes.entries();
    await Promise.all(
      places.map(async (place) => {
        for (const [number, { id, spoken, asker, asked, kind }] of queue) {
          const fault = kind.of(asked, spoken.artifact);
          if (fault === undefined) continue;
          place.enter("verdicts");
          place.proxy.setFaults([ruleFor(asked, kind, fault, labels)]);
          const found = await asker(spoken, place).catch(
            (error: unknown) => `broken: ${String((error as Error).stack).slice(0, 500)}`,
          );
          if (found !== undefined)
            cases.push({ id, wrong: found.split(":")[0] ?? found, details: [found] });
          if (number % 100 === 99) choice.progress?.(`${registry}: ${number + 1} probes`);
        }
      }),
    );
    return probes.length;
  } finally {
    for (const place of places.reverse()) await place.close();
  }
}
