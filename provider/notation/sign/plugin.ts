// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { algorithmFor, verifyBytes, type CoseAlgorithm, type Signer } from "../../cose/index";
import { checkCodeSigningChain, parseCertificate } from "../x509/certificates";
import { pluginEnvelopeSigner, type EnvelopeSigner } from "./plugin-envelope";
import { findPlugin, pluginDirectory } from "./plugin-location";
import { callPlugin, CONTRACT_VERSION, failed, type PluginProcess } from "./plugin-protocol";

export type { EnvelopeSigner, EnvelopeRequest, PluginEnvelope } from "./plugin-envelope";

export interface PluginSignerOptions {
  /** The plugin's name, as `notation plugin list` shows it. */
  plugin: string;
  /** The key's name as the plugin knows it, often an address in a KMS. */
  keyId: string;
  /** Passed to the plugin as it is. Its values are kept out of messages. */
  pluginConfig?: Record<string, string>;
  /**
   * Directory with one directory a plugin. @default `$NOTATION_LIBEXEC/plugins`, else `plugins` in
   * notation's configuration directory
   */
  pluginDir?: string;
  /**
   * The key's certificate chain, DER, leaf first, if it is known: then the plugin is not asked for
   * it.
   */
  certificateChain?: readonly Uint8Array[];
  /** Milliseconds for one command. @default 60000 */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
}

const KEY_SPECS: Readonly<
  Record<string, { algorithm: CoseAlgorithm; hash: string; signing: string }>
> = {
  "RSA-2048": { algorithm: "PS256", hash: "SHA-256", signing: "RSASSA-PSS-SHA-256" },
  "RSA-3072": { algorithm: "PS384", hash: "SHA-384", signing: "RSASSA-PSS-SHA-384" },
  "RSA-4096": { algorithm: "PS512", hash: "SHA-512", signing: "RSASSA-PSS-SHA-512" },
  "EC-256": { algorithm: "ES256", hash: "SHA-256", signing: "ECDSA-SHA-256" },
  "EC-384": { algorithm: "ES384", hash: "SHA-384", signing: "ECDSA-SHA-384" },
  "EC-521": { algorithm: "ES512", hash: "SHA-512", signing: "ECDSA-SHA-512" },
};

const metadataSchema = z.looseObject({
  name: z.string(),
  version: z.string().min(1),
  supportedContractVersions: z.array(z.string()),
  capabilities: z.array(z.string()),
});
const keySchema = z.looseObject({ keyId: z.string(), keySpec: z.string() });
const base64 = z
  .base64()
  .max(64 * 1024)
  .transform((text) => new Uint8Array(Buffer.from(text, "base64")));
const signatureSchema = z.looseObject({
  keyId: z.string(),
  signature: base64,
  signingAlgorithm: z.string(),
  certificateChain: z.array(base64).min(1).max(10),
});

/**
 * A signer whose key is behind a notation plugin, which is how KMS and HSM come in. What the plugin
 * returns is checked before it is used: the chain keeps the certificate profile, its leaf has the
 * key the plugin described, the signature verifies. A plugin that only makes whole envelopes gives
 * an {@link EnvelopeSigner}.
 *
 * The protocol tells the certificate chain only together with a signature, and our headers name the
 * leaf. Unless `certificateChain` is given, the key signs one short text that says what it is for,
 * and that is no envelope.
 * @throws ConsignError `PLUGIN_NOT_FOUND`, `PLUGIN_FAILED`, `CERTIFICATE_INVALID`, `INPUT_INVALID`
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/plugin-extensibility.md#signing-interfaces
 */
