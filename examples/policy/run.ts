// SPDX-License-Identifier: Apache-2.0
// The same stack under the policy pack: done carelessly it is refused, done right it passes.
import { join } from "node:path";
import { shows } from "../../scripts/story/narrator";
import { runnablePack } from "../../scripts/story/policy-pack";
import { stage, tell } from "../../scripts/story/stage";

tell(async () => {
  const { narrator } = await stage(__dirname, ["wabbit"]);
  const pack = runnablePack(join(__dirname, "pack"), join(__dirname, ".run"));
  const run = await narrator("acme");

  run.heading(
    "Done carelessly: a mirror that trusts anybody, an image by tag, plain HTTP to a registry",
  );
  await run.stack({
    careless: "true",
    "consign:registries": JSON.stringify({ "old.registry.example": { plainHttp: true } }),
  });
  const { text } = await run.refused("preview", "--policy-pack", pack);
  shows(
    text,
    /mirrors-have-trust/,
    /images-are-verified/,
    /registries-use-tls/,
    /not pinned by digest/,
  );

  run.heading("Done right: up goes through, and the pack says so");
  await run.stack({ careless: "false", "consign:registries": "{}" });
  shows(
    await run.pulumi("up", "--yes", "--skip-preview", "--policy-pack", pack),
    /consign@v1\.0\.0/,
  );
});
