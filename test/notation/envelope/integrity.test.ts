// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isConsignError } from "../../../provider/errors";
import { keySigner, parseEnvelope, signEnvelope } from "../../../provider/notation/index";
import { checkIntegrity } from "../../../provider/notation/envelope/integrity";
import { digestOf } from "../../../provider/oci/digest";
import { authority, codeSigner } from "../../harness/certificates";

test("what was found right once does not make anything else right", async () => {
  const root = authority();
  const [one, other] = [codeSigner(root), codeSigner(root)];
  const target = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: digestOf("net-monitor"),
    size: 11,
  };
  const sign = async (signer: typeof one) =>
    parseEnvelope(
      await signEnvelope({
        target,
        signer: keySigner(signer.key.privateKey, signer.chain),
        signingTime: new Date(),
      }),
      "application/cose",
    );
  const [good, foreign] = [await sign(one), await sign(other)];
  const refused = (error: unknown): boolean => isConsignError(error, "SIGNATURE_INVALID");
  for (let time = 0; time < 2; time += 1) {
    await checkIntegrity(good);
    for (const part of ["toBeSigned", "signature"] as const) {
      const bytes = Uint8Array.from(good[part]);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await assert.rejects(checkIntegrity({ ...good, [part]: bytes }), refused, part);
    }
    await assert.rejects(
      checkIntegrity({ ...good, certificateChain: foreign.certificateChain }),
      refused,
      "another's chain",
    );
  }
  await checkIntegrity(good, { at: new Date() });
  await assert.rejects(
    checkIntegrity(good, { at: new Date("2001-01-01") }),
    (error) => isConsignError(error, "CERTIFICATE_INVALID"),
    "dates are judged each time",
  );
});
