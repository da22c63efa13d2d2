// SPDX-License-Identifier: Apache-2.0
import type * as pulumi from "@pulumi/pulumi";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ClaimArgs, SignedArtifactArgs } from "../../sdk";
import {
  openEngine,
  type Engine,
  type EngineOptions,
  type EngineRun,
  type EngineStep,
} from "../harness/engine";
import { openPlaceIn, type Place } from "../harness/places";
import { changedPaths } from "../harness/life";
import type { RegistryKind } from "../harness/registries";

/**
 * The package as a program has it: inline programs run in this process, and the provider is the one
 * in dist/.
 */
export const consign = (): typeof import("../../sdk") =>
  require("../../sdk") as typeof import("../../sdk");

export type Resources = {
  artifacts?: Record<string, SignedArtifactArgs & { options?: pulumi.CustomResourceOptions }>;
  claims?: Record<
    string,
    Omit<ClaimArgs, "subject"> & { subject: string; options?: pulumi.CustomResourceOptions }
  >;
};

/**
 * A program with these resources; a claim's subject is the name of an artifact of the program, else
 * a reference.
 */
export function program({
  artifacts = {},
  claims = {},
}: Resources): () => Promise<Record<string, unknown>> {
  return async () => {
    const { Claim, SignedArtifact } = consign();
    const made = Object.fromEntries(
      Object.entries(artifacts).map(([name, { options, ...args }]) => [
        name,
        new SignedArtifact(name, args, options),
      ]),
    );
    const outputs: Record<string, unknown> = Object.fromEntries(
      Object.entries(made).map(([name, { digest }]) => [name, digest]),
    );
    for (const [name, { options, subject, ...args }] of Object.entries(claims))
      outputs[name] = new Claim(
        name,
        { ...args, subject: made[subject] ?? subject },
        options,
      ).digest;
    return outputs;
  };
}

export interface EngineWorld {
  engine: Engine;
  place: Place;
}

/** A stack, and a place to put things; with layouts both are in the stack's own folder. */
export async function openWorld(
  kind: RegistryKind | "layout",
  context: TestContext,
  options: Partial<EngineOptions> = {},
): Promise<EngineWorld> {
  const engine = await openEngine({ program: program({}), ...options });
  const place = await openPlaceIn(kind, engine.folder, context);
  mkdirSync(join(engine.folder, "files"), { recursive: true });
  writeFileSync(join(engine.folder, "files", "app.sh"), "echo 1\n");
  return { engine, place };
}

const NOT_SHOWN = /^__/;

/**
 * Lines that the engine shows of a step: paths of outputs where it refreshed, of inputs where it
 * updates.
 */
export function lines(step: EngineStep): string[] {
  const [before, after] =
    step.op === "refresh" ? [step.oldOutputs, step.newOutputs] : [step.oldInputs, step.newInputs];
  return changedPaths(before ?? {}, after ?? {}).filter((path) => !NOT_SHOWN.test(path));
}

/** Of each resource that is not the same, what is to be done with it and the lines of that. */
export function shown(run: EngineRun): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  for (const step of run.steps) {
    const paths = lines(step);
    if (step.op === "same" || (step.op === "refresh" && paths.length === 0)) continue;
    result[`${step.name}: ${step.op}`] = paths;
  }
  return result;
}
