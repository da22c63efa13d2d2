// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import { bytesBlob, OciLayout, packManifest, pushArtifact } from "../../provider/content/index";
import { isConsignError } from "../../provider/errors";
import type { Descriptor } from "../../provider/oci/descriptor";
import { RegistryClient } from "../../provider/registry/index";
import { verify, type TrustPolicy, type VerifyArgs, type VerifyResult } from "../../sdk/index";
import { registryMissing, startRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import {
  acme,
  acmeRoot,
  provenance,
  pushClaim,
  pushNetMonitor,
  pushSignature,
  wabbit,
  wabbitRoot,
} from "./arrange";

const trust: TrustPolicy = {
  name: "both",
  signatureVerification: { level: "strict" },
  roots: { ca: [wabbitRoot.pem, acmeRoot.pem] },
  trustedIdentities: ["*"],
};
const [WABBIT, ACME] = [
  "x509.subject: C=US, ST=WA, O=Wabbit Networks",
  "x509.subject: C=US, ST=WA, O=ACME Rockets",
];

let layout: OciLayout;
let location: string;
let v1: Descriptor;
let v2: Descriptor;
beforeEach(async () => {
  const folder = join(tempDir("redirects"), "net-monitor");
  layout = OciLayout.open(folder, { create: true });
  location = `oci:${folder}`;
  v1 = await pushNetMonitor(layout);
  const packed = packManifest({
    artifactType: "application/vnd.wabbit.net-monitor.v1",
    layers: [bytesBlob(Buffer.from("v2"), "text/plain")],
  });
  await pushArtifact(layout, packed);
  await layout.tag(packed.manifest, "v2");
  v2 = packed.manifest.descriptor;
  for (const artifact of [v1, v2]) await pushSignature(layout, artifact, wabbit);
});

const redirect = (from: Descriptor, to: string, by = wabbit): Promise<Descriptor> =>
  pushClaim(layout, { type: "redirect", subject: from, predicate: { to } }, by);
const asking = (more: Partial<VerifyArgs> = {}): Promise<VerifyResult> =>
  verify({ artifact: `${location}:v1`, trust, followRedirects: "verify", ...more });
const blobOf = (digest: string): string =>
  join(location.slice("oci:".length), "blobs", ...digest.split(":"));
const lifecycle = ({ requirements }: VerifyResult): string =>
  requirements
    .filter(({ met }) => !met)
    .map(({ path, reason }) => `${path}: ${reason}`)
    .join();
const at = ({ digest }: Descriptor): string => `${location}@${digest}`;

describe("verify() with followRedirects", () => {
  test("stays nowhere that a redirect leads away from which cannot be read", async () => {
    const claim = await redirect(v1, "v2");
    const manifest = await layout.manifest(claim.digest);
    assert.ok(manifest.kind === "manifest");
    const [content] = manifest.value.layers;
    for (const lost of [content?.digest ?? "", claim.digest]) {
      const bytes = readFileSync(blobOf(lost));
      rmSync(blobOf(lost));
      const found = await asking();
      assert.deepEqual([found.verified, found.reference], ["no", undefined], lost);
      assert.match(lifecycle(found), /lifecycle\.redirect: .*REDIRECT_UNUSABLE/);
      assert.equal((await asking({ followRedirects: "never" })).verified, "yes");
      writeFileSync(blobOf(lost), bytes);
    }
    assert.equal((await asking()).reference, at(v2));
  });

  test("goes on to what is pointed to, and says where it was and where it is", async () => {
    await redirect(v1, "v2");
    await pushClaim(layout, { type: "provenance", subject: v2, predicate: provenance }, wabbit);
    const found = await asking({ require: [{ type: "provenance" }] });
    assert.deepEqual(
      [found.verified, found.reference, found.digest, found.followed],
      ["yes", at(v2), v2.digest, [at(v1), at(v2)]],
    );
    assert.deepEqual(found.warnings, []);
    const never = await verify({ artifact: `${location}:v1`, trust });
    assert.deepEqual(
      [never.reference, never.followed, never.warnings.length],
      [at(v1), undefined, 1],
    );
    assert.equal((await asking({ require: [{ type: "vex" }] })).verified, "no");
  });

  test("follows nobody whose word is not taken, and nothing from an artifact whose signature does not verify", async () => {
    await redirect(v1, "v2", acme);
    assert.equal((await asking({ lifecycleIssuers: { redirect: [WABBIT] } })).reference, at(v1));
    assert.equal((await asking()).reference, at(v2));
    const { verified, followed } = await asking({
      trust: { ...trust, roots: { ca: [acmeRoot.pem] } },
    });
    assert.deepEqual([verified, followed], ["no", undefined]);
  });

  test("stops with a refusal where it goes in a circle, to nowhere, or where issuers disagree", async () => {
    const lost = await redirect(v1, "v9");
    const nowhere = await asking();
    assert.deepEqual(
      [nowhere.verified, nowhere.reference, nowhere.digest],
      ["no", undefined, v1.digest],
    );
    assert.match(
      lifecycle(nowhere),
      /^lifecycle\.redirect: .* points to .*:v9 .*, and there is no such artifact \[REDIRECT_UNUSABLE\]$/,
    );
    await layout.deleteManifest(lost);
    await redirect(v1, "v2");
    await redirect(v2, "v1");
    const circle = await asking();
    assert.deepEqual(
      [circle.verified, circle.reference, circle.followed],
      ["no", undefined, [at(v1), at(v2)]],
    );
    assert.match(lifecycle(circle), /goes in a circle \[REDIRECT_LOOP\]$/);
    await redirect(v1, v1.digest, acme);
    assert.match(
      lifecycle(await asking()),
      /REDIRECT_LOOP/,
      "what points to itself is no redirect",
    );
  });

  test("stops where issuers point to different places", async () => {
    const v3 = packManifest({
      artifactType: "application/vnd.wabbit.net-monitor.v1",
      layers: [bytesBlob(Buffer.from("v3"), "text/plain")],
    });
    await pushArtifact(layout, v3);
    await redirect(v1, "v2");
    await redirect(v1, v3.manifest.descriptor.digest, acme);
    const found = await asking();
    assert.deepEqual([found.verified, found.digest], ["no", v1.digest]);
    assert.match(
      lifecycle(found),
      /^lifecycle\.redirect: .* and to .*: set precedence, or lifecycleIssuers\.redirect, so that one word counts \[REDIRECT_UNUSABLE\]$/,
    );
    // Who ranks above is known by his root too, where the other has another.
    const doubtful = await asking({ precedence: [WABBIT, ACME] });
    assert.deepEqual([doubtful.verified, doubtful.reference], ["no", undefined]);
    const precedence = [
      { identity: WABBIT, roots: [wabbitRoot.pem, acmeRoot.pem] },
      { identity: ACME, roots: [acmeRoot.pem] },
    ];
    assert.equal((await asking({ precedence })).reference, at(v2));
  });

  test(
    "asks the trust policy that applies at the place",
    { skip: registryMissing("ggcr") },
    async (context) => {
      const registry = await startRegistry("ggcr");
      context.after(() => registry.stop());
      const client = new RegistryClient({ baseDir: "/nonexistent" });
      context.after(() => client.close());
      const elsewhere = client.repository(registry.host, "net-monitor");
      const moved = await pushNetMonitor(elsewhere, "v2");
      await pushSignature(elsewhere, moved, wabbit);
      await redirect(v1, `${registry.host}/net-monitor:v2`);
      const found = await asking();
      assert.deepEqual(
        [found.verified, found.reference, found.followed],
        [
          "yes",
          `${registry.host}/net-monitor@${moved.digest}`,
          [at(v1), `${registry.host}/net-monitor@${moved.digest}`],
        ],
      );
      await assert.rejects(asking({ trust: { ...trust, registryScopes: [location] } }), (error) =>
        isConsignError(error, "TRUST_POLICY_NOT_APPLICABLE"),
      );
      await registry.stop();
      await assert.rejects(asking(), (error) => isConsignError(error, "REGISTRY_UNREACHABLE"));
    },
  );

  test("is refused with its path when it is none of the two words", async () => {
    await assert.rejects(
      asking({ followRedirects: "always" as "verify" }),
      (error) => isConsignError(error, "INPUT_INVALID") && error.path === "followRedirects",
    );
  });
});
