// SPDX-License-Identifier: Apache-2.0
// Records states of every kind of resource as this version writes them. Run it for each release whose states have a new form:
// `npm run exec -- node --import tsx test/states/write.ts 0.2.0`, with names of scenes for these alone, and commit what it wrote.
import { archives } from "./archives";
import { artifacts } from "./artifacts";
import { mirrors } from "./mirrors";
import { promotions } from "./promotions";
import { writeStates, type RecordedScene, type RecordedStack } from "./recorded";
import type { Scene } from "./scene";
import { stack } from "./stack";
import { verdicts } from "./verdicts";

const played = (play: () => Promise<Scene>) => async (): Promise<RecordedScene> =>
  (await play()).recorded();

const STATES: Readonly<Record<string, () => Promise<RecordedScene | RecordedStack>>> = {
  artifacts: played(artifacts),
  mirrors: played(mirrors),
  verdicts: played(verdicts),
  promotions: played(promotions),
  archives: played(archives),
  stack,
};

async function main([release, ...names]: readonly string[]): Promise<void> {
  if (release === undefined)
    throw new Error(
      "say which release's states these are: node --import tsx test/states/write.ts <version> [scene …]",
    );
  for (const [name, states] of Object.entries(STATES)) {
    if (names.length === 0 || names.includes(name)) writeStates(release, name, await states());
  }
}

void main(process.argv.slice(2));
