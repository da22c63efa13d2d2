// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { isConsignError } from "../errors";
import {
  isEnvelopeSigner,
  parseCertificate,
  signerIdentity,
  type Certificate,
} from "../notation/index";
import { readSigningChain } from "../notation/sign/signer";
import { findNotationKey } from "../notation/sign/signing-keys";
import { checkCodeSigningChain } from "../notation/x509/certificates";
import { argumentPath, at, type ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { keyAbsence } from "./key-absence";
import {
  notationKeyOptions,
  openSigner,
  pluginChain,
  signedBySchema,
  type SignedBy,
  type SignerArgument,
} from "./signer";

/**
 * By whom it will be signed: of certificates alone where they are told, so that a preview needs no
 * key. Where only a plugin tells them, it is whom the state has for the very same signer; a plugin
 * is asked for a signer that is new.
 * @param previous the recorded properties
 */
export async function plannedSigner(
  signer: SignerArgument,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<SignedBy> {
  const recorded = recordedSigner(signer, previous);
  const told = await toldUnlessRecorded(signer, recorded, context);
  if (told !== undefined) {
    warnOfCertificate(told[0], context);
    // A key that is here is looked at here: that it does not fit is found before anything is done.
    await keyAbsence(signer, context);
    return signerIdentity(told);
  }
  return recorded ?? askedSigner(signer, context);
}

/**
 * The signer of a plan in which a signature is due. What only a plugin tells may have changed since
 * it was recorded, so it is asked now. Where nothing can be signed here there is a warning, as
 * others may run what this preview shows.
 * @param isSigned asked where it cannot be signed here: whether it is signed all the same
 */
export async function signerOfDue(
  signer: SignerArgument,
  signedBy: SignedBy,
  context: ResourceContext,
  isSigned?: () => Promise<boolean>,
): Promise<SignedBy> {
  let absence = await keyAbsence(signer, context);
  if (absence === undefined && (await isTold(signer, context))) return signedBy;
  if (absence === undefined) {
    try {
      return await askedSigner(signer, context);
    } catch (error) {
      if (!isConsignError(error, "PLUGIN_FAILED", "PLUGIN_NOT_FOUND", "SIGNER_UNKNOWN"))
        throw error;
      absence = error;
    }
  }
  if ((await isSigned?.()) === true) return signedBy;
  context.warn(
    `${absence.path ?? "signer"}: a signature is due, and cannot be made here: ${absence.message} [${absence.code}]; up will fail where that is so`,
  );
  return signedBy;
}

/** The signer's chain, its own certificate first; empty where only a signature would tell. */
export async function signerCertificates(
  signer: SignerArgument,
  context: ResourceContext,
): Promise<Certificate[]> {
  const told = await toldCertificates(signer, context);
  if (told !== undefined) return told;
  const open = await openSigner(signer, context);
  return isEnvelopeSigner(open) ? [] : open.certificateChain.map(parseCertificate);
}

/** As {@link signerCertificates}, but asks nobody who is recorded already. */
export async function plannedCertificates(
  signer: SignerArgument,
  previous: Properties | undefined,
  context: ResourceContext,
): Promise<Certificate[]> {
  const recorded = recordedSigner(signer, previous);
  const told = await toldUnlessRecorded(signer, recorded, context);
  if (told !== undefined) return told;
  return recorded === undefined ? signerCertificates(signer, context) : [];
}

function recordedSigner(
  signer: SignerArgument,
  previous: Properties | undefined,
): SignedBy | undefined {
  return isDeepStrictEqual(previous?.["signer"], signer)
    ? signedBySchema.safeParse(previous?.["signedBy"]).data
    : undefined;
}

/** A machine that only looks need not have notation's configuration either. */
async function toldUnlessRecorded(
  signer: SignerArgument,
  recorded: SignedBy | undefined,
  context: ResourceContext,
): Promise<Certificate[] | undefined> {
  try {
    return await toldCertificates(signer, context);
  } catch (error) {
    if (recorded !== undefined && isConsignError(error, "SIGNER_UNKNOWN")) return undefined;
    throw error;
  }
}

async function isTold(signer: SignerArgument, context: ResourceContext): Promise<boolean> {
  return (await toldCertificates(signer, context)) !== undefined;
}

/** The chain as files tell it, without the key; `undefined` where only a plugin would tell. */
async function toldCertificates(
  signer: SignerArgument,
  context: ResourceContext,
): Promise<Certificate[] | undefined> {
  if ("plugin" in signer) {
    if (signer.certificateChainFile === undefined) return undefined;
    const chain = await pluginChain(signer.certificateChainFile, context);
    return at("signer.certificateChainFile", () => {
      const certificates = chain.map(parseCertificate);
      checkCodeSigningChain(certificates);
      return certificates;
    });
  }
  if ("keyFile" in signer) {
    const property = "signer.certificateChainFile";
    const file = await argumentPath(context, signer.certificateChainFile, property);
    return at("signer", () => readSigningChain(file));
  }
  return at("signer.notationKey", async () => {
    const key = await findNotationKey(notationKeyOptions(signer, context));
    return "keyFile" in key ? readSigningChain(key.certificateChainFile) : undefined;
  });
}

async function askedSigner(signer: SignerArgument, context: ResourceContext): Promise<SignedBy> {
  const open = await openSigner(signer, context);
  if (!isEnvelopeSigner(open)) {
    const [leaf] = open.certificateChain;
    if (leaf !== undefined) warnOfCertificate(parseCertificate(leaf), context);
    return signerIdentity(open.certificateChain);
  }
  return {
    subject:
      "plugin" in signer
        ? `plugin ${signer.plugin}, key ${signer.keyId}`
        : "notationKey" in signer
          ? `notation key ${signer.notationKey}`
          : "",
    thumbprint: "",
  };
}

/**
 * What is signed already may be good all the same, so this is no error before something is to be
 * signed.
 */
function warnOfCertificate(certificate: Certificate | undefined, context: ResourceContext): void {
  if (certificate === undefined) return;
  const { subject, notBefore, notAfter } = certificate;
  const now = context.now();
  const fault =
    now < notBefore
      ? `is not valid before ${notBefore.toISOString()}`
      : now > notAfter
        ? `has expired, on ${notAfter.toISOString()}`
        : undefined;
  if (fault !== undefined)
    context.warn(
      `signer: the certificate of "${subject.text}" ${fault}: nothing can be signed with it`,
    );
}
