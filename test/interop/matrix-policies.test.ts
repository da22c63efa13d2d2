// SPDX-License-Identifier: Apache-2.0
// Notation 1.3.2 and we read the same configuration directories, and say the same of a good
// signature.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { signEnvelope } from "../../provider/notation/envelope/sign-envelope";
import { packSignature } from "../../provider/notation/signature-manifest";
import { authority } from "../harness/certificates";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { missing } from "../harness/toolchain";
import { leaf, root, signerOf } from "../notation/arrange";
import { World, type Attached } from "./matrix-world";
import { POLICY_ROWS, type PolicyRow } from "./trust-policy-rows";

const skip = missing("notation") || registryMissing("olareg");

describe("one configuration directory, two verifiers", { skip, concurrency: 2 }, () => {
  let registry: TestRegistry;
  let world: World;
  let signed: Attached;

  before(async () => {
    registry = await startRegistry("olareg");
    world = new World(registry.direct.replace("127.0.0.1", "localhost"));
    signed = await world.artifact();
    const subject = signed.artifact.manifest.descriptor;
    const envelope = await signEnvelope({
      target: subject,
      signer: signerOf(leaf),
      signingTime: new Date(),
    });
    await world.push(packSignature({ subject, envelope }));
  });
  after(async () => {
    await world.close();
    await registry.stop();
  });

  function configured(
    row: PolicyRow,
    here: string,
  ): { env: Record<string, string>; folder: string } {
    const home = tempDir("policies");
    const folder = join(home, "notation");
    const files: Record<string, string | Buffer> = {
      "truststore/x509/ca/good/root.crt": root.pem,
      "truststore/x509/ca/strangers/root.crt": authority().pem,
      ...(row.policy === undefined
        ? {}
        : {
            "trustpolicy.json":
              typeof row.policy === "string" ? row.policy : JSON.stringify(row.policy),
          }),
      ...row.files,
    };
    for (const [name, content] of Object.entries(files)) {
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(
        file,
        typeof content === "string" ? content.replaceAll("HERE", here) : content,
        { mode: 0o600 },
      );
    }
    return { env: { XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home }, folder };
  }

  for (const row of POLICY_ROWS) {
    test(row.input, async () => {
      const { reference, artifact } = signed;
      const [here = "", digest = ""] = reference.split("@");
      const config = configured(row, here);
      const [host = "", name = ""] = here.split("/");
      const asked = `${row.asked?.(host) ?? host}/${name}`;
      const { answer, reason } = await world.asWeIn(config.folder, artifact.manifest, asked);
      assert.deepEqual(answer, row.ours, reason);
      const accepts = row.stricter !== undefined || row.ours[0] === "verified";
      const { verified, output } = await world.asNotationIn(config, `${asked}@${digest}`);
      assert.equal(verified, accepts, `${output}\nwe: ${reason}`);
    });
  }

  test("no input is in the table twice, and no row is stricter where we accept", () => {
    assert.equal(new Set(POLICY_ROWS.map(({ input }) => input)).size, POLICY_ROWS.length);
    assert.ok(
      POLICY_ROWS.every(
        ({ ours: [outcome], stricter }) => stricter === undefined || outcome !== "verified",
      ),
    );
  });
});
