// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { OciLayout } from "../../provider/content/index";
import { isConsignError } from "../../provider/errors";
import type { Descriptor } from "../../provider/oci/descriptor";
import {
  getArtifact,
  getArtifactOutput,
  getClaims,
  getClaimsOutput,
  verify,
  verifyOutput,
  type TrustPolicy,
} from "../../sdk/index";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";
import {
  acmeRoot,
  provenance,
  pushClaim,
  pushNetMonitor,
  pushSignature,
  wabbit,
  wabbitRoot,
} from "./arrange";
import { LOAD_TYPESCRIPT } from "../harness/typescript";

const trustIn = (pem: string): TrustPolicy => ({
  name: "inline",
  signatureVerification: { level: "strict" },
  roots: { ca: [pem] },
  trustedIdentities: ["*"],
});
const trust = trustIn(wabbitRoot.pem);

let location: string;
let artifact: Descriptor;
before(async () => {
  const folder = join(tempDir("functions"), "net-monitor");
  const layout = OciLayout.open(folder, { create: true });
  location = `oci:${folder}`;
  artifact = await pushNetMonitor(layout);
  await pushSignature(layout, artifact, wabbit);
  await pushClaim(layout, { type: "provenance", subject: artifact, predicate: provenance }, wabbit);
});

function valueOf<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    output.apply(resolve);
    void (output as pulumi.Output<T> & { isKnown: Promise<boolean> }).isKnown.then((known) =>
      known ? undefined : resolve(undefined),
    );
  });
}

test("getArtifact resolves a tag to a pinned reference", async () => {
  const found = await getArtifact({ reference: `${location}:v1` });
  assert.deepEqual(found, {
    reference: `${location}@${artifact.digest}`,
    descriptor: artifact,
    artifactType: "application/vnd.wabbit.net-monitor.v1",
    annotations: {},
  });
  await assert.rejects(getArtifact({ reference: `${location}:v2` }), (error) =>
    isConsignError(error, "MANIFEST_UNKNOWN"),
  );
  await assert.rejects(getArtifact({ reference: "nginx" }), (error) =>
    isConsignError(error, "REFERENCE_INVALID"),
  );
});

test("getClaims says what counts only under a trust policy", async () => {
  const unchecked = await getClaims({ artifact: `${location}:v1` });
  assert.deepEqual(
    unchecked.map(({ name, status, predicate }) => [name, status, predicate]),
    [["provenance", "unchecked", undefined]],
  );
  const [effective] = await getClaims({ artifact: `${location}:v1`, trust, types: ["provenance"] });
  assert.deepEqual([effective?.status, effective?.predicate], ["effective", provenance]);
  assert.deepEqual(await getClaims({ artifact: `${location}:v1`, trust, types: ["vex"] }), []);
});

test("verify gives a reference only for what is verified", async () => {
  const good = await verify({
    artifact: `${location}:v1`,
    trust,
    require: [
      {
        type: "provenance",
        condition: 'predicate.runDetails.builder.id == "https://wabbit.example/builder"',
      },
    ],
  });
  assert.deepEqual([good.verified, good.reference], ["yes", `${location}@${artifact.digest}`]);
  const unmet = await verify({ artifact: `${location}:v1`, trust, require: [{ type: "vex" }] });
  assert.deepEqual([unmet.verified, unmet.reference], ["no", undefined]);
  const untrusted = await verify({ artifact: `${location}:v1`, trust: trustIn(acmeRoot.pem) });
  assert.deepEqual(
    [untrusted.verified, untrusted.signature.code, untrusted.reference],
    ["no", "SIGNATURE_UNTRUSTED", undefined],
  );
});

test("a broken argument is refused with its path", async () => {
  const refused = (code: "TRUST_POLICY_INVALID" | "INPUT_INVALID") => (error: unknown) =>
    isConsignError(error, code) && error.path !== undefined;
  await assert.rejects(
    verify({ artifact: `${location}:v1`, trust: { ...trust, trustedIdentities: [] } }),
    refused("TRUST_POLICY_INVALID"),
  );
  await assert.rejects(
    verify({ artifact: `${location}:v1`, trust, require: [{ type: "no type" }] }),
    refused("INPUT_INVALID"),
  );
});

test("the Output forms take outputs", async () => {
  const reference = pulumi.output(`${location}:v1`);
  assert.equal(
    (await valueOf(getArtifactOutput({ reference })))?.descriptor.digest,
    artifact.digest,
  );
  assert.deepEqual(
    (await valueOf(getClaimsOutput({ artifact: reference, trust })))?.map(({ status }) => status),
    ["effective"],
  );
  assert.equal((await valueOf(verifyOutput({ artifact: reference, trust })))?.verified, "yes");
});

test("in a preview, what does not exist yet is unknown", async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
    "project",
    "stack",
    true,
  );
  assert.equal(await valueOf(verifyOutput({ artifact: `${location}:v2`, trust })), undefined);
  assert.equal(
    (await valueOf(verifyOutput({ artifact: `${location}:v1`, trust })))?.verified,
    "yes",
  );
});

test("importing the SDK does not load the library", async () => {
  const script =
    'require("./sdk"); process.stdout.write(JSON.stringify(Object.keys(require.cache).filter((path) => path.startsWith(require("node:path").resolve("provider")))))';
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...LOAD_TYPESCRIPT, "-e", script],
    { cwd: repositoryRoot, timeout: 60_000 },
  );
  assert.deepEqual(JSON.parse(stdout), []);
});
