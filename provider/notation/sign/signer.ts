// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { algorithmFor, signBytes, type Signer } from "../../cose/index";
import { ConsignError } from "../../errors";
import { checkCodeSigningChain, parseCertificate, parsePem } from "../x509/certificates";
import { parseChain } from "../envelope/chain";
import type { Certificate } from "../x509/certificate";

export interface LocalSignerOptions {
  /** PEM: PKCS #8, SEC1 or PKCS #1, plain or encrypted. */
  keyFile: string;
  /** PEM, leaf first, root last. */
  certificateChainFile: string;
  /** Of an encrypted key. */
  passphrase?: string | undefined;
}

/**
 * A signer with its private key in a file. The key must belong to the leaf, and the chain must fit
 * the Notary Project's profile; whether it is valid now is checked when something is signed. File
 * modes are not looked at.
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `KEY_UNREADABLE`, `KEY_UNSUPPORTED`,
 * `KEY_MISMATCH`, `CERTIFICATE_INVALID`
 */
export async function localSigner({
  keyFile,
  certificateChainFile,
  passphrase,
}: LocalSignerOptions): Promise<Signer> {
  const privateKey = readPrivateKey(await readInput(keyFile, "keyFile"), keyFile, passphrase);
  checkedAs("keyFile", () => algorithmFor(privateKey));
  const chain = await readSigningChain(certificateChainFile);
  const [leaf] = chain;
  if (leaf === undefined || !leaf.x509.publicKey.equals(createPublicKey(privateKey))) {
    const message = `the private key in ${keyFile} does not belong to the first certificate in ${certificateChainFile}: give the key of that certificate, or its chain with the leaf first`;
    throw new ConsignError("KEY_MISMATCH", message, { path: "keyFile" });
  }
  return keySigner(
    privateKey,
    chain.map(({ raw }) => raw),
  );
}

/**
 * The chain of whoever signs, leaf first: it says by whom something will be signed, and needs no
 * key.
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `CERTIFICATE_INVALID`, `KEY_UNSUPPORTED`
 */
export async function readSigningChain(certificateChainFile: string): Promise<Certificate[]> {
  const bytes = await readInput(certificateChainFile, "certificateChainFile");
  return checkedAs("certificateChainFile", () => {
    const certificates = parseChain(readCertificates(bytes));
    checkCodeSigningChain(certificates);
    return certificates;
  });
}

/**
 * A signer around a key that is in memory already. The caller has made sure that the key belongs to
 * the leaf.
 */
export function keySigner(privateKey: KeyObject, certificateChain: readonly Uint8Array[]): Signer {
  return { certificateChain, sign: (toBeSigned) => signBytes(privateKey, toBeSigned) };
}

/**
 * Certificates of a file: PEM with any number of them, or DER with one. @throws ConsignError
 * `CERTIFICATE_INVALID`
 */
export function readCertificates(bytes: Uint8Array): Uint8Array[] {
  const text = Buffer.from(bytes).toString("latin1");
  return text.includes("-----BEGIN") ? parsePem(text) : [parseCertificate(bytes).raw];
}

/** Who a chain says signed: the leaf's subject, and the SHA-256 of its DER. */
export function signerIdentity(chain: readonly (Uint8Array | Certificate)[]): {
  subject: string;
  thumbprint: string;
} {
  const [first] = chain;
  if (first === undefined)
    throw new ConsignError(
      "CERTIFICATE_INVALID",
      "a certificate chain must have at least one certificate",
    );
  const leaf = first instanceof Uint8Array ? parseCertificate(first) : first;
  return { subject: leaf.subject.text, thumbprint: leaf.thumbprint };
}

function readPrivateKey(
  bytes: Uint8Array,
  file: string,
  passphrase: string | undefined,
): KeyObject {
  try {
    return createPrivateKey({
      key: Buffer.from(bytes),
      format: "pem",
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch (cause) {
    const encrypted = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(
      Buffer.from(bytes).toString("latin1"),
    );
    const locked =
      passphrase === undefined
        ? "it is encrypted, so give its passphrase"
        : "the passphrase does not open it";
    const why = encrypted ? locked : "it must be PEM with a PKCS #8, SEC1 or PKCS #1 private key";
    throw new ConsignError("KEY_UNREADABLE", `the private key in ${file} cannot be read: ${why}`, {
      path: "keyFile",
      cause: opensslCode(cause),
    });
  }
}

/**
 * OpenSSL's messages are kept out of the chain of causes but for their code: they are about
 * secrets.
 */
function opensslCode(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException).code;
}

/** Reads a file that an argument names. @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE` */
export async function readInput(file: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new ConsignError("FILE_NOT_FOUND", `file ${file} does not exist`, { path, cause });
    const why = code === "EISDIR" ? "it is a directory" : (cause as Error).message;
    throw new ConsignError("FILE_UNREADABLE", `file ${file} cannot be read: ${why}`, {
      path,
      cause,
    });
  }
}

function checkedAs<T>(path: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof ConsignError ? error.within({ path }) : error;
  }
}
