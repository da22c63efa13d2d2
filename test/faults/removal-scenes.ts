// SPDX-License-Identifier: Apache-2.0
// Everything that removes something, each with what must survive it.
import { archivePolicy } from "../../provider/archive/archive";
import { signedArtifact } from "../../provider/artifact/artifact";
import { claim as claimKind } from "../../provider/claim/claim";
import { mirror } from "../../provider/mirror/mirror";
import type { Descriptor } from "../../provider/oci/descriptor";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties } from "../../provider/world/reconciler";
import type { Life } from "../harness/life";
import { trustOf } from "../harness/memory-world";
import { at, type Stage } from "./scene";

/** A thing at a place that must be there whatever happens, with all that it needs or that refers to it. */
export interface Needed {
  repository: string;
  digest: string;
}

export interface RemovalScene {
  life: Life;
  /** What is removed, or given the chance to be. */
  run(life: Life): Promise<unknown>;
  /** The same again, where that is another call. @default run */
  again?(life: Life, round: number): Promise<unknown>;
  needed: Needed[];
  /** What goes where nothing is wrong: the safe answer is not "never". */
  due: Needed[];
  /** Tags that must stay where they are. */
  tags?: { repository: string; tag: string }[];
  /** What a lying list names. */
  foreign: Descriptor;
  /** Destroys cannot be run again once they have succeeded. */
  destroys?: boolean;
}

type Setting = (stage: Stage) => Promise<RemovalScene>;

const files = (stage: Stage, name: string): string[] => [
  stage.file("common.txt", "what all have in common\n"),
  stage.file(`${name}.txt`, `the content of ${name}\n`),
];

const other = async (stage: Stage, repository: string): Promise<Descriptor> =>
  stage.publish(repository, "other", stage.parties.stranger, "other");

async function artifact(
  stage: Stage,
  more: Properties = {},
): Promise<{ life: Life; args: Properties; made: Descriptor; foreign: Descriptor }> {
  const foreign = await other(stage, "app");
  const life = stage.life(signedArtifact);
  const args = {
    repository: at("app"),
    tags: ["v1", "latest"],
    files: files(stage, "first"),
    signer: stage.parties.acme.signer,
    onDelete: "purge",
    ...more,
  };
  await life.up(args);
  const made = life.outputs["descriptor"] as Descriptor;
  stage.name(made.digest, "ours");
  return { life, args, made, foreign };
}

const artifactUpdate: Setting = async (stage) => {
  const { life, args, made, foreign } = await artifact(stage);
  await stage.tag("app", made.digest, "hotfix");
  const next = { ...args, tags: ["v1"], files: files(stage, "second") };
  return {
    life,
    foreign,
    run: async (life) => life.up(next),
    due: [],
    needed: [made, foreign].map(({ digest }) => ({ repository: "app", digest })),
    tags: [
      { repository: "app", tag: "hotfix" },
      { repository: "app", tag: "other" },
    ],
  };
};

const artifactDestroy: Setting = async (stage) => {
  const { life, made, foreign } = await artifact(stage);
  return {
    life,
    foreign,
    run: async (life) => life.destroy(),
    destroys: true,
    due: [{ repository: "app", digest: made.digest }],
    needed: [{ repository: "app", digest: foreign.digest }],
    tags: [{ repository: "app", tag: "other" }],
  };
};

/** Somebody's index, and then somebody's claim, are in the way. */
const artifactHeld =
  (by: "index" | "claim"): Setting =>
  async (stage) => {
    const { life, made, foreign } = await artifact(stage);
    const holder =
      by === "index"
        ? await stage.index("app", [made], "set")
        : await stage.remark("app", made, stage.parties.stranger, "theirs");
    return {
      life,
      foreign,
      run: async (life) => life.destroy(),
      destroys: true,
      due: [],
      needed: [foreign.digest, made.digest, holder].map((digest) => ({
        repository: "app",
        digest,
      })),
      tags: [{ repository: "app", tag: by === "index" ? "set" : "other" }],
    };
  };

