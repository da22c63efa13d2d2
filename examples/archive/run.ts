// SPDX-License-Identifier: Apache-2.0
// A release is archived, held, let go and purged, each by a run of `pulumi up` that differs from
// the one before in its date alone.
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

const UP = ["up", "--yes", "--skip-preview"] as const;

const today = Date.now();
const day = (days: number): string =>
  new Date(today + days * 86_400_000).toISOString().slice(0, 10);

tell(async () => {
  const { narrator } = await stage(__dirname, ["acme"]);
  const archive = await narrator("archive");

  archive.heading("v1 runs in production");
  await archive.stack({ asOf: day(0), release: "v1" });
  await archive.pulumi(...UP);
  const v1 = await archive.output("archived");

  archive.heading("v2 takes its place. 36 days later v1 is archived");
  await archive.stack({ asOf: day(1), release: "v2" });
  await archive.pulumi(...UP);
  await archive.stack({ asOf: day(36) });
  shows(await archive.pulumi("preview", "--diff"), /ARCHIVE {2}/);
  await archive.pulumi(...UP);

  archive.heading(
    "Three months later a court orders that it be kept. The order is a signed claim on the artifact",
  );
  await archive.stack({ asOf: day(119), hold: v1 });
  await archive.pulumi(...UP);

  archive.heading("After 180 days its time would be over, and it is kept; the plan says why");
  await archive.stack({ asOf: day(211) });
  await archive.pulumi(...UP);
  shows(
    await archive.output("plan"),
    /held;.*legal hold by a claim of type https:\/\/acme\.example/,
  );

  archive.heading(
    "After 300 days the order is lifted, and the claim taken away. One run marks, the next preview shows the purge, the next up does it",
  );
  await archive.stack({ asOf: day(302), hold: "none" });
  await archive.pulumi(...UP);
  await archive.stack({ asOf: day(303) });
  await archive.pulumi(...UP);
  await archive.stack({ asOf: day(304) });
  shows(await archive.pulumi("preview", "--diff"), /PURGE {2}/);
  await archive.pulumi(...UP);
  shows(await archive.output("plan"), /purged;/);
});
