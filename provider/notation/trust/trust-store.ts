// SPDX-License-Identifier: Apache-2.0
import { lstat, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConsignError } from "../../errors";
import { isIssuedBy } from "../x509/certificate-profile";
import { parseCertificate, parsePem } from "../x509/certificates";
import { notationConfigDir } from "./config-dir";
import type { IdentityName } from "../x509/distinguished-name";
import { readCertificates, readInput } from "../sign/signer";
import {
  STORE_TYPES,
  actionsOf,
  parseTrustPolicy,
  trustedNames,
  type Action,
  type CheckName,
  type StoreType,
  type TrustPolicy,
} from "./trust-policy";
import type { Certificate } from "../x509/certificate";

/** A trust policy with everything it names loaded: verification needs no more files. */
export interface ResolvedTrustPolicy {
  readonly name: string;
  readonly registryScopes: readonly string[];
  readonly actions: Readonly<Record<CheckName, Action>>;
  readonly verifyTimestamp: "always" | "afterCertExpiry";
  readonly trusted: Readonly<Record<StoreType, readonly Certificate[]>>;
  readonly identities: "any" | readonly IdentityName[];
}

export interface ResolveOptions {
  /** What relative file paths in `roots` are relative to. */
  baseDir: string;
  /** @default {@link notationConfigDir} */
  notationConfigDir?: string | undefined;
}

/**
 * Loads the certificates that a policy trusts, inline, from files, and from notation's trust
 * stores.
 * @throws ConsignError `TRUST_POLICY_INVALID`, `TRUST_STORE_INVALID`, `FILE_NOT_FOUND`,
 * `FILE_UNREADABLE`
 */
export async function resolveTrustPolicy(
  policy: TrustPolicy,
  options: ResolveOptions,
): Promise<ResolvedTrustPolicy> {
  const valid = parseTrustPolicy(policy);
  const trusted: Record<StoreType, Certificate[]> = { ca: [], signingAuthority: [], tsa: [] };
  for (const type of STORE_TYPES) {
    for (const [index, root] of (valid.roots?.[type] ?? []).entries()) {
      trusted[type].push(...(await inlineRoots(root, type, `roots.${type}[${index}]`, options)));
    }
  }
  for (const [index, store] of (valid.trustStores ?? []).entries()) {
    const type = STORE_TYPES.find((candidate) => store.startsWith(`${candidate}:`)) ?? "ca";
    const directory = join(
      options.notationConfigDir ?? notationConfigDir(),
      "truststore",
      "x509",
      type,
      store.slice(type.length + 1),
    );
    trusted[type].push(...(await storedRoots(directory, type, `trustStores[${index}]`)));
  }
  return {
    name: valid.name ?? "inline",
    registryScopes: valid.registryScopes,
    actions: actionsOf(valid),
    verifyTimestamp: valid.signatureVerification.verifyTimestamp ?? "always",
    trusted,
    identities: trustedNames(valid),
  };
}

/**
 * The certificates of one entry of `roots`: PEM text, or a file's path.
 * @throws ConsignError `TRUST_STORE_INVALID`, `FILE_NOT_FOUND`, `FILE_UNREADABLE` at `path`
 */
export async function inlineRoots(
  root: string,
  type: StoreType,
  path: string,
  { baseDir }: Pick<ResolveOptions, "baseDir">,
): Promise<Certificate[]> {
  const inline = root.includes("-----BEGIN");
  const name = inline ? path : root;
  const bytes = inline ? undefined : await readInput(resolve(baseDir, root), path);
  return trustedFrom(
    () => (bytes === undefined ? parsePem(root) : readCertificates(bytes)),
    type,
    name,
    path,
  );
}

async function storedRoots(
  directory: string,
  type: StoreType,
  path: string,
): Promise<Certificate[]> {
  const entries = await listStore(directory, path);
  const found: Certificate[] = [];
  for (const entry of entries) {
    const file = join(directory, entry.name);
    if (!entry.isFile())
      throw storeInvalid(
        file,
        "it is not a regular file; trust stores hold neither folders nor symbolic links",
        path,
      );
    const bytes = await readInput(file, path);
    found.push(...trustedFrom(() => readCertificates(bytes), type, file, path));
  }
  if (found.length === 0) throw storeInvalid(directory, "it holds no certificate", path);
  return found;
}

async function listStore(directory: string, path: string) {
  try {
    if (!(await lstat(directory)).isDirectory())
      throw storeInvalid(directory, "it is not a folder; symbolic links are not followed", path);
    return (await readdir(directory, { withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
  } catch (cause) {
    if (cause instanceof ConsignError) throw cause;
    const why =
      (cause as NodeJS.ErrnoException).code === "ENOENT"
        ? "it does not exist"
        : (cause as Error).message;
    throw storeInvalid(directory, why, path, cause);
  }
}

/** A root is a CA, or signs itself; a timestamp authority's root signs itself. */
function trustedFrom(
  read: () => Uint8Array[],
  type: StoreType,
  name: string,
  path: string,
): Certificate[] {
  try {
    return read().map((der) => {
      const certificate = parseCertificate(der);
      const selfSigned = isIssuedBy(certificate, certificate);
      const { text } = certificate.subject;
      if (type === "tsa" && !selfSigned)
        throw storeInvalid(name, `"${text}" is not a self-signed root`, path);
      if (!selfSigned && certificate.basicConstraints?.ca !== true)
        throw storeInvalid(name, `"${text}" is neither a CA nor self-signed`, path);
      return certificate;
    });
  } catch (cause) {
    if (cause instanceof ConsignError && cause.code === "TRUST_STORE_INVALID") throw cause;
    throw storeInvalid(name, (cause as Error).message, path, cause);
  }
}

function storeInvalid(where: string, why: string, path: string, cause?: unknown): ConsignError {
  return new ConsignError(
    "TRUST_STORE_INVALID",
    `the trusted certificates of ${where} cannot be used: ${why}; give PEM text, or the path of a PEM or DER file`,
    { path, cause },
  );
}