async function ownClaim(stage: Stage): Promise<{
  life: Life;
  args: Properties;
  subject: Descriptor;
  theirs: string;
  foreign: Descriptor;
}> {
  const foreign = await other(stage, "app");
  const subject = await stage.publish("app", "subject", stage.parties.wabbit, "v1");
  const theirs = await stage.remark("app", subject, stage.parties.stranger, "theirs");
  const life = stage.life(claimKind);
  const args = {
    subject: `${at("app")}@${subject.digest}`,
    type: "https://example.test/review/v1",
    predicate: { review: 1 },
    signer: stage.parties.acme.signer,
    onDelete: "purge",
  };
  await life.up(args);
  stage.name(String(life.outputs["digest"]), "our-claim");
  return { life, args, subject, theirs, foreign };
}

const claimUpdate: Setting = async (stage) => {
  const { life, args, theirs, foreign } = await ownClaim(stage);
  return {
    life,
    foreign,
    run: async (life) => life.up({ ...args, predicate: { review: 2 } }),
    due: [{ repository: "app", digest: String(life.outputs["digest"]) }],
    needed: [theirs, foreign.digest].map((digest) => ({ repository: "app", digest })),
    tags: ["other", "v1"].map((tag) => ({ repository: "app", tag })),
  };
};

const claimDestroy =
  (signedByOthers: boolean): Setting =>
  async (stage) => {
    const { life, theirs, foreign } = await ownClaim(stage);
    const ours = String(life.outputs["digest"]);
    if (signedByOthers) await stage.sign("app", ours, stage.parties.stranger);
    return {
      life,
      foreign,
      run: async (life) => life.destroy(),
      destroys: true,
      due: signedByOthers ? [] : [{ repository: "app", digest: ours }],
      needed: [theirs, foreign.digest].map((digest) => ({ repository: "app", digest })),
      tags: ["other", "v1"].map((tag) => ({ repository: "app", tag })),
    };
  };

async function copies(
  stage: Stage,
  more: Properties,
): Promise<{ life: Life; args: Properties; v: Descriptor[]; theirs: string; foreign: Descriptor }> {
  const { wabbit, stranger } = stage.parties;
  const v: Descriptor[] = [];
  for (const name of ["v1", "v2", "v3"]) v.push(await stage.publish("origin", name, wabbit, name));
  const [v1, v2, v3] = v as [Descriptor, Descriptor, Descriptor];
  await stage.remark("origin", v1, wabbit, "first");
  await stage.remark("origin", v2, wabbit, "second");
  const foreign = await other(stage, "copy");
  const life = stage.life(mirror);
  const args = { source: at("origin"), destinations: [at("copy")], onDelete: "purge", ...more };
  await life.up(args);
  const theirs = await stage.remark("copy", v1, stranger, "theirs");
  await stage.tag("copy", v3.digest, "ours");
  return { life, args, v, theirs, foreign };
}

const mirrorPrune: Setting = async (stage) => {
  const { life, args, v, theirs, foreign } = await copies(stage, { withdrawn: "remove" });
  return {
    life,
    foreign,
    run: async (life) => life.up({ ...args, tags: ["v1"] }),
    due: [{ repository: "copy", digest: v[1]?.digest ?? "" }],
    needed: [
      ...v.map(({ digest }) => ({ repository: "origin", digest })),
      ...[theirs, foreign.digest, v[0]?.digest ?? "", v[2]?.digest ?? ""].map((digest) => ({
        repository: "copy",
        digest,
      })),
    ],
    tags: ["ours", "other", "v1"].map((tag) => ({ repository: "copy", tag })),
  };
};

/** A part that goes with its index, and is somebody's part as well. */
const mirrorParts: Setting = async (stage) => {
  const { wabbit } = stage.parties;
  const parts = [
    await stage.publish("origin", "amd64", wabbit),
    await stage.publish("origin", "arm64", wabbit),
  ];
  await stage.index("origin", parts, "v2");
  await stage.publish("origin", "v1", wabbit, "v1");
  const foreign = await other(stage, "copy");
  const life = stage.life(mirror);
  const args = { source: at("origin"), destinations: [at("copy")], onDelete: "purge" };
  await life.up(args);
  const theirs = await stage.index("copy", parts.slice(0, 1), "set");
  return {
    life,
    foreign,
    run: async (life) => life.up({ ...args, tags: ["v1"] }),
    due: [{ repository: "copy", digest: parts[1]?.digest ?? "" }],
    needed: [theirs, foreign.digest].map((digest) => ({ repository: "copy", digest })),
    tags: ["set", "other", "v1"].map((tag) => ({ repository: "copy", tag })),
  };
};

