// SPDX-License-Identifier: Apache-2.0
import { verification } from "../../provider/verification/verification";
import { RegistryClient } from "../../provider/registry";
import type { TestRegistry } from "../harness/registries";
import { WABBIT, remoteWorld, testResult, trust } from "../engine/verification-world";
import { forgetOpinions } from "../../provider/notation/envelope/integrity";
import { seconds, worldContext, type Case } from "./trust-figures";

const CLAIMS = 200;

/** A refresh of one Verification that rests on 200 claims, as `read` does it. */
export async function refreshFigures(registry: TestRegistry): Promise<Case[]> {
  const { world, client } = remoteWorld(registry.direct, "refresh");
  const artifact = await world.publish();
  for (let index = 0; index < CLAIMS; index += 1)
    await world.claim(artifact, "test-result", {
      ...(testResult() as object),
      configuration: [{ name: `suite ${index}` }],
    });
  await client.close();
  const inputs = {
    artifact: `${registry.host}/refresh:v1`,
    trust: trust(),
    require: [{ type: "test-result", issuer: WABBIT }],
  };
  const planning = new RegistryClient({ baseDir: "/nonexistent" });
  const { planned } = await verification.plan(inputs, new Set(), undefined, worldContext(planning));
  await planning.close();
  const refreshing = new RegistryClient({ baseDir: "/nonexistent" });
  registry.clear();
  forgetOpinions();
  const taken = await seconds(() =>
    verification.observe({ ...inputs, ...planned }, worldContext(refreshing)),
  );
  await refreshing.close();
  const requests = registry.requests().length;
  const minimum = 4 + 5 * CLAIMS;
  return [
    {
      name: `refresh of ${CLAIMS} claims`,
      unit: "requests",
      consign: requests,
      peers: { minimum },
      goal: "at most 2 more than the minimum",
      met: requests <= minimum + 2,
    },
    {
      name: `refresh of ${CLAIMS} claims`,
      unit: "seconds",
      consign: Number(taken.toFixed(2)),
      peers: {},
      goal: "at most 10",
      met: taken <= 10,
    },
  ];
}