export async function pluginSigner(options: PluginSignerOptions): Promise<Signer | EnvelopeSigner> {
  const { plugin: name, keyId, pluginConfig = {}, env } = options;
  const plugin: PluginProcess = {
    name,
    executable: await findPlugin(name, options.pluginDir ?? pluginDirectory(env)),
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    env,
    secrets: Object.values(pluginConfig),
  };
  const metadata = await callPlugin(
    plugin,
    "get-plugin-metadata",
    { pluginConfig },
    metadataSchema,
  );
  if (metadata.name !== name)
    throw failed(plugin, "get-plugin-metadata", `it says that its name is "${metadata.name}"`);
  if (!metadata.supportedContractVersions.includes(CONTRACT_VERSION)) {
    throw failed(
      plugin,
      "get-plugin-metadata",
      `it does not speak version ${CONTRACT_VERSION} of the plugin protocol`,
    );
  }
  const key = { contractVersion: CONTRACT_VERSION, keyId, pluginConfig };
  if (metadata.capabilities.includes("SIGNATURE_GENERATOR.RAW"))
    return rawSigner(plugin, key, options.certificateChain);
  if (metadata.capabilities.includes("SIGNATURE_GENERATOR.ENVELOPE"))
    return pluginEnvelopeSigner(plugin, key);
  throw failed(plugin, "get-plugin-metadata", "it cannot sign");
}

/** Tells the two kinds of signer apart. */
export function isEnvelopeSigner(signer: Signer | EnvelopeSigner): signer is EnvelopeSigner {
  return "signEnvelope" in signer;
}

const CHAIN_QUESTION = Buffer.from(
  "Consign asks a notation plugin for its key's certificate chain. This text is not an artifact.\n",
);

async function rawSigner(
  plugin: PluginProcess,
  key: { keyId: string },
  known: readonly Uint8Array[] | undefined,
): Promise<Signer> {
  const described = await callPlugin(plugin, "describe-key", key, keySchema);
  if (described.keyId !== key.keyId)
    throw failed(plugin, "describe-key", "it describes another key");
  const spec = KEY_SPECS[described.keySpec];
  if (spec === undefined)
    throw failed(
      plugin,
      "describe-key",
      `its key is ${described.keySpec}; ${Object.keys(KEY_SPECS).join(", ")} can sign`,
    );

  const sign = async (toBeSigned: Uint8Array) => {
    const request = {
      ...key,
      keySpec: described.keySpec,
      hashAlgorithm: spec.hash,
      payload: Buffer.from(toBeSigned).toString("base64"),
    };
    const answer = await callPlugin(plugin, "generate-signature", request, signatureSchema);
    if (answer.keyId !== key.keyId)
      throw failed(plugin, "generate-signature", "it signed with another key");
    if (answer.signingAlgorithm !== spec.signing)
      throw failed(
        plugin,
        "generate-signature",
        `it signed with ${answer.signingAlgorithm}, not ${spec.signing}`,
      );
    const leaf = checkChain(plugin, answer.certificateChain, spec.algorithm);
    if (!verifyBytes(leaf, toBeSigned, answer.signature))
      throw failed(
        plugin,
        "generate-signature",
        "its signature does not verify with the certificate it gives",
      );
    return answer;
  };

  const certificateChain = known ?? (await sign(CHAIN_QUESTION)).certificateChain;
  if (known !== undefined) checkChain(plugin, known, spec.algorithm);
  return {
    certificateChain,
    async sign(toBeSigned) {
      const answer = await sign(toBeSigned);
      if (!sameBytes(answer.certificateChain, certificateChain)) {
        throw failed(
          plugin,
          "generate-signature",
          "its certificate chain is not the one from before; if the certificate was renewed, run again",
        );
      }
      return answer.signature;
    },
  };
}

function checkChain(plugin: PluginProcess, chain: readonly Uint8Array[], algorithm: CoseAlgorithm) {
  const certificates = chain.map(parseCertificate);
  checkCodeSigningChain(certificates);
  const leaf = certificates[0]?.x509.publicKey;
  if (leaf !== undefined && algorithmFor(leaf) === algorithm) return leaf;
  throw failed(
    plugin,
    "generate-signature",
    "its certificate has another kind of key than it described",
  );
}

function sameBytes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return (
    a.length === b.length &&
    a.every((bytes, index) => Buffer.compare(bytes, b[index] ?? new Uint8Array(0)) === 0)
  );
}
