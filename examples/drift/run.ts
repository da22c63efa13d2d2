// SPDX-License-Identifier: Apache-2.0
// The check for CI, before and after somebody has been at the registry, and after the repair.
import { deleteClaim, moveTag, stripSignatures } from "../../scripts/story/registries";
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

const CHECK = ["preview", "--refresh", "--expect-no-changes"] as const;

tell(async () => {
  const { narrator } = await stage(__dirname, ["wabbit"]);
  const run = await narrator("ci");

  run.heading("pulumi up");
  await run.pulumi("up", "--yes", "--skip-preview");
  run.heading("The check for CI: all is as planned, exit code 0");
  await run.pulumi(...CHECK);

  run.heading(
    "Somebody deletes a claim, strips another of its signature, and moves a tag: the same check fails",
  );
  await deleteClaim(__dirname, await run.output("testsClaim"));
  await stripSignatures(__dirname, await run.output("deploymentClaim"));
  await moveTag(__dirname, await run.output("deploymentClaim"), "stable");
  const { text } = await run.refused(...CHECK, "--diff");
  shows(
    text,
    /\+ pulumi-nodejs:dynamic\/consign:Claim/,
    /status/,
    /unsigned/,
    /tagged/,
    /lifecycle|require\[0\]/,
  );

  run.heading("pulumi up --refresh puts back what can be put back");
  await run.pulumi("up", "--yes", "--skip-preview", "--refresh");
  run.heading("And the check is content");
  await run.pulumi(...CHECK);
});
