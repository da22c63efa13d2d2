// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { z } from "zod";
import type { Signer } from "../cose/index";
import { ConsignError } from "../errors";
import {
  localSigner,
  notationKeySigner,
  pluginSigner,
  type EnvelopeSigner,
} from "../notation/index";
import { readCertificates, readInput } from "../notation/sign/signer";
import { argumentPath, at, type ResourceContext } from "../world/context";
import { runPart } from "../world/run";

/**
 * Who signs. Plans and refreshes ask for the certificate alone (`planned-signer.ts`); state holds
 * the paths or names only, and changes of these are no changes as long as the certificate is the
 * same.
 */
export const signerSchema = z.union(
  [
    z.strictObject({
      keyFile: z.string().min(1),
      certificateChainFile: z.string().min(1),
      /**
       * Name of the environment variable that holds an encrypted key's passphrase. The passphrase
       * itself is no argument, so that it cannot reach state.
       */
      passphraseEnv: z.string().min(1).optional(),
    }),
    z.strictObject({ notationKey: z.string().min(1), configDir: z.string().min(1).optional() }),
    z.strictObject({
      plugin: z.string().min(1),
      keyId: z.string().min(1),
      pluginConfig: z.record(z.string(), z.string()).optional(),
      /**
       * Spares the plugin a question in each plan; tells the certificate of a plugin that makes whole
       * envelopes.
       */
      certificateChainFile: z.string().min(1).optional(),
    }),
  ],
  {
    error: ({ input }) =>
      `${input === undefined ? "is missing: give" : "must be"} an object with keyFile and certificateChainFile, with notationKey, or with plugin and keyId`,
  },
);
export type SignerArgument = z.infer<typeof signerSchema>;

/**
 * The signer as it is planned and recorded: what a change of it means is seen here, not in the
 * paths. A plugin that only makes whole envelopes does not tell its certificate before it has
 * signed: its thumbprint is empty.
 */
export const signedBySchema = z.object({ subject: z.string(), thumbprint: z.string() });
export type SignedBy = z.infer<typeof signedBySchema>;

const OPENED = runPart("signers", () => new Map<string, Promise<Signer | EnvelopeSigner>>());

/**
 * Opens a signer, once per run: behind a plugin there may be a key management service that
 * counts its calls.
 * @throws ConsignError `FILE_NOT_FOUND`, `KEY_*`, `CERTIFICATE_INVALID`, `SIGNER_UNKNOWN`,
 * `PLUGIN_*`, each with the property's path
 */
export async function openSigner(
  signer: SignerArgument,
  context: ResourceContext,
): Promise<Signer | EnvelopeSigner> {
  if ("keyFile" in signer) return openLocal(signer, context);
  const signers = context.run.part(OPENED);
  const key = JSON.stringify(signer);
  const opening =
    signers.get(key) ??
    ("plugin" in signer ? openPlugin(signer, context) : openNotationKey(signer, context));
  signers.set(key, opening);
  opening.catch(() => signers.delete(key));
  return opening;
}

async function openLocal(
  signer: Extract<SignerArgument, { keyFile: string }>,
  context: ResourceContext,
): Promise<Signer> {
  const keyFile = await keyPath(signer.keyFile, context);
  const certificateChainFile = await argumentPath(
    context,
    signer.certificateChainFile,
    "signer.certificateChainFile",
  );
  const passphrase =
    signer.passphraseEnv === undefined ? undefined : process.env[signer.passphraseEnv];
  if (signer.passphraseEnv !== undefined && passphrase === undefined) {
    throw new ConsignError(
      "KEY_UNREADABLE",
      `the environment variable ${signer.passphraseEnv} is not set, and the key is encrypted with its value`,
      { path: "signer.passphraseEnv" },
    );
  }
  return at("signer", () =>
    localSigner({
      keyFile,
      certificateChainFile,
      ...(passphrase === undefined ? {} : { passphrase }),
    }),
  );
}

async function keyPath(keyFile: string, context: ResourceContext): Promise<string> {
  try {
    return await argumentPath(context, keyFile, "signer.keyFile");
  } catch (error) {
    throw new ConsignError(
      "FILE_NOT_FOUND",
      `the private key "${keyFile}" does not exist (looked in the Pulumi project's folder): run this where the key is`,
      { path: "signer.keyFile", cause: error },
    );
  }
}

async function openNotationKey(
  signer: Extract<SignerArgument, { notationKey: string }>,
  context: ResourceContext,
): Promise<Signer | EnvelopeSigner> {
  return at("signer.notationKey", () => notationKeySigner(notationKeyOptions(signer, context)));
}

export function notationKeyOptions(
  { notationKey: name, configDir }: Extract<SignerArgument, { notationKey: string }>,
  { baseDir }: ResourceContext,
): { name: string; configDir?: string } {
  return {
    name,
    ...(configDir === undefined ? {} : { configDir: path.resolve(baseDir, configDir) }),
  };
}

async function openPlugin(
  signer: Extract<SignerArgument, { plugin: string }>,
  context: ResourceContext,
): Promise<Signer | EnvelopeSigner> {
  const { plugin, keyId, pluginConfig, certificateChainFile } = signer;
  const certificateChain =
    certificateChainFile === undefined
      ? undefined
      : await pluginChain(certificateChainFile, context);
  return at("signer", () =>
    pluginSigner({
      plugin,
      keyId,
      ...(pluginConfig === undefined ? {} : { pluginConfig }),
      ...(certificateChain === undefined ? {} : { certificateChain }),
    }),
  );
}

/** DER, leaf first. */
export async function pluginChain(
  certificateChainFile: string,
  context: ResourceContext,
): Promise<Uint8Array[]> {
  const file = await argumentPath(context, certificateChainFile, "signer.certificateChainFile");
  return at("signer", async () => {
    const bytes = await readInput(file, "certificateChainFile");
    return at("certificateChainFile", () => readCertificates(bytes));
  });
}
