// SPDX-License-Identifier: Apache-2.0
// Two regions that hold the same, one that loses something, and the preview that says which and
// what.
import { deleteClaim, showTree } from "../../scripts/story/registries";
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

tell(async () => {
  const { narrator, roots } = await stage(__dirname, ["wabbit"]);
  const acme = await narrator("acme");
  const region = (name: string): string => `oci:.run/registries/acme-${name}/net-monitor`;

  acme.heading("pulumi up");
  await acme.pulumi("up", "--yes", "--skip-preview");
  await showTree(__dirname, `${region("eu")}:v1.0.0`, "Region eu", roots);
  await showTree(__dirname, `${region("us")}:v1.0.0`, "Region us: the same digests", roots);

  acme.heading("Region us loses a claim. Only us has drifted, and the preview says what it lacks");
  const digest = (await acme.output("claim")).split("@")[1] ?? "";
  await deleteClaim(__dirname, `${region("us")}@${digest}`);
  shows(
    await acme.pulumi("preview", "--refresh", "--diff"),
    /acme-us\/net-monitor/,
    /gate-us/,
    new RegExp(digest),
  );

  acme.heading("pulumi up --refresh copies what is missing, and nothing else");
  await acme.pulumi("up", "--yes", "--skip-preview", "--refresh");
  acme.heading("In step again");
  await acme.pulumi("preview", "--refresh", "--expect-no-changes");
});
