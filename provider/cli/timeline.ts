// SPDX-License-Identifier: Apache-2.0
import { timelineOf } from "../report/timeline";
import { renderTimeline } from "../report/timeline-text";
import { jsonText, printable } from "../printable";
import type { Flags } from "./command-line";
import { inspect, type Inspection } from "./inspection";
import { nameOf, retentionFrom, writePage, type Placed } from "./page";
import { worst, type ExitCode, type World } from "./world";

/**
 * `consign timeline`: an artifact over time, at one or several places. The exit code is that of the
 * worst place.
 */
export async function timeline(
  references: readonly string[],
  flags: Flags,
  world: World,
): Promise<ExitCode> {
  const inspections: Inspection[] = [];
  const places: Placed[] = [];
  for (const named of references.map(split)) {
    const inspection = await inspect("timeline", named.reference, flags, "everything", world);
    inspections.push(inspection);
    places.push({ observed: inspection.observed, label: named.label });
  }
  const observed = places.map((place) => place.observed);
  const over = timelineOf(observed, await retentionFrom(flags, world), world.now);
  if (flags.html !== undefined)
    await writePage(
      flags.html,
      places,
      { title: nameOf(split(references[0] ?? "").reference), first: "timeline" },
      flags,
      world,
    );
  else if (flags.json)
    world.print(
      jsonText({
        places: places.map(({ observed: { reference }, label }) => ({
          reference,
          ...(label === undefined ? {} : { label }),
        })),
        ...over,
      }),
    );
  else
    for (const line of [
      ...observed.map(({ reference }) => printable(reference)),
      renderTimeline(over),
    ])
      world.print(line);
  for (const { verification } of inspections) {
    for (const unmet of verification?.requirements.filter(({ met }) => !met) ?? [])
      world.tell(`consign: ${unmet.requirement}: ${unmet.reason} [VERIFICATION_UNMET]`);
  }
  return worst(inspections.map(({ exitCode }) => exitCode));
}

/** `name=reference`. No reference has a `=` before its first `/`, `.` or `:`. */
function split(argument: string): { label?: string; reference: string } {
  const [, label, reference] = /^([^=/.:]{1,40})=(.+)$/.exec(argument) ?? [];
  return label === undefined || reference === undefined
    ? { reference: argument }
    : { label, reference };
}
