// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import {
  DriftCronJob,
  StackManifests,
  SubscriptionCronJob,
  VerifiedDeployment,
  VerifiedImage,
} from "../../../sdk/kubernetes/index";
import { Verification, type VerificationArgs } from "../../../sdk/verification";
import {
  chain,
  deployment,
  digest,
  drift,
  IMAGE,
  RUNNER,
  subscription,
  verification as verifying,
} from "./arrange";
import { LOAD_TYPESCRIPT } from "../../harness/typescript";

interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** What a Verification of the stand-in engine answers: nothing, for what is not verified. */
const references = new Map<string, string>();
let registered: Registered[] = [];

void pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs }) => {
    const given = inputs as Record<string, unknown>;
    registered.push({ type, name, inputs: given });
    const artifact = String(given["artifact"]);
    return {
      id: name,
      state: type.endsWith("consign:Verification")
        ? { ...given, reference: references.get(artifact) }
        : given,
    };
  },
  call: () => ({}),
});

const trust = { signatureVerification: { level: "strict" as const }, trustedIdentities: ["*"] };
const of = (artifact: string): VerificationArgs => ({
  artifact,
  trust,
  require: [{ type: "vsa" }],
});
const promiseOf = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((done) => void output.apply(done));
const workloads = () => registered.filter(({ type }) => type.startsWith("kubernetes:"));
const workload = (name: string) => workloads().find((each) => each.name === name)?.inputs ?? {};

function imagesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === "image" ? [String(item)] : imagesIn(item),
  );
}

describe("components", () => {
  beforeEach(() => {
    registered = [];
    references.clear();
    references.set("acme.example/net-monitor:v1", IMAGE);
    references.set("acme.example/runner:v1", RUNNER);
  });

  test("VerifiedImage verifies, and gives the pinned image to any workload", async () => {
    const image = new VerifiedImage("net-monitor", of("acme.example/net-monitor:v1"));
    assert.equal(await promiseOf(image.image), IMAGE);
    assert.deepEqual(
      registered.map(({ type }) => type),
      ["consign:kubernetes:VerifiedImage", "pulumi-nodejs:dynamic/consign:Verification"],
    );
    assert.deepEqual(registered[1]?.inputs["require"], [{ type: "vsa" }]);
  });

  test("VerifiedDeployment deploys what it verifies itself, or what is verified already", async () => {
    const { name: _, ...settings } = deployment;
    const alone = new VerifiedDeployment("alone", {
      ...of("acme.example/net-monitor:v1"),
      ...settings,
    });
    const gate = new Verification("gate", of("acme.example/net-monitor:v1"));
    const given = new VerifiedDeployment("given", { verification: gate });
    const shared = new VerifiedDeployment("shared", {
      verification: new VerifiedImage("image", { verification: gate }),
      name: "other-name",
      replicas: pulumi.output(3),
    });
    await Promise.all([alone, given, shared].map(({ deployment: made }) => promiseOf(made.urn)));
    assert.deepEqual(
      workloads()
        .map(({ type, name }) => `${type} ${name}`)
        .sort(),
      ["alone", "given", "shared"].map((name) => `kubernetes:apps/v1:Deployment ${name}`),
    );
    for (const { inputs } of workloads()) assert.deepEqual(imagesIn(inputs), [IMAGE]);
    assert.deepEqual((workload("shared")["metadata"] as { name: string }).name, "other-name");
    assert.deepEqual((workload("shared")["spec"] as { replicas: number }).replicas, 3);
    assert.equal(registered.filter(({ type }) => type.endsWith(":Verification")).length, 2);
    assert.deepEqual(Object.keys(workload("alone")).sort(), [
      "apiVersion",
      "kind",
      "metadata",
      "spec",
    ]);
  });

  test("CronJobs and Stacks run in verified images", async () => {
    const runner = new VerifiedImage("runner", of("acme.example/runner:v1"));
    const jobs = [
      new DriftCronJob("drift", { verification: runner, ...drift }),
      new DriftCronJob("verify", { verification: runner, ...verifying }),
      new SubscriptionCronJob("subscription", { verification: runner, ...subscription }),
    ];
    const stacks = new StackManifests("stacks", { verification: runner, ...chain });
    await Promise.all([
      ...jobs.map(({ cronJob }) => promiseOf(cronJob.urn)),
      ...Object.values(stacks.stacks).map(({ urn }) => promiseOf(urn)),
    ]);
    assert.deepEqual(Object.keys(stacks.stacks), [
      "mirror",
      "mirror-watch",
      "verify",
      "verify-watch",
      "promote",
      "promote-watch",
    ]);
    assert.equal(workloads().length, 9);
    for (const { name, inputs } of workloads()) assert.deepEqual(imagesIn(inputs), [RUNNER], name);
    assert.equal(JSON.stringify(workloads()).includes('passphrase":"'), false);
  });

  test("nothing is deployed while the verification has no reference, or one that no node can pull", async () => {
    const program = join(__dirname, "unverified-program.ts");
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...LOAD_TYPESCRIPT, program, "nothing", `oci:acme@${digest}`, "acme.example/net-monitor:v1"],
      { timeout: 60_000 },
    );
    const ended = z
      .object({ registered: z.array(z.string()), failures: z.array(z.string()) })
      .parse(JSON.parse(stdout));
    assert.deepEqual(
      ended.registered.filter((type) => type.startsWith("kubernetes:")),
      [],
    );
    assert.equal(ended.registered.filter((type) => type.endsWith(":Verification")).length, 3);
    for (const reason of [
      /nothing is deployed/,
      /cannot pull from a directory/,
      /not pinned by digest/,
    ])
      assert.ok(
        ended.failures.some((text) => reason.test(text)),
        ended.failures.join("\n"),
      );
  });
});
