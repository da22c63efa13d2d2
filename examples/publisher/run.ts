// SPDX-License-Identifier: Apache-2.0
// Publishes, shows what is inside the house and what is outside, and that doing it again changes
// nothing.
import { showTree } from "../../scripts/story/registries";
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

tell(async () => {
  const { narrator, roots } = await stage(__dirname, ["wabbit"]);
  const wabbit = await narrator("wabbit");

  wabbit.heading("What would be published? Nothing is pushed yet, and the digests are there");
  shows(await wabbit.pulumi("preview", "--diff"), /9 to create/);
  wabbit.heading("pulumi up");
  await wabbit.pulumi("up", "--yes", "--skip-preview");
  await showTree(
    __dirname,
    "oci:.run/registries/internal/net-monitor:v1",
    "Inside: everything",
    roots,
  );
  await showTree(
    __dirname,
    "oci:.run/registries/public/net-monitor:v1",
    "Outside: the public claims, each with its signature",
    roots,
  );
  wabbit.heading("Again: nothing is written");
  await wabbit.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
});
