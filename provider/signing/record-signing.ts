// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { pushArtifact, type PackedArtifact } from "../content/pack";
import type { Store } from "../content/storage";
import { plainDescriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ResourceContext } from "../world/context";
import type { SignedBy } from "./signer";
import { ensureSigned, type SignatureRecord } from "./signing";
import { signingShape } from "./arguments";

/** How records are signed. They are history, so they have no end of their own. */
export const recordSigningShape = {
  signer: signingShape.signer,
  timestamp: signingShape.timestamp,
  signatureForm: signingShape.signatureForm,
};
const recordSigningSchema = z.object(recordSigningShape);

export interface RecordSigner {
  store: Store;
  args: z.infer<typeof recordSigningSchema>;
  signedBy: SignedBy;
  /**
   * By digest, what this run has written that was not there, and what it refers to; first things
   * first: what it takes back if it fails in the end.
   */
  written: Map<Digest, Digest>;
}

/**
 * Signs a claim of our own and pushes it, so that nobody finds it unsigned; what is there already
 * stays.
 */
export async function attachRecord(
  { store, args, signedBy, written }: RecordSigner,
  packed: PackedArtifact,
  context: ResourceContext,
): Promise<SignatureRecord[]> {
  const descriptor = plainDescriptor(packed.manifest.descriptor);
  const { signer, timestamp, signatureForm } = args;
  const sign = (): Promise<SignatureRecord[]> =>
    ensureSigned(
      {
        store,
        target: descriptor,
        args: { signer, timestamp, signatureForm },
        signedBy,
        renew: false,
        previous: undefined,
        onMade: (signature) => void written.set(signature, descriptor.digest),
      },
      context,
    );
  let signatures: SignatureRecord[] | undefined;
  const { made } = await pushArtifact(store, packed, {
    beforeVisible: async () => void (signatures = await sign()),
  });
  const subject = packed.manifest.value.subject?.digest;
  if (made && subject !== undefined) written.set(descriptor.digest, subject);
  return signatures ?? sign();
}
