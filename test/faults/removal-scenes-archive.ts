// SPDX-License-Identifier: Apache-2.0
// What an archive policy removes, with another policy and a legal hold in the same archive.
import { archivePolicy } from "../../provider/archive/archive";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Properties } from "../../provider/world/reconciler";
import type { Life } from "../harness/life";
import { trustOf } from "../harness/memory-world";
import type { Needed, Setting } from "./removal-scene";
import { at, type Stage } from "./scene";

export const HOLD = "https://acme.example/litigation/v1";

/** Arguments that a later version has; short, so that what is due happens here. */
export const GRACE: Properties = {
  ...("purgeGrace" in archivePolicy.schema.shape ? { purgeGrace: "0s" } : {}),
  ...("freeBlobs" in archivePolicy.schema.shape ? { freeBlobs: true } : {}),
};

const archiveArgs = (stage: Stage, asOf: string, more: Properties = {}): Properties => ({
  sources: [at("app")],
  archive: at("archive"),
  archiveAfter: "30d",
  retain: { for: "1y", holds: [{ claim: HOLD }] },
  signer: stage.parties.acme.signer,
  trust: trustOf(stage.parties.acme),
  policy: "ours",
  asOf,
  ...GRACE,
  ...more,
});

/** Another policy's artifact in the archive, one that is held, and one whose time is over. */
async function archived(
  stage: Stage,
  more: Properties,
): Promise<{ life: Life; old: Descriptor; held: Descriptor; tool: Descriptor }> {
  const old = await stage.deployed("app", "old", "2026-02-01");
  const held = await stage.deployed("app", "held", "2026-02-01");
  const tool = await stage.deployed("tools", "tool", "2026-02-01");
  await stage.claim(
    "app",
    { type: HOLD, subject: held, predicate: { case: "7/20" }, audience: "internal" },
    stage.parties.acme,
  );
  const theirs = { sources: [at("tools")], policy: "theirs", retain: { for: "10y" } };
  await stage.life(archivePolicy).up(archiveArgs(stage, "2026-04-01", theirs));
  const life = stage.life(archivePolicy);
  await life.up(archiveArgs(stage, "2026-04-01", more));
  return { life, old, held, tool };
}

const kept = (...digests: Descriptor[]): Needed[] =>
  digests.map(({ digest }) => ({ repository: "archive", digest }));

export const archiveFirst: Setting = async (stage) => {
  const old = await stage.deployed("app", "old", "2026-02-01");
  const current = await stage.deployed("app", "current");
  return {
    life: stage.life(archivePolicy),
    foreign: current,
    run: async (life) => life.up(archiveArgs(stage, "2026-04-01")),
    due: [],
    needed: [old, current].map(({ digest }) => ({ repository: "app", digest })),
    tags: ["old", "current"].map((tag) => ({ repository: "app", tag })),
  };
};

export const archivePurge =
  (onExpiry: "purge" | "purge-content"): Setting =>
  async (stage) => {
    const { life, old, held, tool } = await archived(stage, { onExpiry });
    await life.up(archiveArgs(stage, "2027-06-01", { onExpiry }));
    const run = async (life: Life, round = 0): Promise<unknown> =>
      life.up(archiveArgs(stage, `2027-06-0${3 + round}`, { onExpiry }));
    return {
      life,
      foreign: held,
      run,
      again: run,
      due: onExpiry === "purge" ? [{ repository: "archive", digest: old.digest }] : [],
      needed: [
        ...kept(held, tool),
        { repository: "app", digest: held.digest },
        { repository: "app", digest: old.digest },
        { repository: "tools", digest: tool.digest },
      ],
    };
  };

export const archiveRelease =
  (tagged: boolean): Setting =>
  async (stage) => {
    const release = {
      release: "after-archive",
      retain: { for: "10y", holds: [] },
      ...("releaseTags" in archivePolicy.schema.shape ? { releaseTags: ["old"] } : {}),
    };
    const old = await stage.deployed("app", "old", "2026-02-01");
    const current = await stage.deployed("app", "current");
    const life = stage.life(archivePolicy);
    await life.up(archiveArgs(stage, "2026-04-01", release));
    await life.up(archiveArgs(stage, "2026-04-02", release));
    if (tagged) await stage.tag("app", old.digest, "hotfix");
    const run = async (life: Life, round = 0): Promise<unknown> =>
      life.up(archiveArgs(stage, `2026-04-0${3 + round}`, release));
    return {
      life,
      foreign: current,
      run,
      again: run,
      due: tagged ? [] : [{ repository: "app", digest: old.digest }],
      needed: [
        ...kept(old),
        { repository: "app", digest: current.digest },
        ...(tagged ? [{ repository: "app", digest: old.digest }] : []),
      ],
      tags: ["current", ...(tagged ? ["hotfix"] : [])].map((tag) => ({ repository: "app", tag })),
    };
  };
