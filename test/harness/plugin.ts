// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Issued } from "./keys";
import { tempDir } from "./temp";
import { repositoryRoot } from "./toolchain";

const libexec = tempDir("libexec");

/** Makes the plugin's folder the one that this process, and what it starts, looks in. */
export function pluginEnvironment(): Record<string, string> {
  return { NOTATION_LIBEXEC: libexec };
}

/**
 * Installs a notation plugin that signs with a P-256 key: an executable of its own, on this Node.
 * `RAW` makes signatures, `ENVELOPE` whole envelopes, as a signing service does. @returns the
 * commands it was given so far
 */
export function installPlugin(
  name: string,
  signer: Issued,
  capability: "RAW" | "ENVELOPE",
): () => string[] {
  process.env["NOTATION_LIBEXEC"] = libexec;
  const folder = join(libexec, "plugins", name);
  const log = join(tempDir("plugin"), "log");
  mkdirSync(folder, { recursive: true });
  const constants = {
    NAME: name,
    LOG: log,
    KEY: signer.keyPem,
    CHAIN: signer.chain.map((der) => der.toString("base64")),
    CAPABILITY: `SIGNATURE_GENERATOR.${capability}`,
    ROOT: repositoryRoot,
  };
  const path = join(folder, `notation-${name}`);
  writeFileSync(
    path,
    [
      `#!${process.execPath}`,
      ...Object.entries(constants).map(
        ([key, value]) => `const ${key} = ${JSON.stringify(value)};`,
      ),
      BEHAVIOUR,
    ].join("\n"),
  );
  chmodSync(path, 0o755);
  return () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
}

const BEHAVIOUR = `
const crypto = require("node:crypto");
const fs = require("node:fs");
const command = process.argv[2];
fs.appendFileSync(LOG, command + "\\n");
const request = JSON.parse(fs.readFileSync(0, "utf8"));
const answer = (value) => process.stdout.write(JSON.stringify(value));
const commands = {
  "get-plugin-metadata": () => answer({ name: NAME, description: "for tests", version: "1.0.0", url: "https://example.com", supportedContractVersions: ["1.0"], capabilities: [CAPABILITY] }),
  "describe-key": () => answer({ keyId: request.keyId, keySpec: "EC-256" }),
  "generate-signature": () => {
    const signature = crypto.sign("sha256", Buffer.from(request.payload, "base64"), { key: KEY, dsaEncoding: "ieee-p1363" });
    answer({ keyId: request.keyId, signature: signature.toString("base64"), signingAlgorithm: "ECDSA-SHA-256", certificateChain: CHAIN });
  },
  "generate-envelope": async () => {
    const { signEnvelope, keySigner } = require(ROOT + "/dist/provider/notation/index.js");
    const { targetArtifact } = JSON.parse(Buffer.from(request.payload, "base64"));
    const signingTime = new Date();
    const seconds = request.expiryDurationInSeconds;
    const envelope = await signEnvelope({
      target: targetArtifact,
      userMetadata: targetArtifact.annotations,
      signer: keySigner(crypto.createPrivateKey(KEY), CHAIN.map((der) => new Uint8Array(Buffer.from(der, "base64")))),
      signingTime,
      ...(seconds === undefined ? {} : { expiry: new Date(signingTime.getTime() + seconds * 1000) }),
    });
    answer({ signatureEnvelope: Buffer.from(envelope).toString("base64"), signatureEnvelopeType: request.signatureEnvelopeType, annotations: { "example.test/plugin": "wrote this" } });
  },
};
commands[command]();
`;
