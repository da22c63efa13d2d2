// SPDX-License-Identifier: Apache-2.0
// What we sign, in every algorithm and with each thing that a signature may carry, notation 1.3.2
// verifies; and what it timestamps, we do.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { signEnvelope, type SignOptions } from "../../provider/notation/envelope/sign-envelope";
import { packSignature } from "../../provider/notation/signature-manifest";
import { requestTimestamp } from "../../provider/notation/timestamp/timestamp";
import { authority, codeSigner, intermediate } from "../harness/certificates";
import { ALLOWED_KEYS, type Issued, type KeyKind } from "../harness/keys";
import { httpFetch, timestampAuthority, type Loopback } from "../harness/pki";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { missing } from "../harness/toolchain";
import { signerOf } from "../notation/arrange";
import { keepers, tsa } from "./matrix-services";
import { World } from "./matrix-world";
import { addTrustStore, notation, notationConfig } from "./notation-cli";

const skip = missing("notation") || registryMissing("olareg");

interface Cell {
  options?: (tsaUrl: string) => Partial<SignOptions>;
  /** Arguments of `notation verify`. */
  verify?: string[];
  /** Certificates from leaf to root. */
  chain?: number;
  timestamp?: boolean;
}

const CELLS: Record<string, Cell> = {
  plain: {},
  "with an expiry": { options: () => ({ expiry: new Date(Date.now() + 3_600_000) }) },
  "with a timestamp": {
    options: (url) => ({
      timestamp: (signature, digest) =>
        requestTimestamp(url, signature, digest, { fetch: httpFetch }),
    }),
    timestamp: true,
  },
  "with user metadata": {
    options: () => ({ userMetadata: { build: "42", "com.example/ünï": "a=b" } }),
    verify: ["--user-metadata", "build=42"],
  },
  "with a chain of three": { chain: 3 },
};

describe("notation verifies what we sign", { skip, concurrency: 2 }, () => {
  let registry: TestRegistry;
  let world: World;
  let timestamps: Loopback;
  before(async () => {
    registry = await startRegistry("olareg");
    timestamps = await timestampAuthority(tsa);
    world = new World(registry.direct);
  });
  after(async () => {
    await world.close();
    await timestamps.close();
    await registry.stop();
  });

  const roots = new Map<KeyKind, Issued>();
  function hierarchy(key: KeyKind, length: number): { root: Issued; leaf: Issued } {
    const root = roots.get(key) ?? authority({ key });
    roots.set(key, root);
    return { root, leaf: codeSigner(length === 3 ? intermediate(root, { key }) : root, { key }) };
  }

  for (const key of ALLOWED_KEYS) {
    for (const [
      name,
      { options = () => ({}), verify = [], chain = 2, timestamp = false },
    ] of Object.entries(CELLS)) {
      test(`${key} ${name}`, async () => {
        const { root, leaf } = hierarchy(key, chain);
        const { artifact, reference } = await world.artifact();
        const subject = artifact.manifest.descriptor;
        const envelope = await signEnvelope({
          target: subject,
          signer: signerOf(leaf),
          signingTime: new Date(),
          ...options(timestamps.url),
        });
        await world.push(packSignature({ subject, envelope }));
        const trust = { ca: [root], ...(timestamp ? { tsa: [keepers] } : {}) };
        const { verified, output } = await world.asNotation(reference, trust, ...verify);
        assert.ok(verified, output);
        assert.deepEqual((await world.asWe(artifact.manifest, trust)).answer, ["verified"]);
      });
    }
  }

  for (const format of ["cose", "jws"]) {
    test(`we verify what notation signs and timestamps in ${format}`, async () => {
      const { root, leaf } = hierarchy("p-256", 3);
      const { artifact, reference } = await world.artifact();
      const config = notationConfig(leaf);
      addTrustStore(config, "tsa/keepers", keepers.pem);
      const rootFile = join(tempDir("tsa"), "keepers.crt");
      writeFileSync(rootFile, keepers.pem);
      const stamp = ["--timestamp-url", timestamps.url, "--timestamp-root-cert", rootFile];
      const made = await notation(
        config,
        "sign",
        "--insecure-registry",
        "--signature-format",
        format,
        "--force-referrers-tag=false",
        ...stamp,
        reference,
      );
      assert.equal(made.code, 0, made.stderr);
      const { answer, reason } = await world.asWe(artifact.manifest, {
        ca: [root],
        tsa: [keepers],
      });
      assert.deepEqual(answer, ["verified"], reason);
      assert.deepEqual(
        (await world.asWe(artifact.manifest, { ca: [root], tsa: [authority()] })).answer,
        ["untrusted", "SIGNATURE_UNTRUSTED"],
      );
    });
  }

  test("we find what notation signs into the fallback tag, as it does unless told otherwise, though olareg's list then says null", async () => {
    const { root, leaf } = hierarchy("p-256", 2);
    const { artifact, reference } = await world.artifact();
    const made = await notation(notationConfig(leaf), "sign", "--insecure-registry", reference);
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual((await world.asWe(artifact.manifest, { ca: [root] })).answer, ["verified"]);
  });
});
