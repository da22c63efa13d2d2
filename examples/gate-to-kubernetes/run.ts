// SPDX-License-Identifier: Apache-2.0
// The gate closed, then open. A registry runs meanwhile, since nodes do not pull from directories;
// --registry HOST:PORT takes yours.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { shows } from "../../scripts/story/narrator";
import { startRegistry } from "../../scripts/story/registry-server";
import { stage, tell } from "../../scripts/story/stage";

const { values } = parseArgs({ options: { registry: { type: "string" } } });

tell(async () => {
  const { narrator } = await stage(__dirname, ["wabbit", "acme"]);
  const registry = await startRegistry(values.registry);
  try {
    const run = await narrator("acme");
    await run.stack({ registry: registry.host });

    run.heading(
      "Nobody has approved it: it is pushed and signed, the gate stays closed, and there is no manifest",
    );
    shows((await run.refused("up", "--yes", "--skip-preview")).text, /VERIFICATION_UNMET/, /vsa/);

    run.heading("ACME approves: the gate opens, and the manifests name the verified digest");
    await run.stack({ approved: "true" });
    await run.pulumi("up", "--yes", "--skip-preview");
    const yaml = await run.output("manifests");
    shows(
      yaml,
      /image: "\S+\/net-monitor@sha256:[0-9a-f]{64}"/,
      /kind: Deployment/,
      /kind: CronJob/,
    );
    writeFileSync(join(__dirname, ".run", "manifests.yaml"), `${yaml}\n`);

    run.heading("For kubectl apply -f .run/manifests.yaml");
    run.say(yaml);
  } finally {
    await registry.stop();
  }
});
