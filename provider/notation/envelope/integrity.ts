// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject } from "node:crypto";
import { LABELS, algorithmFor, secondOpinion, verifyBytes } from "../../cose/index";
import { ConsignError } from "../../errors";
import { checkCodeSigningChain } from "../x509/certificates";
import { verifyJwsSignature } from "./jws";
import type { SignatureEnvelope } from "./signature-envelope";
import { leafOf } from "./signature-envelope";

/**
 * Checks that an envelope is whole: a chain that fits the certificate profile, and a signature by
 * its leaf with the algorithm that the leaf's key dictates. A second library is asked as well,
 * cose-js or jose; if it disagrees with node:crypto, nothing is believed.
 * @param at when each certificate must be valid; not checked unless given
 * @param askCoseJs cose-js is slow, so a caller that will refuse the signer anyway does without it
 * @throws ConsignError `CERTIFICATE_INVALID`, `KEY_UNSUPPORTED`, `SIGNATURE_INVALID`
 */
export async function checkIntegrity(
  envelope: SignatureEnvelope,
  { at, askCoseJs = true }: { at?: Date; askCoseJs?: boolean } = {},
): Promise<void> {
  const publicKey = leafOf(envelope).x509.publicKey;
  const dictated = algorithmFor(publicKey);
  if (envelope.algorithm !== dictated) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the envelope says ${envelope.algorithm}, but the signer's key allows only ${dictated}`,
    );
  }
  const asked = askCoseJs || envelope.sign1 === undefined ? 2 : 1;
  const before = opinions.get(identify(envelope)) ?? 0;
  if (before < 1 && !verifyBytes(publicKey, envelope.toBeSigned, envelope.signature)) {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `the ${dictated} signature does not verify: the envelope was changed, or another key signed it`,
    );
  }
  checkThumbprint(envelope);
  checkCodeSigningChain(envelope.certificateChain, at);
  if (before < asked && asked === 2) await askAgain(envelope, publicKey, dictated);
  if (before < asked) remember(envelope, asked);
}

/** Hash functions by their numbers in COSE. @see https://www.rfc-editor.org/rfc/rfc9054 */
const COSE_HASHES: ReadonlyMap<unknown, string> = new Map([
  [-16n, "sha256"],
  [-43n, "sha384"],
  [-44n, "sha512"],
]);

/**
 * The chain is not signed, so another certificate of the same key could be put in its place. Where
 * the signed header names the leaf, as ours does, it must be that one. Not part of the Notary
 * Project's format, so a name of another shape is passed over.
 * @see https://www.rfc-editor.org/rfc/rfc9360#section-2
 */
function checkThumbprint(envelope: SignatureEnvelope): void {
  const named = envelope.sign1?.protectedHeaders.get(LABELS.x5t);
  const [algorithm, thumbprint] = Array.isArray(named) ? (named as unknown[]) : [];
  const hash = COSE_HASHES.get(
    Number.isInteger(algorithm) ? BigInt(algorithm as number) : algorithm,
  );
  if (hash === undefined || !(thumbprint instanceof Uint8Array)) return;
  if (createHash(hash).update(leafOf(envelope).raw).digest().equals(thumbprint)) return;
  throw new ConsignError(
    "SIGNATURE_INVALID",
    "the signature names another certificate (x5t) than the one that came with it",
  );
}

async function askAgain(
  envelope: SignatureEnvelope,
  publicKey: KeyObject,
  algorithm: string,
): Promise<void> {
  if (envelope.sign1 === undefined) await verifyJwsSignature(envelope);
  else if (secondOpinion(envelope.sign1, publicKey) === "disagrees") {
    throw new ConsignError(
      "SIGNATURE_INVALID",
      `node:crypto and cose-js disagree on the ${algorithm} signature, so it is not believed`,
    );
  }
}

/**
 * How many libraries have found a signature right in this process. The same bytes under the same
 * key stay right; dates, identities and revocation are judged each time. A plan and the update
 * after it ask about the same signatures several times.
 */
const opinions = new Map<string, 1 | 2>();
const MAX_OPINIONS = 20_000;

/** For measurements: as if the process had just begun. */
export function forgetOpinions(): void {
  opinions.clear();
}

function remember(envelope: SignatureEnvelope, agreed: 1 | 2): void {
  if (opinions.size >= MAX_OPINIONS) opinions.clear();
  opinions.set(identify(envelope), agreed);
}

/** Everything that the libraries were given. */
function identify({
  mediaType,
  raw,
  toBeSigned,
  signature,
  certificateChain,
}: SignatureEnvelope): string {
  const digest = createHash("sha256");
  for (const part of [
    mediaType,
    raw,
    toBeSigned,
    signature,
    ...certificateChain.map(({ thumbprint }) => thumbprint),
  ])
    digest.update(`${part.length} `).update(part);
  return digest.digest("base64");
}
