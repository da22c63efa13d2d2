// SPDX-License-Identifier: Apache-2.0
import type { Properties } from "../../provider/world/reconciler";
import { Scene, digestOf, signer, trusting } from "./scene";

const HOLD = "https://acme.example/litigation/v1";

/** ArchivePolicy, with an archive in every state. */
export async function archives(): Promise<Scene> {
  const scene = new Scene();
  await reporting(scene);
  await purging(scene);
  await releasing(scene);
  return scene;
}

const args = (name: string, asOf: string, more: Properties = {}): Properties => ({
  sources: [`oci:places/${name}`],
  archive: `oci:places/${name}-archive`,
  archiveAfter: "30d",
  retain: { for: "1y" },
  signer: signer("acme"),
  trust: trusting("acme"),
  policy: name,
  asOf,
  ...more,
});

/** An artifact that was in production, or still is. @returns its pinned reference */
async function deployed(
  scene: Scene,
  place: string,
  name: string,
  from: string,
  until?: string,
): Promise<string> {
  const artifact = await scene.artifact(place, name, "acme");
  await stay(scene, artifact, "production", from, until);
  return artifact;
}

async function stay(
  scene: Scene,
  artifact: string,
  environment: string,
  from: string,
  until?: string,
): Promise<void> {
  const time = (day: string): string => `${day}T00:00:00Z`;
  await scene.claim(artifact, "deployment", { environment, from: time(from) }, "acme");
  if (until !== undefined)
    await scene.claim(
      artifact,
      "deployment",
      { environment, from: time(from), until: time(until) },
      "acme",
    );
}

/** What is in production, in grace, archived, held by digest, by claim and as one of the last, running elsewhere, and expired. */
async function reporting(scene: Scene): Promise<void> {
  const held = await deployed(scene, "report", "held", "2020-01-01", "2020-02-01");
  const claimed = await deployed(scene, "report", "claimed", "2020-01-01", "2020-02-02");
  await deployed(scene, "report", "expired", "2020-01-01", "2020-01-10");
  await deployed(scene, "report", "last", "2020-01-01", "2020-02-03");
  await deployed(scene, "report", "grace", "2020-01-01", "2022-05-20");
  await deployed(scene, "report", "production", "2022-05-20");
  const edge = await scene.artifact("edge", "edge", "acme");
  await deployed(scene, "report", "edge", "2020-01-01", "2020-01-15");
  await stay(scene, edge, "edge", "2020-01-05");
  await scene.claim(claimed, HOLD, { case: "7/20" }, "acme");
  const rules = {
    retain: {
      for: "1y",
      last: 2,
      holds: [digestOf(held), { claim: HOLD }],
      whileRunningIn: ["oci:places/edge"],
    },
    deployments: { environments: ["production", "edge"] },
  };
  await scene.record(
    "reported",
    "ArchivePolicy",
    args("report", "2020-06-01", rules),
    args("report", "2022-06-01", rules),
  );
}

/** What is archived, marked as expired, purged, and without its content. */
async function purging(scene: Scene): Promise<void> {
  for (const onExpiry of ["purge", "purge-content"]) {
    await deployed(scene, onExpiry, "old", "2026-01-01", "2026-02-01");
    await deployed(scene, onExpiry, "young", "2026-01-01", "2027-12-01");
    const runs = ["2026-04-01", "2027-03-01", "2027-03-02"].map((asOf) =>
      args(onExpiry, asOf, { onExpiry }),
    ) as [Properties, Properties, Properties];
    await scene.record(onExpiry, "ArchivePolicy", ...runs);
    await deployed(scene, `${onExpiry}-marked`, "old", "2026-01-01", "2026-02-01");
    const [first, second] = ["2026-04-01", "2027-03-01"].map((asOf) =>
      args(`${onExpiry}-marked`, asOf, { onExpiry }),
    ) as [Properties, Properties];
    await scene.record(`${onExpiry}-marked`, "ArchivePolicy", first, second);
  }
  await deployed(scene, "refreshed", "old", "2026-01-01", "2026-02-01");
  const more = { observe: "refresh", retain: { for: "1y", from: "archived" } };
  await scene.record(
    "observed-by-refresh",
    "ArchivePolicy",
    args("refreshed", "2026-04-01", more),
    args("refreshed", "2026-05-01", more),
  );
}

/** What has left its source, and what is about to. */
async function releasing(scene: Scene): Promise<void> {
  const release = "after-archive";
  for (const [name, days] of Object.entries({
    released: ["2026-04-01", "2026-04-02", "2026-04-03"],
    releasing: ["2026-04-01", "2026-04-02"],
  })) {
    await deployed(scene, name, "old", "2026-01-01", "2026-02-01");
    await deployed(scene, name, "current", "2026-02-01");
    const runs = days.map((asOf) => args(name, asOf, { release })) as [Properties, ...Properties[]];
    await scene.record(name, "ArchivePolicy", ...runs);
  }
}