const mirrorDestroy: Setting = async (stage) => {
  const { life, v, theirs, foreign } = await copies(stage, {});
  return {
    life,
    foreign,
    run: async (life) => life.destroy(),
    destroys: true,
    due: [{ repository: "copy", digest: v[1]?.digest ?? "" }],
    needed: [
      ...v.map(({ digest }) => ({ repository: "origin", digest })),
      ...[theirs, foreign.digest, v[2]?.digest ?? ""].map((digest) => ({
        repository: "copy",
        digest,
      })),
    ],
    tags: ["ours", "other"].map((tag) => ({ repository: "copy", tag })),
  };
};

async function promoted(stage: Stage): Promise<{
  life: Life;
  args: (which: number) => Properties;
  v: Descriptor[];
  foreign: Descriptor;
}> {
  const { wabbit, acme } = stage.parties;
  const v = [
    await stage.publish("source", "v1", wabbit, "v1"),
    await stage.publish("source", "v2", wabbit, "v2"),
  ];
  const foreign = await other(stage, "prod");
  const args = (which: number): Properties => ({
    artifact: `${at("source")}@${v[which]?.digest ?? ""}`,
    environment: "production",
    to: at("prod"),
    tag: "current",
    signer: acme.signer,
    trust: trustOf(wabbit, acme),
    onDelete: "purge",
    asOf: which === 0 ? "2026-01-01" : "2026-02-01",
  });
  const life = stage.life(promotion);
  await life.up(args(0));
  return { life, args, v, foreign };
}

const promotionMove: Setting = async (stage) => {
  const { life, args, v, foreign } = await promoted(stage);
  return {
    life,
    foreign,
    run: async (life) => life.up(args(1)),
    due: [],
    needed: [
      ...v.map(({ digest }) => ({ repository: "source", digest })),
      ...[v[0]?.digest ?? "", foreign.digest].map((digest) => ({ repository: "prod", digest })),
    ],
    tags: [{ repository: "prod", tag: "other" }],
  };
};

const promotionDestroy =
  (tagged: boolean): Setting =>
  async (stage) => {
    const { life, v, foreign } = await promoted(stage);
    if (tagged) await stage.tag("prod", v[0]?.digest ?? "", "hotfix");
    return {
      life,
      foreign,
      run: async (life) => life.destroy(),
      destroys: true,
      due: tagged ? [] : [{ repository: "prod", digest: v[0]?.digest ?? "" }],
      needed: [
        ...v.map(({ digest }) => ({ repository: "source", digest })),
        ...[foreign.digest, ...(tagged ? [v[0]?.digest ?? ""] : [])].map((digest) => ({
          repository: "prod",
          digest,
        })),
      ],
      tags: ["other", ...(tagged ? ["hotfix"] : [])].map((tag) => ({ repository: "prod", tag })),
    };
  };

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

const archiveFirst: Setting = async (stage) => {
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

const archivePurge =
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

const archiveRelease =
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

export const REMOVALS: Readonly<Record<string, Setting>> = {
  "artifact-update": artifactUpdate,
  "artifact-destroy": artifactDestroy,
  "artifact-destroy-in-an-index": artifactHeld("index"),
  "artifact-destroy-with-a-claim": artifactHeld("claim"),
  "claim-update": claimUpdate,
  "claim-destroy": claimDestroy(false),
  "claim-destroy-signed-by-others": claimDestroy(true),
  "mirror-prune": mirrorPrune,
  "mirror-prune-parts": mirrorParts,
  "mirror-destroy": mirrorDestroy,
  "promotion-move": promotionMove,
  "promotion-destroy": promotionDestroy(false),
  "promotion-destroy-with-a-hotfix": promotionDestroy(true),
  "archive-first": archiveFirst,
  "archive-purge": archivePurge("purge"),
  "archive-purge-content": archivePurge("purge-content"),
  "archive-release": archiveRelease(false),
  "archive-release-with-a-hotfix": archiveRelease(true),
};
