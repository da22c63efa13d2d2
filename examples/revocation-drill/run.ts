// SPDX-License-Identifier: Apache-2.0
// Publish, deploy, revoke; then every place that must react reacts, in the order in which the news
// reaches it.
import { showTree } from "../../scripts/story/registries";
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

const UP = ["up", "--yes", "--skip-preview"] as const;

tell(async () => {
  const { narrator, roots } = await stage(__dirname, ["wabbit"]);
  const wabbit = await narrator("wabbit");
  const acme = await narrator("acme");

  wabbit.heading("Publish: Wabbit, v1");
  await wabbit.pulumi(...UP);
  acme.heading("Deploy: ACME, two regions");
  await acme.pulumi(...UP);
  const v1 = (await wabbit.output("v1")).split("@")[1] ?? "";
  shows(await acme.output("deploy"), new RegExp(v1));

  wabbit.heading(
    "Revoke: v1 reads any file of the host. A revocation, a fixed v2, and a redirect to it",
  );
  await wabbit.stack({ revoked: "true" });
  await wabbit.pulumi(...UP);

  acme.heading("ACME's next preview says what has arrived");
  shows(await acme.pulumi("preview", "--refresh", "--diff"), /revocation/, /redirect/, /v2/);
  acme.heading(
    "ACME's next up takes the news to both regions, and there the gates shut: nothing behind them moves",
  );
  const { text } = await acme.refused(...UP);
  shows(text, /lifecycle\.revocation/, /CVE-2026-2000/, /VERIFICATION_UNMET/);
  await showTree(__dirname, "oci:.run/registries/acme-eu/net-monitor:v1", "Region eu, v1", roots);

  acme.heading("The way out: follow Wabbit's redirect, verifying both ends");
  await acme.stack({ follow: "true" });
  await acme.pulumi(...UP);
  const deployed = await acme.output("deploy");
  shows(deployed, /acme-eu/, /acme-us/);
  if (deployed.includes(v1)) throw new Error("v1 is still deployed");
  acme.heading("And it stays there");
  await acme.pulumi("preview", "--refresh", "--expect-no-changes");
});
