// SPDX-License-Identifier: Apache-2.0
// What the publisher says is not enough; what the consumer adds is, and takes precedence.
import { showTree } from "../../scripts/story/registries";
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

tell(async () => {
  const { narrator, roots } = await stage(__dirname, ["wabbit", "acme"]);
  const acme = await narrator("acme");

  acme.heading("Wabbit alone: a vulnerability that nobody has explained. The gate stays shut");
  const { text } = await acme.refused("up", "--yes", "--skip-preview");
  shows(text, /VERIFICATION_UNMET/, /require\[0\]/, /require\[1\]/);

  acme.heading("ACME has examined it: two claims of its own");
  await acme.stack({ examined: "true" });
  shows(await acme.pulumi("up", "--yes", "--skip-preview"), /deploy/, /superseded/);
  await showTree(
    __dirname,
    "oci:.run/registries/acme/net-monitor:v1",
    "What ACME holds: Wabbit's claims, and its own",
    roots,
  );
  await showTree(
    __dirname,
    "oci:.run/registries/wabbit/net-monitor:v1",
    "What Wabbit holds: nothing of this has come back to it",
    roots,
  );
  acme.heading("It stays so");
  await acme.pulumi("preview", "--refresh", "--expect-no-changes");
});
