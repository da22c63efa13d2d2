// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../provider/content/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import { observeArtifact } from "../../provider/report/collect";
import { renderTree } from "../../provider/report/tree";
import { pushIndex, pushReferrer } from "../harness/artifacts";
import {
  acme,
  now,
  observing,
  provenance,
  pushClaim,
  pushNetMonitor,
  pushSignature,
  pushWrongSignature,
  trusting,
  wabbit,
} from "./arrange";

const short = ({ digest }: Descriptor) => digest.slice(0, 19);
const at = `${now.toISOString().slice(0, 19)}Z`;
const WABBIT = "CN=Wabbit Networks Release,O=Wabbit Networks,ST=WA,C=US";
const ACME = "CN=ACME Rockets Intake,O=ACME Rockets,ST=WA,C=US";

test("under a trust policy the tree says who signed and what counts", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const artifact = await pushNetMonitor(store);
  const signature = await pushSignature(store, artifact, wabbit);
  const foreign = await pushSignature(store, artifact, acme);
  const claim = await pushClaim(store, {
    type: "provenance",
    subject: artifact,
    predicate: provenance,
    audience: "internal",
  });
  const claimSignature = await pushSignature(store, claim, wabbit);
  const bare = await pushClaim(store, {
    type: "https://example.com/note",
    subject: artifact,
    predicate: {},
  });
  const evidence = await pushReferrer(store, artifact);
  const tree = renderTree(
    await observeArtifact(store, artifact, observing({ trust: await trusting() })),
    { title: "net-monitor:v1" },
  );
  const [head, ...lines] = tree.split("\n");
  assert.equal(head, "net-monitor:v1");
  assert.deepEqual(
    lines.filter((line) => !line.includes("the signer is not trusted")),
    [
      `${short(artifact)}  application/vnd.wabbit.net-monitor.v1  12 B`,
      `├─ ✔  signature ${short(signature)}  verified  by ${WABBIT}  at ${at}`,
      `├─ ✘  signature ${short(foreign)}  not verified: untrusted  by ${ACME}  at ${at}`,
      `├─ ✘  https://example.com/note  public  ${short(bare)}  unsigned`,
      `├─ ✔  provenance  internal  ${short(claim)}  effective  by ${WABBIT}`,
      `│  └─ ✔  signature ${short(claimSignature)}  verified  by ${WABBIT}  at ${at}`,
      `└─ -  application/vnd.example.evidence  ${evidence.descriptor.digest.slice(0, 19)}`,
    ],
  );
  assert.match(tree, /^│ +the signer is not trusted: .* \[SIGNATURE_UNTRUSTED\]$/m);
});

test("without a trust policy nothing is called verified or effective", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const artifact = await pushNetMonitor(store);
  await pushSignature(store, artifact, wabbit);
  await pushClaim(store, { type: "provenance", subject: artifact, predicate: provenance }, wabbit);
  const tree = renderTree(await observeArtifact(store, artifact, observing()));
  assert.doesNotMatch(tree, /verified|effective|✔/);
  assert.equal(tree.match(/valid, signer not checked against a policy/g)?.length, 2);
  assert.match(tree, /•  provenance {2}public {2}\S+ {2}unchecked/);
});

test("a signature of something else is not verified, and the reason is there", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const artifact = await pushNetMonitor(store);
  const { images } = await pushIndex(store);
  const [other] = images;
  assert.ok(other);
  await pushWrongSignature(store, artifact, other.descriptor, wabbit);
  const tree = renderTree(await observeArtifact(store, artifact, observing()));
  assert.match(tree, /✘ {2}signature \S+ {2}not verified: invalid$/m);
  assert.match(tree, /the signature is for sha256:.* \[SIGNATURE_INVALID\]/);
});

test("a check that the policy only logs is told of", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const artifact = await pushNetMonitor(store);
  await pushSignature(store, artifact, acme);
  const trust = await trusting({ signatureVerification: { level: "audit" } });
  const tree = renderTree(await observeArtifact(store, artifact, observing({ trust })));
  assert.match(tree, /\? {2}signature \S+ {2}accepted {2}by CN=ACME/);
  assert.match(tree, /authenticity is not enforced and did not pass/);
});

test("under level skip the tree says that nothing was verified", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const artifact = await pushNetMonitor(store);
  await pushSignature(store, artifact, acme);
  const trust = await trusting({
    signatureVerification: { level: "skip" },
    roots: {},
    trustedIdentities: [],
    registryScopes: ["registry.example/net-monitor"],
  });
  const tree = renderTree(await observeArtifact(store, artifact, observing({ trust })));
  assert.match(tree, /\? {2}nothing was verified/);
  assert.match(tree, /valid, signer not checked against a policy/);
  assert.doesNotMatch(tree, /✔/);
});

test("an index shows its members, also those that are not there", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const { index, images } = await pushIndex(store);
  const [first, second] = images;
  assert.ok(first && second);
  await pushSignature(store, first.descriptor, wabbit);
  await store.deleteManifest(second.descriptor);
  const tree = renderTree(await observeArtifact(store, index.descriptor, observing()));
  assert.match(tree, /index of 2$/m);
  assert.match(tree, /linux\/amd64 {2}sha256:/);
  assert.match(tree, /✘ .*cannot be read: .* \[MANIFEST_UNKNOWN\]/);
});

test("what others wrote cannot steer the terminal", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const artifact = await pushNetMonitor(store);
  await pushReferrer(store, artifact, { artifactType: "evil\u001b[2J\u202etype" });
  const tree = renderTree(await observeArtifact(store, artifact, observing()));
  assert.doesNotMatch(tree, /[\u001b\u202e]/);
});

test("the same observation gives the same text, with and without color", async () => {
  const store = new MemoryStore("registry.example/net-monitor");
  const artifact = await pushNetMonitor(store);
  for (const by of [wabbit, acme]) await pushSignature(store, artifact, by);
  const [one, two] = [
    await observeArtifact(store, artifact, observing()),
    await observeArtifact(store, artifact, observing()),
  ];
  assert.equal(renderTree(one), renderTree(two));
  const colored = renderTree(one, { color: true });
  assert.match(colored, /\u001b\[/);
  assert.equal(colored.replace(/\u001b\[\d+m/g, ""), renderTree(two));
});
