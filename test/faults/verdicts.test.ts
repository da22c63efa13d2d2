// SPDX-License-Identifier: Apache-2.0
// A sample of `npm run faults -- verdicts`, which tries each request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { REGISTRY_KINDS, registryMissing } from "../harness/registries";
import { verdictCampaign } from "./verdicts";
import { SCENARIOS } from "./verdict-scenes";

const SAMPLE = Number(process.env["CONSIGN_FAULTS_SAMPLE"] ?? 100);

test(
  `${SAMPLE} single faults in what verifies: none makes a verdict better`,
  { skip: registryMissing(...REGISTRY_KINDS) },
  async (context) => {
    // Each scenario at two registries of which one has a referrers API, and the campaign at all.
    const { cases, probes } = await verdictCampaign({
      sample: SAMPLE,
      seed: 16,
      scenes: (scenario, registry) =>
        SCENARIOS.indexOf(scenario) % 2 === (["distribution", "ggcr"].includes(registry) ? 0 : 1),
    });
    context.diagnostic(`${probes} probes`);
    assert.ok(probes >= SAMPLE * 0.9, String(probes));
    assert.deepEqual(
      cases.map(({ id, wrong, details }) => `${wrong}: ${id}: ${details[0]}`),
      [],
    );
  },
);
