// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { OciLayout } from "../../provider/content";
import type { Properties } from "../../provider/world/reconciler";
import { QUICK_KEY, selfSigned } from "../harness/certificates";
import { tempDir } from "../harness/temp";
import { Life } from "../harness/life";
import { KINDS } from "./kinds";
import { filesIn, type RecordedResource, type RecordedScene } from "./recorded";
import { remove, revive } from "./replay";

const BEGIN = Date.parse("2026-06-01T12:00:00Z");
const TICK_MS = 60_000;

/** Who signs in a scene; files are relative to the project's folder, and certificates hold for decades. */
export const PARTIES = {
  wabbit: "Wabbit Networks",
  acme: "ACME Rockets",
  stranger: "Stranger",
} as const;
export type Party = keyof typeof PARTIES;

export const signer = (name: Party): { keyFile: string; certificateChainFile: string } => ({
  keyFile: `keys/${name}.key`,
  certificateChainFile: `keys/${name}.crt`,
});
export const identity = (name: Party): string => `x509.subject: C=US, ST=WA, O=${PARTIES[name]}`;

interface Trust {
  signatureVerification: { level: "strict" };
  roots: { ca: string[] };
  trustedIdentities: string[];
}

export function trusting(...names: Party[]): Trust {
  return {
    signatureVerification: { level: "strict" },
    roots: { ca: names.map((name) => `keys/${name}.crt`) },
    trustedIdentities: names.map(identity),
  };
}

/** A project's folder in which resources live, places as layouts included, until their states are recorded. */
export class Scene {
  #time = BEGIN;
  readonly #recorded: Record<
    string,
    { life: Life; args: Properties; kind: RecordedResource["kind"] }
  > = {};

  constructor(readonly folder = tempDir("states")) {
    for (const [name, organization] of Object.entries(PARTIES)) {
      const validity = {
        notBefore: new Date("2020-01-01T00:00:00Z"),
        notAfter: new Date("2049-12-31T00:00:00Z"),
      };
      const issued = selfSigned({
        subject: { C: "US", ST: "WA", O: organization, CN: `${organization} Signing` },
        key: QUICK_KEY,
        ...validity,
      });
      this.file(`keys/${name}.key`, issued.keyPem);
      this.file(`keys/${name}.crt`, issued.chainPem);
    }
  }

  file(name: string, content: string): string {
    const path = join(this.folder, ...name.split("/"));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: name.endsWith(".key") ? 0o600 : 0o644 });
    return name;
  }

  /** A fresh look at one of the layouts. */
  layout(name: string): OciLayout {
    return OciLayout.open(join(this.folder, "places", name), { create: true });
  }

  /** A resource before its first run. */
  born(kind: RecordedResource["kind"]): Life {
    return new Life(KINDS[kind], { folder: this.folder, now: () => new Date(this.#time) });
  }

  /** A resource that a program has once for each set of arguments, one after the other. */
  async life(
    kind: RecordedResource["kind"],
    ...runs: [Properties, ...Properties[]]
  ): Promise<Life> {
    const life = this.born(kind);
    for (const args of runs) {
      this.#time += TICK_MS;
      await life.up(args);
    }
    return life;
  }

  /** As {@link life}, and its state will be recorded under the name. */
  async record(
    name: string,
    kind: RecordedResource["kind"],
    ...runs: [Properties, ...Properties[]]
  ): Promise<Life> {
    const life = await this.life(kind, ...runs);
    this.keep(name, kind, life, runs[runs.length - 1] ?? runs[0]);
    return life;
  }

  keep(name: string, kind: RecordedResource["kind"], life: Life, args: Properties): void {
    this.#recorded[name] = { kind, life, args };
  }

  /** An artifact that is there, signed, by a resource that is not recorded. @returns its pinned reference */
  async artifact(
    place: string,
    name: string,
    by: Party = "wabbit",
    tags: readonly string[] = [name],
  ): Promise<string> {
    const file = this.file(`files/${name}.txt`, `the content of ${name}\n`);
    const { outputs } = await this.life("SignedArtifact", {
      repository: `oci:places/${place}`,
      tags,
      files: [this.file("files/common.txt", "what all have in common\n"), file],
      signer: signer(by),
    });
    return String(outputs["reference"]);
  }

  /** A claim by a resource that is not recorded. @returns its pinned reference */
  async claim(
    subject: string,
    type: string,
    predicate: Properties,
    by: Party = "wabbit",
    more: Properties = {},
  ): Promise<string> {
    const { outputs } = await this.life("Claim", {
      subject,
      type,
      predicate,
      signer: signer(by),
      ...more,
    });
    return String(outputs["reference"]);
  }

  /** Each state, with what removing that resource alone would take away. */
  async recorded(): Promise<RecordedScene> {
    const world = { at: new Date(this.#time).toISOString(), files: filesIn(this.folder) };
    const resources: Record<string, RecordedResource> = {};
    for (const [name, { kind, args, life }] of Object.entries(this.#recorded)) {
      const { id = "", inputs, outputs } = life;
      const state = { kind, args, id, inputs, outputs };
      resources[name] = { ...state, removed: await remove(revive(world, state)) };
    }
    return { ...world, resources };
  }
}

export const digestOf = (reference: string): string => reference.slice(reference.indexOf("@") + 1);
