// SPDX-License-Identifier: Apache-2.0
import type { Timeline } from "./timeline";
import { printable } from "../printable";
import { words } from "./words";

/**
 * A timeline for a terminal: one line for each thing that begins, ends or happens, in its order.
 */
export function renderTimeline({ lanes, now }: Timeline): string {
  const events = lanes.flatMap(({ kind, name, spans, moments }) => [
    ...moments.map(({ at, title }) => ({ at, name, title })),
    ...(kind === "claims"
      ? []
      : spans.flatMap(({ from, until, title }) => [
          { at: from, name, title },
          ...(until === undefined ? [] : [{ at: until, name, title: `${title}: the end` }]),
        ])),
  ]);
  const lines = [...events, { at: now, name: "", title: "now" }].sort(
    (a, b) => a.at - b.at || (a.title < b.title ? -1 : 1),
  );
  return lines
    .map(({ at, title }) =>
      words(new Date(at).toISOString().slice(0, 16).replace("T", " "), printable(title)),
    )
    .join("\n");
}
