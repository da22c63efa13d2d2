// SPDX-License-Identifier: Apache-2.0
// Two policies with one archive, two stacks with one program, a mirror, and somebody who may push
// and wants things gone. Oracle: what was there and needed before a run is there after it.
import { archivePolicy } from "../../provider/archive/archive";
import { signedArtifact } from "../../provider/artifact/artifact";
import { claim as claimKind } from "../../provider/claim/claim";
import { mirror } from "../../provider/mirror/mirror";
import { referrerDescriptor, parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import type { Properties, Reconciler } from "../../provider/world/reconciler";
import { Life } from "../harness/life";
import { claim, publish, trustOf } from "../harness/memory-world";
import { OpenStores, type Mishap, type OpenStore } from "./model-store";
import { remember, type Remembered } from "./place";
import { GRACE, HOLD } from "./removal-scenes-archive";
import { parties } from "./scene";

const at = (name: string): string => `registry.example/${name}`;
const RUNS = ["ours", "theirs", "first", "second", "narrow", "widen"] as const;
const ENDS = ["second leaves", "mirror leaves"] as const;
const WHERE = ["archive", "copy", "pkg", "app"] as const;

export type Step =
  | { do: (typeof RUNS)[number] | (typeof ENDS)[number]; mishap?: Mishap | undefined }
  | { do: "tag"; where: number; what: number }
  | { do: "index"; where: number; what: number }
  | { do: "name in a list"; where: number; what: number; named: number }
  | { do: "hide the hold" };
export const STEPS = { RUNS, ENDS };

type Name =
  "ours" | "theirs" | "firstArtifact" | "firstClaim" | "secondArtifact" | "secondClaim" | "mirror";
type Start = { stores: OpenStores; remembered: Record<Name, Remembered>; known: Known };
interface Known {
  old: Descriptor;
  held: Descriptor;
  tool: Descriptor;
  v1: Descriptor;
  hold: Digest;
}

export class RemovalModel {
  readonly wrong: string[] = [];
  readonly #kept = new Map<OpenStore, Set<Digest>>();
  #day = Date.parse("2026-04-10T00:00:00Z");
  #secondIsThere = true;
  #mirrorIsThere = true;

  private constructor(
    readonly stores: OpenStores,
    readonly lives: Record<Name, Life>,
    readonly known: Known,
  ) {}

  static async open(): Promise<RemovalModel> {
    start ??= await begin();
    const { remembered, known } = start;
    const stores = await start.stores.copy();
    const lives = Object.fromEntries(
      Object.entries(remembered).map(([name, { kind, ...state }]) => [
        name,
        Object.assign(lifeOf(kind, stores), structuredClone(state)),
      ]),
    ) as Record<Name, Life>;
    return new RemovalModel(stores, lives, known);
  }

  /** Does one thing, and looks what it has taken away. */
  async step(step: Step): Promise<void> {
    if ("where" in step) return this.#adversary(step);
    if (step.do === "hide the hold") {
      for (const where of ["archive", "app"]) {
        const lie = this.#liesIn(this.stores.at(at(where)), this.known.held.digest);
        lie.less.add(this.known.hold);
      }
      return;
    }
    const needed = this.#needed(step.do === "mirror leaves");
    const meanwhile = async (): Promise<void> => {
      await this.lives.theirs.up(archiveArgs(this.#now(), THEIRS)).catch(() => undefined);
    };
    const failed = await this.stores.during(step.mishap, meanwhile, async () => this.#run(step.do));
    for (const [store, digests] of needed)
      for (const digest of digests)
        if (!store.holds(digest))
          this.#tell(`${step.do}: ${store.name} has lost ${this.#nameOf(store, digest)}`);
    this.#said(step.do, failed);
  }

  /** Without faults everything comes to rest, and what is due is done. */
  async rest(): Promise<void> {
    this.#day += 400 * 86_400_000;
    const archive = this.stores.at(at("archive"));
    const { digest } = this.known.old;
    const held = this.#isHeld(archive, digest);
    for (const name of ["ours", "theirs"] as const) {
      let last: unknown;
      for (let round = 0; round < 8 && last !== "same"; round++) {
        const needed = this.#needed();
        last = await this.#run(name).catch((error: Error) => error.message);
        for (const [store, digests] of needed)
          for (const digest of digests)
            if (!store.holds(digest))
              this.#tell(`rest: ${store.name} has lost ${this.#nameOf(store, digest)}`);
      }
      if (last !== "same" && !held)
        this.#tell(`rest: ${name} does not come to rest: ${String(last)}`);
      this.#said(name, undefined);
    }
    if (!held && archive.manifests.has(digest))
      this.#tell("rest: what is due in the archive is still there");
  }

  #now(): string {
    return new Date(this.#day).toISOString();
  }

  async #run(name: (typeof RUNS)[number] | (typeof ENDS)[number]): Promise<unknown> {
    this.#day += 40 * 86_400_000;
    const { lives } = this;
    if (name === "ours") return lives.ours.up(archiveArgs(this.#now(), OURS));
    if (name === "theirs") return lives.theirs.up(archiveArgs(this.#now(), THEIRS));
    if (name === "first") {
      await lives.firstArtifact.up(artifactArgs());
      return lives.firstClaim.up(claimArgs(lives.firstArtifact));
    }
    if (name === "second" || name === "second leaves") {
      if (!this.#secondIsThere) return undefined;
      if (name === "second") {
        await lives.secondArtifact.up(artifactArgs());
        return lives.secondClaim.up(claimArgs(lives.secondArtifact));
      }
      await lives.secondClaim.destroy();
      await lives.secondArtifact.destroy();
      this.#secondIsThere = false;
      return undefined;
    }
    if (!this.#mirrorIsThere) return undefined;
    if (name !== "mirror leaves")
      return lives.mirror.up(mirrorArgs(name === "narrow" ? ["v1"] : ["v1", "v2", "v3"]));
    // A destroy that fails half-way has taken things away too.
    this.#mirrorIsThere = false;
    await lives.mirror.destroy();
    return undefined;
  }

  /** What is there and must be there still after the next run, whatever that is. */
  #needed(mirrorLeaves = false): Map<OpenStore, Set<string>> {
    const { held, tool, v1, old } = this.known;
    const roots = new Map<string, string[]>([
      ["archive", [held.digest, tool.digest]],
      ["app", [held.digest, v1.digest]],
      ["tools", [tool.digest]],
      ["pkg", [String(this.lives.firstArtifact.outputs["digest"])]],
      ["copy", this.#mirrorIsThere && !mirrorLeaves ? [v1.digest] : []],
    ]);
    const archive = this.stores.at(at("archive"));
    // What is not whole in the archive must not leave its source.
    if (archive.holes(old.digest).length > 0) roots.get("app")?.push(old.digest);
    const needed = new Map<OpenStore, Set<string>>();
    for (const store of this.stores.all()) {
      const name = store.name.slice(at("").length);
      const kept = this.#kept.get(store) ?? [];
      needed.set(store, store.reach([...(roots.get(name) ?? []), ...kept]));
    }
    return needed;
  }

  /** Somebody's tag or index has it, or something that refers to it: then it stays, and rightly. */
  #isHeld(store: OpenStore, digest: Digest): boolean {
    const kept = store.reach(this.#kept.get(store) ?? []);
    return [...store.reach([digest])].some(
      (each) => store.manifests.has(each as Digest) && kept.has(each),
    );
  }

  /** What states say is there. */
  #said(name: string, failed: Error | undefined): void {
    const archive = this.stores.at(at("archive"));
    for (const life of [this.lives.ours, this.lives.theirs]) {
      const entries = (life.outputs["entries"] ?? {}) as Record<
        Digest,
        { state: string; inArchive?: boolean }
      >;
      for (const [digest, { state, inArchive }] of Object.entries(entries) as [
        Digest,
        { state: string; inArchive?: boolean },
      ][])
        if (inArchive === true && ["archived", "held"].includes(state)) {
          const holes = archive.holes(digest);
          if (holes.length > 0)
            this.#tell(`${name}: ${state} is said of ${digest}, which lacks ${holes.length}`);
        }
    }
    if (failed === undefined && (name === "narrow" || name === "widen") && this.#mirrorIsThere) {
      const holes = this.stores.at(at("copy")).holes(this.known.v1.digest);
      if (holes.length > 0) this.#tell(`${name}: succeeded, and v1 lacks ${holes.length}`);
    }
  }

  async #adversary(step: Extract<Step, { where: number }>): Promise<void> {
    const store = this.stores.at(at(WHERE[step.where % WHERE.length] ?? "archive"));
    const manifests = [...store.manifests.values()];
    const chosen = manifests[step.what % Math.max(1, manifests.length)];
    if (chosen === undefined) return;
    const kept = this.#kept.get(store) ?? new Set();
    if (step.do === "tag") {
      await store.tag(chosen, `hotfix-${step.what}`);
      this.#kept.set(store, kept.add(chosen.descriptor.digest));
    } else if (step.do === "index") {
      const value = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [chosen.descriptor],
      };
      const index = parseManifest(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.index);
      await store.pushManifest(index);
      await store.tag(index, `set-${step.what}`);
      this.#kept.set(store, kept.add(index.descriptor.digest));
    } else if (step.do === "name in a list") {
      const named = manifests[step.named % manifests.length];
      if (named !== undefined)
        this.#liesIn(store, chosen.descriptor.digest).more.push(referrerDescriptor(named));
    }
  }

  #liesIn(store: OpenStore, subject: Digest): { more: Descriptor[]; less: Set<Digest> } {
    const lie = store.rewritten.get(subject) ?? { more: [], less: new Set<Digest>() };
    store.rewritten.set(subject, lie);
    return lie;
  }

  #nameOf(store: OpenStore, digest: string): string {
    const found = Object.entries(this.known).find(
      ([, known]) => (typeof known === "string" ? known : known.digest) === digest,
    );
    return found?.[0] ?? (store.manifests.has(digest as Digest) ? "manifest " : "") + digest;
  }

  #tell(line: string): void {
    if (!this.wrong.includes(line)) this.wrong.push(line);
  }
}

const OURS: Properties = {
  sources: [at("app")],
  policy: "ours",
  retain: { for: "60d", holds: [{ claim: HOLD }] },
  release: "after-archive",
  onExpiry: "purge",
};
const THEIRS: Properties = {
  sources: [at("tools")],
  policy: "theirs",
  retain: { for: "50y" },
  onExpiry: "purge",
};

const archiveArgs = (asOf: string, more: Properties): Properties => ({
  archive: at("archive"),
  archiveAfter: "30d",
  signer: parties().acme.signer,
  trust: trustOf(parties().acme),
  asOf,
  ...GRACE,
  ...more,
});

const mirrorArgs = (tags: string[]): Properties => ({
  source: at("origin"),
  destinations: [at("copy")],
  tags,
  withdrawn: "remove",
  onDelete: "purge",
});

const artifactArgs = (): Properties => ({
  repository: at("pkg"),
  tags: ["v1"],
  from: `${at("origin")}:v1`,
  signer: parties().wabbit.signer,
  onDelete: "purge",
});

const claimArgs = (artifact: Life): Properties => ({
  subject: String(artifact.outputs["reference"]),
  type: "https://example.test/review/v1",
  predicate: { review: 1 },
  signer: parties().wabbit.signer,
  onDelete: "purge",
});

function lifeOf(kind: Reconciler, stores: OpenStores): Life {
  return new Life(kind, { folder: "/nonexistent", world: { stores } });
}

let start: Start | undefined;

/** What each run of the model begins with. */
async function begin(): Promise<Start> {
  const stores = new OpenStores();
  const { acme, wabbit, stranger } = parties();
  const deployed = async (repository: string, name: string): Promise<Descriptor> => {
    const store = stores.at(at(repository));
    const subject = await publish(store, name, acme, name);
    const from = "2026-01-01T00:00:00Z";
    for (const until of [{}, { until: "2026-02-01T00:00:00Z" }]) {
      const predicate = { environment: "production", from, ...until };
      const content = { type: "deployment", subject, predicate, audience: "internal" } as const;
      await claim(store, content, acme);
    }
    return subject;
  };
  const [old, held, tool] = [
    await deployed("app", "old"),
    await deployed("app", "held"),
    await deployed("tools", "tool"),
  ];
  const hold = await claim(
    stores.at(at("app")),
    { type: HOLD, subject: held, predicate: { case: "7/20" }, audience: "internal" },
    acme,
  );
  for (const name of ["v1", "v2", "v3"]) {
    const made = await publish(stores.at(at("origin")), name, wabbit, name);
    await publish(stores.at(at("app")), name, wabbit, name);
    await claim(
      stores.at(at("origin")),
      { type: HOLD, subject: made, predicate: {}, audience: "public" },
      stranger,
    );
  }
  const v1 = await stores.at(at("origin")).resolve("v1");
  const life = (kind: Reconciler): Life => lifeOf(kind, stores);
  const lives: Record<Name, Life> = {
    ours: life(archivePolicy),
    theirs: life(archivePolicy),
    firstArtifact: life(signedArtifact),
    firstClaim: life(claimKind),
    secondArtifact: life(signedArtifact),
    secondClaim: life(claimKind),
    mirror: life(mirror),
  };
  await lives.theirs.up(archiveArgs("2026-04-01", THEIRS));
  await lives.ours.up(archiveArgs("2026-04-01", OURS));
  for (const stack of ["first", "second"] as const) {
    await lives[`${stack}Artifact`].up(artifactArgs());
    await lives[`${stack}Claim`].up(claimArgs(lives[`${stack}Artifact`]));
  }
  await lives.mirror.up(mirrorArgs(["v1", "v2", "v3"]));
  const remembered = Object.fromEntries(
    Object.entries(lives).map(([name, each]) => [name, remember(each)]),
  ) as Record<Name, Remembered>;
  return {
    stores,
    remembered,
    known: { old, held, tool, v1, hold: hold.manifest.descriptor.digest },
  };
}
