// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseEnvelope } from "../../../provider/notation/envelope/envelope";
import { signEnvelope } from "../../../provider/notation/envelope/sign-envelope";
import { checkIntegrity } from "../../../provider/notation/envelope/integrity";
import { notationConfigDir } from "../../../provider/notation/trust/config-dir";
import { findPlugin, pluginDirectory } from "../../../provider/notation/sign/plugin-location";
import {
  isEnvelopeSigner,
  pluginSigner,
  type PluginSignerOptions,
} from "../../../provider/notation/sign/plugin";
import { keySigner } from "../../../provider/notation/sign/signer";
import { MEDIA_TYPES } from "../../../provider/oci/media-types";
import { authority, codeSigner } from "../../harness/certificates";
import type { Issued, KeyKind } from "../../harness/keys";
import { tempDir } from "../../harness/temp";
import { codeOf } from "../../harness/failure";

const root = authority();
const target = {
  mediaType: MEDIA_TYPES.manifest,
  digest: `sha256:${"ab".repeat(32)}` as const,
  size: 123,
};
const signingTime = new Date();

/**
 * What the plugin of these tests does; it is code, put into an executable of its own that runs on
 * this Node.
 */
const COMMON = `
const crypto = require("node:crypto");
const fs = require("node:fs");
const command = process.argv[2];
const request = JSON.parse(fs.readFileSync(0, "utf8"));
const answer = (value) => { process.stdout.write(JSON.stringify(value)); };
const refuse = (errorCode, errorMessage) => { process.stderr.write(JSON.stringify({ errorCode, errorMessage })); process.exitCode = 1; };
const metadata = (capability, more) => ({ name: NAME, description: "for tests", version: "1.0.0", url: "https://example.com", supportedContractVersions: ["1.0"], capabilities: [capability], ...more });
const rawSign = (payload) => {
  const key = crypto.createPrivateKey(KEY);
  const hash = request.hashAlgorithm.replace("SHA-", "sha");
  return key.asymmetricKeyType === "ec"
    ? crypto.sign(hash, payload, { key, dsaEncoding: "ieee-p1363" })
    : crypto.sign(hash, payload, { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST });
};
const sign = (more) => answer({ keyId: request.keyId, signature: rawSign(Buffer.from(request.payload, "base64")).toString("base64"), signingAlgorithm: ALGORITHM, certificateChain: CHAIN, ...more });
const RAW = {
  "get-plugin-metadata": () => answer(metadata("SIGNATURE_GENERATOR.RAW")),
  "describe-key": () => answer({ keyId: request.keyId, keySpec: SPEC }),
  "generate-signature": () => sign({}),
};
`;

const SPECS: Record<string, [spec: string, algorithm: string]> = {
  "rsa-2048": ["RSA-2048", "RSASSA-PSS-SHA-256"],
  "rsa-3072": ["RSA-3072", "RSASSA-PSS-SHA-384"],
  "rsa-4096": ["RSA-4096", "RSASSA-PSS-SHA-512"],
  "p-256": ["EC-256", "ECDSA-SHA-256"],
  "p-384": ["EC-384", "ECDSA-SHA-384"],
  "p-521": ["EC-521", "ECDSA-SHA-512"],
};

const leaf = codeSigner(root);

/**
 * Installs a plugin and gives the options for it. `behaviour` is code that overrides commands of
 * RAW.
 */
function install(
  behaviour = "",
  issued: Issued = leaf,
  kind: KeyKind = "p-256",
  name = "tester",
): PluginSignerOptions {
  const pluginDir = tempDir("plugins");
  const [spec, algorithm] = SPECS[kind] ?? ["", ""];
  const constants = {
    NAME: name,
    KEY: issued.keyPem,
    CHAIN: issued.chain.map((der) => der.toString("base64")),
    SPEC: spec,
    ALGORITHM: algorithm,
  };
  const lines = Object.entries(constants).map(
    ([key, value]) => `const ${key} = ${JSON.stringify(value)};`,
  );
  writePlugin(
    pluginDir,
    name,
    [`#!${process.execPath}`, ...lines, COMMON, behaviour, "RAW[command]();", ""].join("\n"),
  );
  return { plugin: name, keyId: "key-1", pluginDir };
}

