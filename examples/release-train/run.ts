// SPDX-License-Identifier: Apache-2.0
// A year and a half in nine runs of `pulumi up`, each on its day.
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

const UP = ["up", "--yes", "--skip-preview"] as const;

tell(async () => {
  const { narrator } = await stage(__dirname, ["acme"]);
  const train = await narrator("train");
  const on = async (asOf: string, dev: string, staging: string, production: string): Promise<void> => train.stack({ asOf, runs: JSON.stringify({ dev, staging, production }) });

  train.heading("January: v1 goes everywhere");
  await on("2026-01-05", "v1", "v1", "v1");
  await train.pulumi(...UP);

  train.heading("May: v2 is through dev and staging, and the preview says what moves in production");
  await on("2026-05-04", "v3", "v2", "v2");
  shows(await train.pulumi("preview", "--diff"), /production current: sha256:[0-9a-f]{12}… → sha256:[0-9a-f]{12}…/, /dev current: sha256:/);
  await train.pulumi(...UP);

  train.heading("June: v2 does not do. A rollback is the promotion of v1");
  await on("2026-06-10", "v3", "v3", "v1");
  await train.pulumi(...UP);

  train.heading("July: v3 is ready");
  await on("2026-07-01", "v3", "v3", "v3");
  await train.pulumi(...UP);
  shows(await train.output("history"), /2026-01-05.*2026-05-04.*2026-06-10.*2026-07-01|2026-07-01.*2026-06-10.*2026-05-04.*2026-01-05/s);

  train.heading("September: v1 and v2 are out of grace. They go to the archive with all that is claimed about them");
  await on("2026-09-15", "v3", "v3", "v3");
  shows(await train.pulumi("preview", "--diff"), /ARCHIVE {2}/);
  await train.pulumi(...UP);

  train.heading("The next runs see them in the archive, and take them out of where they ran");
  await on("2026-09-16", "v3", "v3", "v3");
  await train.pulumi(...UP);
  await on("2026-09-17", "v3", "v3", "v3");
  shows(await train.pulumi(...UP), /release/);

  train.heading("A year later their time is over. One run marks them");
  await on("2027-08-02", "v3", "v3", "v3");
  shows(await train.pulumi(...UP), /MARK|archive/);

  train.heading("and the preview of the next one shows what it is about to purge");
  await on("2027-08-03", "v3", "v3", "v3");
  shows(await train.pulumi("preview", "--diff"), /PURGE-CONTENT {2}/, /this run removes: purge-content 2/);
  await train.pulumi(...UP);
  shows(await train.output("plan"), /content-purged/);

  train.heading("After that nothing changes, until something is due again");
  await train.pulumi(...UP, "--expect-no-changes");
});
