// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout, copy, pushArtifact } from "../../provider/content";
import { tempDir } from "../harness/temp";
import { missing, toolOutput } from "../harness/toolchain";
import { artifact } from "../content/sample-graph";

const POLICY = {
  version: "1.0",
  trustPolicies: [
    {
      name: "all",
      registryScopes: ["*"],
      signatureVerification: { level: "strict" },
      trustStores: ["ca:consign.example"],
      trustedIdentities: ["*"],
    },
  ],
};

test(
  "notation signs in a layout that we wrote, and verifies in the one to which we copied it",
  { skip: missing("notation") },
  async () => {
    const folder = tempDir("notation");
    const env = { XDG_CONFIG_HOME: join(folder, "config"), NOTATION_EXPERIMENTAL: "1" };
    const notation = (...args: string[]) => toolOutput("notation", args, { cwd: folder, env });
    await notation("cert", "generate-test", "--default", "consign.example");
    mkdirSync(join(folder, "config", "notation"), { recursive: true });
    writeFileSync(join(folder, "config", "notation", "trustpolicy.json"), JSON.stringify(POLICY), {
      mode: 0o600,
    });
    const layout = OciLayout.open(join(folder, "layout"), { create: true });
    const packed = artifact("net-monitor");
    await pushArtifact(layout, packed);
    await layout.tag(packed.manifest, "v1");
    const { digest } = packed.manifest.descriptor;

    await notation("sign", "--oci-layout", "--signature-format", "cose", `layout@${digest}`);
    const report = await copy(
      layout,
      OciLayout.open(join(folder, "copy"), { create: true }),
      packed.manifest.descriptor,
      { tags: [{ tag: "v1" }] },
    );
    assert.equal(report.manifests, 2);
    const output = await notation(
      "verify",
      "--oci-layout",
      "--scope",
      "local/copy",
      `copy@${digest}`,
    );
    assert.match(output, /Successfully verified/);
  },
);
