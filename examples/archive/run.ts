// SPDX-License-Identifier: Apache-2.0
// A release is archived, held, let go and purged, each by a run of `pulumi up` that differs from the one before in its date alone.
import { shows } from "../../scripts/story/narrator";
import { stage, tell } from "../../scripts/story/stage";

const UP = ["up", "--yes", "--skip-preview"] as const;

tell(async () => {
  const { narrator } = await stage(__dirname, ["acme"]);
  const archive = await narrator("archive");

  archive.heading("January: v1 runs in production");
  await archive.stack({ asOf: "2026-01-05", release: "v1" });
  await archive.pulumi(...UP);
  const v1 = await archive.output("archived");

  archive.heading("February: v2 takes its place. March: v1 is archived");
  await archive.stack({ asOf: "2026-02-02", release: "v2" });
  await archive.pulumi(...UP);
  await archive.stack({ asOf: "2026-03-10" });
  shows(await archive.pulumi("preview", "--diff"), /ARCHIVE {2}/);
  await archive.pulumi(...UP);

  archive.heading("June: a court orders that it be kept. The order is a signed claim on the artifact");
  await archive.stack({ asOf: "2026-06-01", hold: v1 });
  await archive.pulumi(...UP);

  archive.heading("September: its time would be over, and it is kept; the plan says why");
  await archive.stack({ asOf: "2026-09-01" });
  await archive.pulumi(...UP);
  shows(await archive.output("plan"), /held;.*legal hold by a claim of type https:\/\/acme\.example/);

  archive.heading("December: the order is lifted, and the claim taken away. One run marks, the next preview shows the purge, the next up does it");
  await archive.stack({ asOf: "2026-12-01", hold: "none" });
  await archive.pulumi(...UP);
  await archive.stack({ asOf: "2026-12-02" });
  await archive.pulumi(...UP);
  await archive.stack({ asOf: "2026-12-03" });
  shows(await archive.pulumi("preview", "--diff"), /PURGE {2}/);
  await archive.pulumi(...UP);
  shows(await archive.output("plan"), /purged;/);
});
