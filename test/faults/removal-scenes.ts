// SPDX-License-Identifier: Apache-2.0
// Everything that removes something, each with what must survive it.
import { signedArtifact } from "../../provider/artifact/artifact";
import { claim as claimKind } from "../../provider/claim/claim";
import { mirror } from "../../provider/mirror/mirror";
import type { Descriptor } from "../../provider/oci/descriptor";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties } from "../../provider/world/reconciler";
import type { Life } from "../harness/life";
import { trustOf } from "../harness/memory-world";
import type { Setting } from "./removal-scene";
import { archiveFirst, archivePurge, archiveRelease } from "./removal-scenes-archive";
import { at, type Stage } from "./scene";

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
