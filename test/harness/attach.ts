// SPDX-License-Identifier: Apache-2.0
import { packClaim } from "../../provider/claims/index";
import { pushArtifact } from "../../provider/content/pack";
import { keySigner, packSignature, signEnvelope } from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import type { Issued } from "./keys";
import type { Place } from "./places";

export interface AttachOptions {
  /** @default "test-result" */
  type?: string;
  predicate: unknown;
  supersedes?: readonly string[];
  /** @default now */
  signingTime?: Date;
}

/**
 * Somebody attaches a signed claim by other means than this package's resources. @returns its
 * digest
 */
export async function attachClaim(
  place: Place,
  name: string,
  subject: Descriptor,
  signer: Issued,
  options: AttachOptions,
): Promise<string> {
  const { type = "test-result", predicate, supersedes = [], signingTime = new Date() } = options;
  const packed = packClaim({
    type,
    subject,
    audience: "internal",
    predicate,
    supersedes: supersedes as Digest[],
  });
  const store = place.store(name);
  await pushArtifact(store, packed);
  const target = packed.manifest.descriptor;
  const envelope = await signEnvelope({
    target,
    signer: keySigner(signer.key.privateKey, signer.chain),
    signingTime,
  });
  await pushArtifact(store, packSignature({ subject: target, envelope }));
  return target.digest;
}
