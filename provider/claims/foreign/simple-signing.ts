// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import type { CallOptions, ReadStore } from "../../content/storage";
import { readSmall } from "../../content/verify";
import { ConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { parseJson } from "../canonical-json";
import { fingerprint, verifiesWith } from "./dsse";
import { judgeKeys, type Finding } from "./foreign-claim";

const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
const MAX_PAYLOAD_SIZE = 64 * 1024;

const payloadSchema = z.looseObject({
  critical: z.looseObject({ image: z.looseObject({ "docker-manifest-digest": z.string() }) }),
});

/**
 * Reads one layer of a cosign `.sig` tag: the payload names the artifact, the signature over it is
 * in an annotation.
 * @see https://github.com/sigstore/cosign/blob/v3.0.2/specs/SIGNATURE_SPEC.md
 */
export async function signatureClaim(
  store: ReadStore,
  layer: Descriptor,
  subject: Digest,
  keys: readonly KeyObject[],
  call: CallOptions,
): Promise<Omit<Finding, "type">> {
  const payload = await readSmall(store, layer, MAX_PAYLOAD_SIZE, call);
  const parsed = payloadSchema.safeParse(
    parseJson(payload, "the signed payload", "ENVELOPE_INVALID"),
  );
  if (!parsed.success)
    throw new ConsignError("ENVELOPE_INVALID", "the signed payload does not name an artifact");
  const named = parsed.data.critical.image["docker-manifest-digest"];
  if (named !== subject)
    throw new ConsignError(
      "SUBJECT_MISMATCH",
      `the signed payload is about ${named.slice(0, 140)}, not ${subject}`,
    );
  const signature = Buffer.from(layer.annotations?.[SIGNATURE_ANNOTATION] ?? "", "base64");
  return judgeKeys(
    keys.filter((key) => verifiesWith(key, payload, signature)).map(fingerprint),
    keys,
  );
}
