// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import { getClaims, verify, type TrustPolicy } from "../../sdk/index";
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
let artifact: string;
let v1: Descriptor;
beforeEach(async () => {
  const folder = join(tempDir("signers"), "net-monitor");
  layout = OciLayout.open(folder, { create: true });
  v1 = await pushNetMonitor(layout);
  await pushSignature(layout, v1, wabbit);
  artifact = `oci:${folder}:v1`;
});

test("a claim that two have signed counts as each one's, and says by whom it is", async () => {
  const claim = await pushClaim(
    layout,
    { type: "provenance", subject: v1, predicate: provenance },
    wabbit,
  );
  await pushSignature(layout, claim, acme);
  for (const issuer of [WABBIT, ACME]) {
    assert.equal(
      (await verify({ artifact, trust, require: [{ type: "provenance", issuer }] })).verified,
      "yes",
      issuer,
    );
    assert.equal(
      (await verify({ artifact, trust, deny: [{ type: "provenance", issuer }] })).verified,
      "no",
      issuer,
    );
  }
  const [found] = await getClaims({ artifact, trust });
  assert.match(found?.issuer ?? "", /O=ACME Rockets/);
  assert.deepEqual(
    found?.issuers?.map(({ issuer }) => /O=([^,]*)/.exec(issuer)?.[1]),
    ["ACME Rockets", "Wabbit Networks"],
  );
});

test("who may not revoke hides no revocation by signing it as well", async () => {
  const revocation = await pushClaim(
    layout,
    { type: "revocation", subject: v1, predicate: { target: v1.digest, reason: "CVE-2026-2000" } },
    wabbit,
  );
  await pushSignature(layout, revocation, acme);
  const asking = { artifact, trust, lifecycleIssuers: { revocation: [WABBIT] } };
  assert.equal((await verify(asking)).verified, "no");
  assert.equal(
    (
      await verify({
        ...asking,
        lifecycleIssuers: { revocation: ["x509.subject: C=US, ST=WA, O=Nobody"] },
      })
    ).verified,
    "yes",
  );
});

test("a signed revocation whose statement is lost leaves it unmet", async () => {
  const revocation = await pushClaim(
    layout,
    { type: "revocation", subject: v1, predicate: { target: v1.digest, reason: "CVE-2026-2000" } },
    wabbit,
  );
  const manifest = await layout.manifest(revocation);
  assert.equal(manifest.kind, "manifest");
  if (manifest.kind === "manifest")
    for (const layer of manifest.value.layers) await layout.deleteBlob(layer);
  const { verified, requirements } = await verify({ artifact, trust });
  assert.notEqual(verified, "yes");
  assert.match(
    requirements.map(({ path, reason }) => `${path}: ${reason}`).join(),
    /^lifecycle\.revocation: cannot be told, .*BLOB_UNKNOWN.*\[SIGNATURE_INCONCLUSIVE\]/,
  );
});
