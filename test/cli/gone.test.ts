// SPDX-License-Identifier: Apache-2.0
// What is left of an artifact, and lists that whoever may push can write.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Store } from "../../provider/content/storage";
import { RegistryClient } from "../../provider/registry/index";
import { askVerification } from "../../provider/report/functions";
import { registryMissing, startRegistry, type RegistryKind } from "../harness/registries";
import { claim, publish, quickParty, trustOf } from "../harness/memory-world";
import { now, pushNetMonitor, pushSignature, wabbit, wabbitRoot } from "../report/arrange";
import { consign, workplace, type Workplace } from "./arrange";

let place: Workplace;
beforeEach(async () => {
  place = await workplace();
});
const policy = {
  name: "ours",
  signatureVerification: { level: "strict" as const },
  roots: { ca: [wabbitRoot.pem] },
  trustedIdentities: ["*"],
};

test("of an artifact that is gone verify() and the command line tell its signature and claims, and say no", async () => {
  const reference = `oci:net-monitor@${place.artifact.digest}`;
  const asking = { baseDir: place.folder, now };
  const args = [
    reference,
    "--policy",
    place.file("policy.json", policy),
    "--require",
    "provenance",
  ];
  const ask = () =>
    askVerification(
      { artifact: reference, trust: policy, require: [{ type: "provenance" }] },
      asking,
    );
  assert.equal((await ask()).reference, reference);
  assert.equal((await consign(place.folder, ["verify", ...args])).exitCode, 0);
  await place.layout.deleteManifest(place.artifact);
  const gone = await ask();
  assert.deepEqual(
    [gone.verified, gone.reference, gone.signature.outcome],
    ["no", undefined, "verified"],
  );
  assert.deepEqual(
    gone.requirements.map(({ path, met }) => [path, met]),
    [
      ["require[0]", true],
      ["content", false],
    ],
  );
  const { exitCode, stdout } = await consign(place.folder, ["verify", ...args]);
  assert.equal(exitCode, 1);
  assert.match(stdout, /signature verified by .*Wabbit/);
  const { stdout: json } = await consign(place.folder, ["verify", ...args, "--json"]);
  assert.equal((JSON.parse(json) as { verified: string }).verified, "no");
  // Nothing is left that says what it was.
  for (const { digest, mediaType, size } of await place.layout.referrers(place.artifact.digest))
    await place.layout.deleteManifest({ digest, mediaType, size });
  assert.equal((await consign(place.folder, ["verify", ...args])).exitCode, 2);
});

const LISTED_BY_TAGS = /keeps no lists/;
for (const [kind, warns] of [
  ["olareg-fallback", true],
  ["olareg", false],
] as [RegistryKind, boolean][])
  test(
    `${kind}: that lists are tags is ${warns ? "" : "not "}told`,
    { skip: registryMissing(kind) },
    async (context) => {
      const registry = await startRegistry(kind);
      context.after(() => registry.stop());
      const registries = { [registry.host]: { plainHttp: true } };
      const client = new RegistryClient({ baseDir: "/nonexistent", settings: registries });
      context.after(() => client.close());
      const store: Store = client.repository(registry.host, "net-monitor");
      const artifact = await pushNetMonitor(store);
      await pushSignature(store, artifact, wabbit);
      const reference = `${registry.host}/net-monitor@${artifact.digest}`;
      const answer = await askVerification(
        { artifact: reference, trust: policy },
        { registries, baseDir: place.folder, now },
      );
      assert.equal(answer.verified, "yes");
      assert.equal(
        answer.warnings.some((line) => LISTED_BY_TAGS.test(line)),
        warns,
      );
      const { exitCode, stdout } = await consign(place.folder, [
        "verify",
        reference,
        "--policy",
        place.file("policy.json", policy),
        "--registries",
        place.file("registries.json", registries),
      ]);
      assert.deepEqual([exitCode, LISTED_BY_TAGS.test(stdout)], [0, warns]);
    },
  );

test("verify() takes issuers with their roots, and a namesake under another is somebody else", async () => {
  const wabbits = [quickParty("Wabbit Networks"), quickParty("Wabbit Networks")] as const;
  const [ours, theirs] = wabbits;
  const v2 = await publish(place.layout, "v2", ours, "v2");
  const said = { type: "revocation", subject: v2, audience: "public" } as const;
  const revocation = await claim(
    place.layout,
    { ...said, predicate: { target: v2.digest, reason: "CVE" } },
    ours,
  );
  const { descriptor } = revocation.manifest;
  await claim(
    place.layout,
    {
      ...said,
      subject: descriptor,
      predicate: { target: descriptor.digest, reason: "a mistake" },
    },
    theirs,
  );
  const identity = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
  const ask = async (entry: unknown): Promise<string> => {
    const { verified } = await askVerification(
      {
        artifact: `oci:net-monitor@${v2.digest}`,
        trust: trustOf(...wabbits),
        lifecycleIssuers: { revocation: [entry] },
      },
      { baseDir: place.folder, now: new Date() },
    );
    return verified;
  };
  assert.equal(await ask(identity), "no");
  assert.equal(await ask({ identity, roots: [ours.root.pem] }), "no");
  const both = [place.file("ours.pem", ours.root.pem), theirs.root.pem];
  assert.equal(await ask({ identity, roots: both }), "yes");
});