function writePlugin(pluginDir: string, name: string, text: string, mode = 0o755): string {
  const path = join(pluginDir, name, `notation-${name}`);
  mkdirSync(join(pluginDir, name), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

test("a plugin signs with every kind of key, and the envelope verifies", async (t) => {
  for (const kind of Object.keys(SPECS) as KeyKind[]) {
    await t.test(kind, async () => {
      const issued = codeSigner(root, { key: kind });
      const signer = await pluginSigner(install("", issued, kind));
      assert.ok(!isEnvelopeSigner(signer));
      const bytes = await signEnvelope({ target, signer, signingTime });
      const envelope = parseEnvelope(bytes, MEDIA_TYPES.cose);
      await checkIntegrity(envelope);
      assert.deepEqual(envelope.payload.targetArtifact, target);
      assert.deepEqual(
        envelope.certificateChain.map(({ raw }) => Buffer.from(raw)),
        issued.chain,
      );
    });
  }
});

test("a certificate chain that is given saves the question for it", async () => {
  const options = install(`RAW["generate-signature"] = () => refuse("ERROR", "not now");`);
  const signer = await pluginSigner({ ...options, certificateChain: leaf.chain });
  assert.ok(!isEnvelopeSigner(signer));
  await assert.rejects(signer.sign(Buffer.from("x")), codeOf("PLUGIN_FAILED", /not now/));
  await assert.rejects(
    pluginSigner({ ...options, certificateChain: codeSigner(root, { key: "p-384" }).chain }),
    codeOf("PLUGIN_FAILED", /another kind of key/),
  );
});

test("the key and its configuration reach the plugin as they are", async () => {
  const options = install(`
    if (command !== "get-plugin-metadata" && (request.contractVersion !== "1.0" || request.keyId !== "key-1")) refuse("VALIDATION_ERROR", "wrong request");
    else if (request.pluginConfig["vault token"] !== "s3cret-value") refuse("VALIDATION_ERROR", "no config");
    else RAW[command]();
    process.exit();`);
  await pluginSigner({ ...options, pluginConfig: { "vault token": "s3cret-value" } });
});

test("a plugin's errors are told in our words and its own, without its configuration", async (t) => {
  const cases: Record<string, RegExp> = {
    VALIDATION_ERROR: /correct keyId and pluginConfig/,
    UNSUPPORTED_CONTRACT_VERSION: /another version of the plugin/,
    ACCESS_DENIED: /check the credentials/,
    TIMEOUT: /run again/,
    THROTTLED: /run again later/,
    ERROR: /it failed \(ERROR/,
    SOMETHING_NEW: /it failed \(SOMETHING_NEW/,
  };
  for (const [code, reason] of Object.entries(cases)) {
    await t.test(code, async () => {
      const options = install(
        `RAW["describe-key"] = () => refuse(${JSON.stringify(code)}, "because\\n" + request.pluginConfig.token);`,
      );
      await assert.rejects(
        pluginSigner({ ...options, pluginConfig: { token: "s3cret-value" } }),
        (error: Error) => {
          assert.ok(!error.message.includes("s3cret-value"));
          assert.match(error.message, /describe-key.*because …/);
          return codeOf("PLUGIN_FAILED", reason)(error);
        },
      );
    });
  }
});

test("what a plugin may not do", async (t) => {
  const other = codeSigner(authority(), {
    subject: { C: "US", ST: "WA", O: "Other", CN: "Other" },
  });
  const chain = (issued: Issued) =>
    JSON.stringify(issued.chain.map((der) => der.toString("base64")));
  const cases: Record<string, [string, RegExp]> = {
    "another name": [
      `RAW["get-plugin-metadata"] = () => answer(metadata("SIGNATURE_GENERATOR.RAW", { name: "else" }));`,
      /name is "else"/,
    ],
    "another contract": [
      `RAW["get-plugin-metadata"] = () => answer(metadata("SIGNATURE_GENERATOR.RAW", { supportedContractVersions: ["2.0"] }));`,
      /version 1\.0/,
    ],
    "no signing": [
      `RAW["get-plugin-metadata"] = () => answer(metadata("SIGNATURE_VERIFIER.TRUSTED_IDENTITY"));`,
      /cannot sign/,
    ],
    "metadata that is none": [
      `RAW["get-plugin-metadata"] = () => answer({ name: NAME });`,
      /breaks the plugin protocol: version/,
    ],
    "text before the answer": [`console.log("debug");`, /not JSON/],
    "an answer twice": [
      `RAW["describe-key"] = () => process.stdout.write('{"keyId":"key-1","keyId":"key-2","keySpec":"EC-256"}');`,
      /twice/,
    ],
    "another key": [
      `RAW["describe-key"] = () => answer({ keyId: "key-2", keySpec: SPEC });`,
      /another key/,
    ],
    "a key that cannot sign": [
      `RAW["describe-key"] = () => answer({ keyId: "key-1", keySpec: "RSA-1024" });`,
      /RSA-1024/,
    ],
    "a key it does not have": [
      `RAW["describe-key"] = () => answer({ keyId: "key-1", keySpec: "EC-384" });`,
      /ECDSA-SHA-256, not ECDSA-SHA-384/,
    ],
    "to sign with another key": [
      `RAW["generate-signature"] = () => sign({ keyId: "key-2" });`,
      /another key/,
    ],
    "another algorithm": [
      `RAW["generate-signature"] = () => sign({ signingAlgorithm: "ECDSA-SHA-384" });`,
      /ECDSA-SHA-384, not/,
    ],
    "a signature in DER": [
      `RAW["generate-signature"] = () => sign({ signature: crypto.sign("sha256", Buffer.from(request.payload, "base64"), KEY).toString("base64") });`,
      /does not verify/,
    ],
    "a signature over something else": [
      `RAW["generate-signature"] = () => sign({ signature: rawSign(Buffer.from("else")).toString("base64") });`,
      /does not verify/,
    ],
    "a signature that is no base64": [
      `RAW["generate-signature"] = () => sign({ signature: "%%%" });`,
      /signature/,
    ],
    "another certificate": [
      `RAW["generate-signature"] = () => sign({ certificateChain: ${chain(other)} });`,
      /does not verify/,
    ],
    "no certificate": [
      `RAW["generate-signature"] = () => sign({ certificateChain: [] });`,
      /certificateChain/,
    ],
    "to end without a word": [`process.exit(3);`, /ended with 3/],
    "to fail in its own words": [
      `process.stderr.write("panic: nil map"); process.exit(2);`,
      /ended with 2 and wrote: panic/,
    ],
    "to write without end": [
      `for (let i = 0; i < 3; i++) fs.writeSync(1, Buffer.alloc(700000, 32)); setTimeout(() => {}, 60000);`,
      /more than 1048576 bytes to its standard output/,
    ],
    "to complain without end": [
      `for (let i = 0; i < 3; i++) fs.writeSync(2, Buffer.alloc(700000, 32)); setTimeout(() => {}, 60000);`,
      /standard error/,
    ],
  };
  for (const [title, [behaviour, reason]] of Object.entries(cases)) {
    await t.test(title, async () => {
      await assert.rejects(pluginSigner(install(behaviour)), codeOf("PLUGIN_FAILED", reason));
    });
  }
  await t.test("a chain that is not whole", async () => {
    const options = install(
      `RAW["generate-signature"] = () => sign({ certificateChain: CHAIN.slice(0, 1) });`,
    );
    await assert.rejects(pluginSigner(options), codeOf("CERTIFICATE_INVALID", /self-signed root/));
  });
});

test("a chain that changes between two signatures is refused", async () => {
  const options = install();
  const renewed = codeSigner(root, { key: leaf.key });
  const [signer] = [await pluginSigner(options)];
  const { pluginDir = "" } = options;
  const fresh = install("", renewed);
  rmSync(join(pluginDir, "tester"), { recursive: true });
  mkdirSync(join(pluginDir, "tester"));
  symlinkSync(
    join(fresh.pluginDir ?? "", "tester", "notation-tester"),
    join(pluginDir, "tester", "notation-tester"),
  );
  assert.ok(!isEnvelopeSigner(signer));
  await assert.rejects(signer.sign(Buffer.from("x")), codeOf("PLUGIN_FAILED", /run again/));
});

test("time and patience end", async () => {
  const options = install(
    `setTimeout(() => {}, 60000); return;`.replace("return;", "RAW[command] = () => {};"),
  );
  await assert.rejects(
    pluginSigner({ ...options, timeoutMs: 300 }),
    codeOf("PLUGIN_FAILED", /longer than 300 ms/),
  );
  const abort = new AbortController();
  const signing = pluginSigner({ ...options, signal: abort.signal });
  setTimeout(() => abort.abort(), 100);
  await assert.rejects(signing, codeOf("PLUGIN_FAILED", /cancelled/));
  await assert.rejects(
    pluginSigner({ ...options, signal: abort.signal }),
    codeOf("PLUGIN_FAILED", /cancelled/),
  );
});

test("only a regular file under the plugins' directory is a plugin", async () => {
  const options = install();
  for (const plugin of ["..", ".", "../tester", "a/b", "", "a\0b", "a b"]) {
    await assert.rejects(
      pluginSigner({ ...options, plugin }),
      codeOf("INPUT_INVALID", /not a notation plugin's name/),
    );
  }
  await assert.rejects(
    pluginSigner({ ...options, plugin: "absent" }),
    codeOf("PLUGIN_NOT_FOUND", /absent.*no such file.*notation plugin install/),
  );
  const pluginDir = options.pluginDir ?? "";
  mkdirSync(join(pluginDir, "linked"));
  symlinkSync(
    join(pluginDir, "tester", "notation-tester"),
    join(pluginDir, "linked", "notation-linked"),
  );
  await assert.rejects(
    findPlugin("linked", pluginDir),
    codeOf("PLUGIN_NOT_FOUND", /not a regular file/),
  );
  writePlugin(pluginDir, "text", "not a program", 0o644);
  await assert.rejects(
    pluginSigner({ ...options, plugin: "text" }),
    codeOf("PLUGIN_FAILED", /cannot be run: .*EACCES/),
  );
});

test("where plugins are", () => {
  assert.equal(
    pluginDirectory({ NOTATION_LIBEXEC: "/opt/notation", XDG_CONFIG_HOME: "/x" }, "linux"),
    "/opt/notation/plugins",
  );
  assert.equal(pluginDirectory({ XDG_CONFIG_HOME: "/x" }, "linux"), "/x/notation/plugins");
  assert.equal(pluginDirectory({ HOME: "/h" }, "linux"), "/h/.config/notation/plugins");
  assert.equal(
    notationConfigDir({ HOME: "/h" }, "darwin"),
    "/h/Library/Application Support/notation",
  );
});

test("a plugin that makes envelopes", async (t) => {
  const envelopeBy = async (issued: Issued, o: Partial<Parameters<typeof signEnvelope>[0]> = {}) =>
    Buffer.from(
      await signEnvelope({
        target,
        signer: keySigner(issued.key.privateKey, issued.chain),
        signingTime,
        ...o,
      }),
    ).toString("base64");
  const generator = (envelope: string, more = "{}") => `
    RAW["get-plugin-metadata"] = () => answer(metadata("SIGNATURE_GENERATOR.ENVELOPE"));
    RAW["generate-envelope"] = () => answer({ signatureEnvelope: ${JSON.stringify(envelope)}, signatureEnvelopeType: request.signatureEnvelopeType, ...${more} });`;
  const expiry = new Date(signingTime.getTime() + 3_600_000);
  const request = { target, signingTime };
  const signWith = async (behaviour: string, asked: object = {}) => {
    const signer = await pluginSigner(install(behaviour));
    assert.ok(isEnvelopeSigner(signer));
    return signer.signEnvelope({ ...request, ...asked });
  };

  await t.test("what was asked for", async () => {
    const made = await envelopeBy(leaf, { expiry, userMetadata: { build: "7" } });
    const { envelope, annotations } = await signWith(
      generator(made, `{ annotations: { seen: String(request.expiryDurationInSeconds) } }`),
      { expiry, userMetadata: { build: "7" } },
    );
    assert.equal(Buffer.from(envelope).toString("base64"), made);
    assert.deepEqual(annotations, { seen: "3600" });
  });

  const cases: Record<string, [string, RegExp, object?]> = {
    "of another artifact": [
      await envelopeBy(leaf, { target: { ...target, size: 124 } }),
      /something else/,
    ],
    "with metadata nobody asked for": [
      await envelopeBy(leaf, { userMetadata: { build: "7" } }),
      /something else/,
    ],
    "without the metadata asked for": [
      await envelopeBy(leaf),
      /something else/,
      { userMetadata: { build: "7" } },
    ],
    "without the expiry asked for": [await envelopeBy(leaf), /expire/, { expiry }],
    "that is garbage": [Buffer.from("garbage").toString("base64"), /envelope is not good/],
  };
  for (const [title, [envelope, reason, asked]] of Object.entries(cases)) {
    await t.test(title, () =>
      assert.rejects(signWith(generator(envelope), asked), codeOf("PLUGIN_FAILED", reason)),
    );
  }
  await t.test("whose signature is wrong", async () => {
    const bytes = Buffer.from(await envelopeBy(leaf), "base64");
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
    await assert.rejects(
      signWith(generator(bytes.toString("base64"))),
      codeOf("PLUGIN_FAILED", /does not verify/),
    );
  });
  await t.test("of another type", async () => {
    const envelope = await envelopeBy(leaf);
    await assert.rejects(
      signWith(generator(envelope, `{ signatureEnvelopeType: "application/jose+json" }`)),
      codeOf("PLUGIN_FAILED", /jose\+json/),
    );
  });
});
