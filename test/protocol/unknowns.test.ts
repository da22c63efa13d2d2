// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dynamicProvider } from "../../provider/dynamic/adapter";
import { diff } from "../../provider/protocol/diff";
import { makeContext } from "../../provider/dynamic/host";
import { UNKNOWN, checkInputs, holdsUnknown } from "../../provider/protocol/unknowns";
import { OciLayout } from "../../provider/content/oci-layout";
import { claim } from "../../provider/claim/claim";
import type { Properties, Reconciler } from "../../provider/world/reconciler";
import { signedArtifact } from "../../provider/artifact/artifact";
import { codeSigner, authority } from "../harness/certificates";
import { writeKeyFiles } from "../harness/keys";
import { pushImage } from "../harness/artifacts";
import { asChecked } from "../harness/life";
import { tempDir } from "../harness/temp";
import { places, withUnknown } from "./unknown-places";

const folder = tempDir("unknowns");
const keys = writeKeyFiles(codeSigner(authority()), folder);
writeFileSync(join(folder, "app.sh"), "echo\n");
const signer = { keyFile: keys.keyFile, certificateChainFile: keys.certificateChainFile };
const signing = {
  signer,
  validFor: "30d",
  renewBefore: "7d",
  userMetadata: { build: "7" },
  timestamp: { url: "http://127.0.0.1:1/", roots: [keys.rootFile] },
  signatureForm: "current",
};

async function full(): Promise<Record<string, { kind: Reconciler; args: Properties }>> {
  const image = await pushImage(OciLayout.open(join(folder, "layout"), { create: true }), {
    tag: "v1",
  });
  return {
    artifact: {
      kind: signedArtifact,
      args: {
        repository: "oci:layout",
        tags: ["v1", "latest"],
        files: ["app.sh", { path: "app.sh", title: "b", mediaType: "text/plain" }],
        artifactType: "application/x",
        annotations: { a: "b" },
        onDelete: "purge",
        ...signing,
      },
    },
    claim: {
      kind: claim,
      args: {
        subject: {
          reference: `oci:layout@${image.descriptor.digest}`,
          descriptor: { ...image.descriptor },
        },
        type: "test-result",
        predicate: { result: "PASSED", configuration: [{ name: "x" }] },
        audience: "public",
        supersedes: [image.descriptor.digest],
        annotations: { a: "b" },
        onDelete: "retain",
        ...signing,
      },
    },
  };
}

test(
  "unknown arguments in a preview neither fail nor make anything up",
  { timeout: 300_000 },
  async () => {
    for (const [name, { kind, args }] of Object.entries(await full())) {
      const context = { ...makeContext(folder, undefined), warn: () => undefined };
      const provider = dynamicProvider(
        () => kind,
        () => context,
      );
      const check = async (news: Properties) => (await provider.check?.({}, news)) ?? {};
      const whole = (await check(args)).inputs as Properties;
      assert.ok(typeof whole["digest"] === "string", name);
      const all = Object.entries(args).flatMap(([property, value]) => places(value, [property]));
      const tried = async (holes: (string | number)[][]) => {
        const news = holes.reduce<unknown>(
          (sum, path) => withUnknown(sum, path),
          args,
        ) as Properties;
        const { inputs, failures } = await check(news);
        assert.deepEqual(failures ?? [], [], `${name}: ${JSON.stringify(holes)}`);
        for (const [property, planned] of Object.entries(inputs as Properties)) {
          if (!(property in args))
            assert.deepEqual(
              planned,
              whole[property],
              `${name}: ${JSON.stringify(holes)} gives another ${property} than all known gives`,
            );
          else assert.deepEqual(planned, news[property], `${name}: ${property} is as it was given`);
        }
        const { changes, replaces } = diff(
          kind,
          { ...whole, signatures: [] },
          inputs as Properties,
        );
        assert.equal(typeof changes, "boolean");
        if (!holes.some(([property]) => property === "repository" || property === "subject"))
          assert.deepEqual(replaces, []);
        assert.equal(diff(kind, whole, whole).changes, false);
      };
      for (const path of all) await tried([path]);
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.constantFrom(...all), { minLength: 2, maxLength: 6 }),
          tried,
        ),
        { numRuns: 60 },
      );
      await context.stores.close();
    }
  },
);

test("what is wrong beside something unknown is still told", async () => {
  const { artifact } = await full();
  const context = makeContext(folder, undefined);
  const provider = dynamicProvider(
    () => signedArtifact,
    () => context,
  );
  const { failures } =
    (await provider.check?.(
      {},
      { ...artifact?.args, files: UNKNOWN, tags: ["ok", "not a tag"], repository: UNKNOWN },
    )) ?? {};
  assert.deepEqual(
    failures?.map((failure) => asChecked(failure).property),
    ["tags[1]"],
  );
});

test("holes are found at any depth, and check never throws", () => {
  fc.assert(
    fc.property(fc.anything({ maxDepth: 4 }), (value) => {
      assert.doesNotThrow(() =>
        checkInputs(signedArtifact.schema, {
          repository: value,
          files: value,
          signer: value,
          tags: [value],
        }),
      );
      assert.equal(holdsUnknown([{ deep: [value, UNKNOWN] }]), true);
    }),
  );
});
