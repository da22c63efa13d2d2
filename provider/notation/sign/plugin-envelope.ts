// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Annotations, Descriptor } from "../../oci/descriptor";
import { MEDIA_TYPES } from "../../oci/media-types";
import { PAYLOAD_TYPE } from "../envelope/attributes";
import { MAX_ENVELOPE_SIZE, parseEnvelope } from "../envelope/envelope";
import { checkIntegrity } from "../envelope/integrity";
import { decodePayload, encodePayload } from "../envelope/payload";
import { callPlugin, failed, type PluginProcess } from "./plugin-protocol";
import type { SignatureEnvelope } from "../envelope/signature-envelope";

/**
 * Whoever makes a whole signature envelope, signing time and attributes included: a signing service
 * behind a notation plugin.
 */
export interface EnvelopeSigner {
  /** @throws ConsignError `PLUGIN_FAILED`, `INPUT_INVALID`, and what reading the envelope throws */
  signEnvelope(request: EnvelopeRequest): Promise<PluginEnvelope>;
}

export interface EnvelopeRequest {
  /** Signed are its media type, digest and size. */
  target: Descriptor;
  /** The time from which `expiry` is counted; the signing time itself is the service's. */
  signingTime: Date;
  /** @default the service's own choice */
  expiry?: Date | undefined;
  /** Signed as the target's annotations. */
  userMetadata?: Annotations | undefined;
}

export interface PluginEnvelope {
  /** A COSE envelope. */
  envelope: Uint8Array;
  /** What the plugin wants to have on the signature's manifest. */
  annotations: Annotations;
}

const EXPIRY_TOLERANCE_MS = 60_000;

const envelopeSchema = z.looseObject({
  signatureEnvelope: z.base64().max(2 * MAX_ENVELOPE_SIZE),
  signatureEnvelopeType: z.string(),
  annotations: z.record(z.string().min(1), z.string()).nullish(),
});

/**
 * What the plugin returns is checked to be a good signature over exactly what it was asked to sign.
 */
export function pluginEnvelopeSigner(plugin: PluginProcess, key: object): EnvelopeSigner {
  return {
    async signEnvelope({ target, signingTime, expiry, userMetadata }) {
      const payload = encodePayload(target, userMetadata);
      const seconds =
        expiry === undefined
          ? undefined
          : Math.floor((expiry.getTime() - signingTime.getTime()) / 1000);
      const request = {
        ...key,
        payload: Buffer.from(payload).toString("base64"),
        payloadType: PAYLOAD_TYPE,
        signatureEnvelopeType: MEDIA_TYPES.cose,
        ...(seconds === undefined ? {} : { expiryDurationInSeconds: seconds }),
      };
      const answer = await callPlugin(plugin, "generate-envelope", request, envelopeSchema);
      const wrong = (why: string) => failed(plugin, "generate-envelope", why);
      if (answer.signatureEnvelopeType !== MEDIA_TYPES.cose)
        throw wrong(
          `it made an envelope of type ${answer.signatureEnvelopeType}, not ${MEDIA_TYPES.cose}`,
        );
      const bytes = new Uint8Array(Buffer.from(answer.signatureEnvelope, "base64"));
      const envelope = await readEnvelope(bytes, wrong);
      if (
        !isDeepStrictEqual(envelope.payload.targetArtifact, decodePayload(payload).targetArtifact)
      )
        throw wrong("it signed something else than it was asked to");
      if (seconds !== undefined) checkExpiry(envelope, seconds, wrong);
      return { envelope: bytes, annotations: answer.annotations ?? {} };
    },
  };
}

async function readEnvelope(
  bytes: Uint8Array,
  wrong: (why: string) => Error,
): Promise<SignatureEnvelope> {
  try {
    const envelope = parseEnvelope(bytes, MEDIA_TYPES.cose);
    await checkIntegrity(envelope);
    return envelope;
  } catch (cause) {
    throw wrong(`its envelope is not good: ${(cause as Error).message}`);
  }
}

function checkExpiry(
  { expiry, signingTime, authenticSigningTime }: SignatureEnvelope,
  seconds: number,
  wrong: (why: string) => Error,
): void {
  const from = authenticSigningTime ?? signingTime;
  const off =
    expiry === undefined || from === undefined
      ? Infinity
      : Math.abs(expiry.getTime() - from.getTime() - seconds * 1000);
  if (off > EXPIRY_TOLERANCE_MS) throw wrong("its signature does not expire when it was asked to");
}
