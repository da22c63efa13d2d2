// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import { signedArtifact } from "../../provider/artifact/artifact";
import { verification } from "../../provider/verification/verification";
import { World, sbom, testResult, trust, wabbitRoot } from "../engine/verification-world";
import { codeSigner } from "../harness/certificates";
import { tempDir } from "../harness/temp";
import { Life } from "../harness/life";
import { signerFiles } from "../harness/places";

const DAY = 86_400_000;
const start = new Date(Math.floor(Date.now() / 1000) * 1000);
const later = (milliseconds: number): Date => new Date(start.getTime() + milliseconds);
const shortlived = { notBefore: later(-DAY), notAfter: later(DAY) };
const short = codeSigner(wabbitRoot, shortlived);

async function arrange(by = short) {
  const folder = tempDir("ended");
  const world = new World(OciLayout.open(join(folder, "repo"), { create: true }));
  const clock = { now: later(3 * DAY) };
  return { folder, world, clock, options: { folder, now: () => clock.now }, by };
}

test("a good verdict beside a claim whose signer's certificate has ended: the second up does nothing, and a refresh shows nothing", async () => {
  const { world, clock, options } = await arrange();
  const artifact = await world.publish("v1");
  await world.claim(artifact, "test-result", testResult());
  await world.claim(artifact, "test-result", testResult("WARNED"), { by: short });
  const gate = new Life(verification, options);
  const args = { artifact: "oci:repo:v1", trust: trust(), require: [{ type: "test-result" }] };
  assert.equal(await gate.up(args), "create");
  clock.now = later(4 * DAY);
  assert.deepEqual((await gate.preview(args)).changed, []);
  assert.equal(await gate.up(args), "same");
  assert.deepEqual(await gate.refresh(), []);
});

test("a bad verdict whose signer's certificate has ended has no time in it", async () => {
  const { world, clock, options } = await arrange();
  const artifact = await world.publish("v1", "b", short);
  await world.claim(artifact, "sbom/spdx", sbom(), { by: short });
  const gate = new Life(verification, options);
  const args = { artifact: "oci:repo:v1", trust: trust(), require: [{ type: "sbom/spdx" }] };
  const { planned } = await gate.preview(args);
  clock.now = later(4 * DAY);
  assert.deepEqual((await gate.preview(args)).planned, planned);
});

test("a signature by a certificate that is not valid at our clock: its status has no time in it", async () => {
  const { clock, options } = await arrange();
  const signer = signerFiles("young", { notBefore: later(2 * DAY), notAfter: later(90 * DAY) });
  const life = new Life(signedArtifact, options);
  const image = new World(OciLayout.open(join(options.folder, "repo"), { create: true }));
  await image.image("c", "v1");
  await life.up({ repository: "oci:repo", from: "oci:repo:v1", signer: signer.args });
  clock.now = later(DAY);
  await life.refresh();
  const status = life.outputs["signature"];
  clock.now = later(DAY + 60_000);
  assert.deepEqual(await life.refresh(), [], String(status));
});
