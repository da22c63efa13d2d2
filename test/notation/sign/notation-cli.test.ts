// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../../provider/content/oci-layout";
import { readSmall } from "../../../provider/content/verify";
import { parseEnvelope } from "../../../provider/notation/envelope/envelope";
import { checkIntegrity } from "../../../provider/notation/envelope/integrity";
import { verifyJwsSignature } from "../../../provider/notation/envelope/jws";
import { notationKeySigner } from "../../../provider/notation/sign/signing-keys";
import { verifyTimestamp } from "../../../provider/notation/timestamp/timestamp";
import { MEDIA_TYPES } from "../../../provider/oci/media-types";
import { pushImage } from "../../harness/artifacts";
import { authority, codeSigner, timestampSigner } from "../../harness/certificates";
import { writeKeyFiles } from "../../harness/keys";
import { timestampAuthority } from "../../harness/pki";
import { tempDir } from "../../harness/temp";
import { missing, toolOutput } from "../../harness/toolchain";

const skip = missing("notation");

test(
  "what notation sign writes, in JWS and COSE, with a timestamp of openssl's authority",
  { skip },
  async (t) => {
    const layoutPath = join(tempDir("layout"), "layout");
    const image = await pushImage(OciLayout.open(layoutPath, { create: true }), {
      tag: "v1",
    });
    const leaf = codeSigner(authority());
    const { keyFile, certificateChainFile } = writeKeyFiles(leaf);
    const home = tempDir("notation");
    mkdirSync(join(home, "notation"));
    const signingKeys = {
      default: "wabbit",
      keys: [{ name: "wabbit", keyPath: keyFile, certPath: certificateChainFile }],
    };
    writeFileSync(join(home, "notation", "signingkeys.json"), JSON.stringify(signingKeys));
    const tsa = timestampSigner(authority({ subject: { CN: "Time root" } }));
    const server = await timestampAuthority(tsa);
    t.after(() => server.close());
    const rootFile = join(home, "tsa.pem");
    writeFileSync(rootFile, Buffer.from(tsa.chainPem.slice(tsa.pem.length)));

    for (const format of ["jws", "cose"]) {
      const stamped = ["--timestamp-url", server.url, "--timestamp-root-cert", rootFile];
      const env = { XDG_CONFIG_HOME: home, NOTATION_EXPERIMENTAL: "1" };
      await toolOutput(
        "notation",
        [
          "sign",
          "--oci-layout",
          "--signature-format",
          format,
          "-m",
          "build=7",
          ...stamped,
          `${layoutPath}@${image.descriptor.digest}`,
        ],
        { env },
      );
      const layout = OciLayout.open(layoutPath);
      const mediaType = format === "jws" ? MEDIA_TYPES.jws : MEDIA_TYPES.cose;
      const envelope = await newestSignature(layout, image.descriptor.digest, mediaType);
      await checkIntegrity(envelope);
      if (format === "jws") await verifyJwsSignature(envelope);
      assert.deepEqual(envelope.payload.targetArtifact, {
        ...image.descriptor,
        annotations: { build: "7" },
      });
      assert.match(envelope.signingAgent ?? "", /notation/);
      assert.ok(envelope.timestampToken);
      const verified = await verifyTimestamp(
        envelope.timestampToken,
        envelope.signature,
        [tsa.chain.at(-1) ?? Buffer.alloc(0)],
        { now: new Date() },
      );
      assert.equal(verified.accuracyMs, 1500);
    }
    const signer = await notationKeySigner({ configDir: join(home, "notation") });
    assert.ok("sign" in signer);
  },
);

async function newestSignature(
  layout: OciLayout,
  subject: Parameters<OciLayout["referrers"]>[0],
  mediaType: string,
) {
  for (const referrer of await layout.referrers(subject)) {
    const manifest = await layout.manifest(referrer);
    const blob =
      manifest.kind === "manifest"
        ? manifest.value.layers.find((layer) => layer.mediaType === mediaType)
        : undefined;
    if (blob !== undefined)
      return parseEnvelope(await readSmall(layout, blob, 1024 * 1024), mediaType);
  }
  throw new Error(`no signature in ${mediaType}`);
}
