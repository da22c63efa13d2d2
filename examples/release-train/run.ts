// SPDX-License-Identifier: Apache-2.0
// Four promotions today, and what the archive makes of them in the year to come.
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

const UP = ["up", "--yes", "--skip-preview"] as const;

const today = Date.now();
const day = (days: number): string =>
  new Date(today + days * 86_400_000).toISOString().slice(0, 10);

tell(async () => {
  const { narrator } = await stage(__dirname, ["acme"]);
  const train = await narrator("train");
  const on = async (
    days: number,
    dev: string,
    staging: string,
    production: string,
  ): Promise<void> =>
    train.stack({ asOf: day(days), runs: JSON.stringify({ dev, staging, production }) });

  train.heading("v1 goes everywhere");
  await on(0, "v1", "v1", "v1");
  await train.pulumi(...UP);

  train.heading("v2 is through dev and staging, and the preview says what moves in production");
  await on(0, "v3", "v2", "v2");
  shows(
    await train.pulumi("preview", "--diff"),
    /production current: sha256:[0-9a-f]{12}… → sha256:[0-9a-f]{12}…/,
    /dev current: sha256:/,
  );
  await train.pulumi(...UP);

  train.heading("v2 does not do. A rollback is the promotion of v1");
  await on(0, "v3", "v3", "v1");
  await train.pulumi(...UP);

  train.heading("v3 is ready");
  await on(0, "v3", "v3", "v3");
  await train.pulumi(...UP);
  shows(await train.output("history"), /(?:"from"[^]*){4}/);

  train.heading(
    "76 days later v1 and v2 are out of grace. They go to the archive with all that is claimed about them",
  );
  await on(76, "v3", "v3", "v3");
  shows(await train.pulumi("preview", "--diff"), /ARCHIVE {2}/);
  await train.pulumi(...UP);

  train.heading("The next runs see them in the archive, and take them out of where they ran");
  await on(77, "v3", "v3", "v3");
  await train.pulumi(...UP);
  await on(78, "v3", "v3", "v3");
  shows(await train.pulumi(...UP), /release/);

  train.heading("A year later their time is over. One run marks them");
  await on(398, "v3", "v3", "v3");
  shows(await train.pulumi(...UP), /MARK|archive/);

  train.heading("and the preview of the next one shows what it is about to purge");
  await on(399, "v3", "v3", "v3");
  shows(
    await train.pulumi("preview", "--diff"),
    /PURGE-CONTENT {2}/,
    /this run removes: purge-content 2/,
  );
  await train.pulumi(...UP);
  shows(await train.output("plan"), /content-purged/);

  train.heading("After that nothing changes, until something is due again");
  await train.pulumi(...UP, "--expect-no-changes");
});
