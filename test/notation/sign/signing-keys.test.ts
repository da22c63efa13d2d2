// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isEnvelopeSigner } from "../../../provider/notation/sign/plugin";
import { notationKeySigner } from "../../../provider/notation/sign/signing-keys";
import { authority, codeSigner } from "../../harness/certificates";
import { tempDir } from "../../harness/temp";
import { codeOf } from "../../harness/failure";

const leaf = codeSigner(authority());

const keys = tempDir("localkeys");
writeFileSync(join(keys, "wabbit.key"), leaf.keyPem);
writeFileSync(join(keys, "wabbit.crt"), leaf.chainPem);

/** A configuration directory of notation with this `signingkeys.json`. */
function config(signingKeys: unknown): string {
  const directory = tempDir("notation");
  writeFileSync(
    join(directory, "signingkeys.json"),
    typeof signingKeys === "string" ? signingKeys : JSON.stringify(signingKeys),
  );
  return directory;
}

const local = {
  name: "wabbit",
  keyPath: join(keys, "wabbit.key"),
  certPath: join(keys, "wabbit.crt"),
};
const remote = { name: "kms", id: "arn:key", pluginName: "absent", pluginConfig: { region: "x" } };

test("a key by name, and the default one", async () => {
  const configDir = config({ default: "wabbit", keys: [remote, local] });
  for (const name of [{ name: "wabbit" }, {}]) {
    const signer = await notationKeySigner({ configDir, ...name });
    assert.ok(!isEnvelopeSigner(signer));
    assert.deepEqual(
      signer.certificateChain.map((der) => Buffer.from(der)),
      leaf.chain,
    );
    assert.equal((await signer.sign(Buffer.from("x"))).byteLength, 64);
  }
});

test("a key's directory is notation's own when none is given", async () => {
  const above = tempDir("xdg");
  mkdirSync(join(above, "notation"));
  writeFileSync(join(above, "notation", "signingkeys.json"), JSON.stringify({ keys: [local] }));
  if (process.platform === "linux")
    await notationKeySigner({ name: "wabbit", env: { XDG_CONFIG_HOME: above } });
});

test("a key behind a plugin asks the plugin", async () => {
  const configDir = config({ keys: [local, remote] });
  await assert.rejects(
    notationKeySigner({ name: "kms", configDir, pluginDir: tempDir("plugins") }),
    codeOf("PLUGIN_NOT_FOUND", /"absent"/),
  );
});

test("keys that are not there", async () => {
  await assert.rejects(
    notationKeySigner({ name: "other", configDir: config({ keys: [local] }) }),
    codeOf("SIGNER_UNKNOWN", /no key "other".*notation key list/),
  );
  await assert.rejects(
    notationKeySigner({ configDir: config({ keys: [local] }) }),
    codeOf("SIGNER_UNKNOWN", /no default key/),
  );
  await assert.rejects(
    notationKeySigner({ name: "x", configDir: tempDir("empty") }),
    codeOf("SIGNER_UNKNOWN", /notation key add/),
  );
});

test("a signingkeys.json that cannot be used", async (t) => {
  const cases: Record<string, [unknown, RegExp]> = {
    "not JSON": ["{", /JSON/],
    "a member twice": [`{"default":"wabbit","default":"other","keys":[]}`, /twice/],
    "keys that are no list": [{ keys: {} }, /keys/],
    "two keys of one name": [{ keys: [local, local] }, /two keys "wabbit"/],
    "a key that is neither": [{ keys: [{ name: "wabbit", keyPath: "x" }] }, /neither/],
    "a default that is not there": [{ default: "gone", keys: [local] }, /"gone"/],
    "an empty default": [{ default: "", keys: [local] }, /default/],
    "two other keys of one name": [{ keys: [local, remote, remote] }, /two keys "kms"/],
    "another key without a name": [{ keys: [local, { ...remote, name: "" }] }, /name/],
    "a member in another case": [{ keys: [{ ...local, KeyPath: "/x" }] }, /"keyPath"/],
    "a relative path": [{ keys: [{ ...local, keyPath: "wabbit.key" }] }, /in full/],
    "a relative certificate": [{ keys: [{ ...local, certPath: "./wabbit.crt" }] }, /in full/],
    "a plugin's key with a certificate": [
      { keys: [{ ...remote, name: "wabbit", certPath: local.certPath }] },
      /neither/,
    ],
    "a key that is both": [{ keys: [{ ...remote, ...local }] }, /neither/],
  };
  for (const [title, [text, reason]] of Object.entries(cases)) {
    await t.test(title, () =>
      assert.rejects(
        notationKeySigner({ name: "wabbit", configDir: config(text) }),
        codeOf("FILE_UNREADABLE", reason),
      ),
    );
  }
});
