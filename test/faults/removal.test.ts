// SPDX-License-Identifier: Apache-2.0
// A sample of `npm run faults -- removal`, which tries each request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { REGISTRY_KINDS, registryMissing } from "../harness/registries";
import { removalCampaign } from "./removal";
import { REMOVALS } from "./removal-scenes";

const NAMES = Object.keys(REMOVALS);
const SAMPLE = Number(process.env["CONSIGN_FAULTS_SAMPLE"] ?? 80);

test(
  `${SAMPLE} single faults in what removes: nothing that is needed is lost, and nothing is said that is not so`,
  { skip: registryMissing(...REGISTRY_KINDS) },
  async (context) => {
    // Each registry has a quarter of the scenes, and the campaign has all at each.
    const { cases, left, probes } = await removalCampaign({
      sample: SAMPLE,
      seed: 15,
      workers: 1,
      scenes: (scene, registry) =>
        NAMES.indexOf(scene) % REGISTRY_KINDS.length === REGISTRY_KINDS.indexOf(registry),
    });
    context.diagnostic(`${probes} probes; left over: ${left.map(({ id }) => id).join(", ")}`);
    assert.ok(probes >= SAMPLE * 0.9, String(probes));
    assert.deepEqual(
      cases.map(({ id, wrong, details }) => `${wrong}: ${id}: ${details[0]}`),
      [],
    );
  },
);
