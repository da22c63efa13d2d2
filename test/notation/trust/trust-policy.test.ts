// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  actionsOf,
  applicablePolicy,
  parseTrustPolicy,
  type TrustPolicyInput,
} from "../../../provider/notation/trust/trust-policy";
import { notationConfigDir } from "../../../provider/notation/trust/config-dir";
import { policyFromNotation } from "../../../provider/notation/trust/policy-document";
import { resolveTrustPolicy } from "../../../provider/notation/trust/trust-store";
import { authority, codeSigner, intermediate, selfSigned } from "../../harness/certificates";
import { tempDir } from "../../harness/temp";

const root = authority();
const identity = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const base: TrustPolicyInput = {
  signatureVerification: { level: "strict" },
  roots: { ca: [root.pem] },
  trustedIdentities: [identity],
};

test("fills in what is left out", () => {
  assert.deepEqual(parseTrustPolicy(base).registryScopes, ["*"]);
});

test("levels and overrides say what each check does", () => {
  const actions = (level: "strict" | "permissive" | "audit", override = {}) =>
    Object.values(
      actionsOf(parseTrustPolicy({ ...base, signatureVerification: { level, override } })),
    ).join(" ");
  assert.equal(actions("strict"), "enforce enforce enforce enforce enforce enforce");
  assert.equal(actions("permissive"), "enforce enforce log log log enforce");
  assert.equal(actions("audit"), "enforce log log log log enforce");
  assert.equal(
    actions("audit", { authenticity: "enforce", revocation: "skip" }),
    "enforce enforce log log skip enforce",
  );
});

const skip = {
  signatureVerification: { level: "skip" },
  registryScopes: ["registry.example/a"],
} as const;
const INVALID: Record<string, [unknown, string]> = {
  "no level": [{ ...base, signatureVerification: {} }, "signatureVerification.level"],
  "an unknown level": [
    { ...base, signatureVerification: { level: "loose" } },
    "signatureVerification.level",
  ],
  "an unknown member": [{ ...base, extra: 1 }, ""],
  "an override of integrity": [
    { ...base, signatureVerification: { level: "strict", override: { integrity: "log" } } },
    "signatureVerification.override",
  ],
  "authenticity skipped": [
    { ...base, signatureVerification: { level: "strict", override: { authenticity: "skip" } } },
    "signatureVerification.override.authenticity",
  ],
  "an unknown time for timestamps": [
    { ...base, signatureVerification: { level: "strict", verifyTimestamp: "never" } },
    "signatureVerification.verifyTimestamp",
  ],
  "no root and no store": [{ ...base, roots: {} }, "roots"],
  "only timestamp authorities": [
    { ...base, roots: undefined, trustStores: ["tsa:x"] },
    "trustStores",
  ],
  "a store without type": [{ ...base, trustStores: ["ca:a", "wabbit"] }, "trustStores[1]"],
  "a store that leaves its folder": [{ ...base, trustStores: ["ca:../x"] }, "trustStores[0]"],
  "an empty root": [{ ...base, roots: { ca: [root.pem, ""] } }, "roots.ca[1]"],
  "no identity": [{ ...base, trustedIdentities: [] }, "trustedIdentities"],
  "any identity and another": [
    { ...base, trustedIdentities: ["*", identity] },
    "trustedIdentities",
  ],
  "an identity of another kind": [
    { ...base, trustedIdentities: ["email:a@b.example"] },
    "trustedIdentities[0]",
  ],
  "an identity without organization": [
    { ...base, trustedIdentities: [identity, "x509.subject: C=US, ST=WA"] },
    "trustedIdentities[1]",
  ],
  "an identity that is part of another": [
    { ...base, trustedIdentities: [`${identity}, CN=Release`, identity] },
    "trustedIdentities[0]",
  ],
  "an identity twice": [
    { ...base, trustedIdentities: [identity, identity] },
    "trustedIdentities[0]",
  ],
  "no scope": [{ ...base, registryScopes: [] }, "registryScopes"],
  "a scope with a tag": [
    { ...base, registryScopes: ["registry.example/a:v1"] },
    "registryScopes[0]",
  ],
  "a scope with a wildcard": [
    { ...base, registryScopes: ["registry.example/*"] },
    "registryScopes[0]",
  ],
  "a scope twice": [
    { ...base, registryScopes: ["registry.example/a", "registry.example/a"] },
    "registryScopes[1]",
  ],
  "every scope and another": [
    { ...base, registryScopes: ["*", "registry.example/a"] },
    "registryScopes",
  ],
  "skip for everything": [{ signatureVerification: { level: "skip" } }, "registryScopes"],
  "skip with identities": [{ ...skip, trustedIdentities: ["*"] }, "trustedIdentities"],
  "skip with roots": [{ ...skip, roots: { ca: [root.pem] } }, "roots"],
  "skip with stores": [{ ...skip, trustStores: ["ca:x"] }, "trustStores"],
  "skip with an override": [
    { ...skip, signatureVerification: { level: "skip", override: { expiry: "log" } } },
    "signatureVerification.override",
  ],
};

for (const [name, [policy, path]] of Object.entries(INVALID)) {
  test(`refuses ${name}`, () => {
    assert.throws(() => parseTrustPolicy(policy, "trust"), {
      code: "TRUST_POLICY_INVALID",
      path: path === "" ? "trust" : `trust.${path}`,
    });
  });
}

test("the statement that names a repository goes before the one for everything", () => {
  const [all, one] = [
    parseTrustPolicy({ ...base, name: "all" }),
    parseTrustPolicy({
      ...base,
      name: "one",
      registryScopes: ["registry.example/a", "oci:./layout"],
    }),
  ];
  assert.equal(applicablePolicy([all, one], "registry.example/a").name, "one");
  assert.equal(applicablePolicy([all, one], "oci:./layout").name, "one");
  assert.equal(applicablePolicy([all, one], "registry.example/A").name, "all");
  assert.throws(() => applicablePolicy([one], "registry.example/b"), {
    code: "TRUST_POLICY_NOT_APPLICABLE",
  });
});

function config(
  documents: Record<string, unknown>,
  stores: Record<string, Record<string, string | Buffer>> = {},
): string {
  const folder = tempDir("notation");
  for (const [name, document] of Object.entries(documents))
    writeFileSync(
      join(folder, name),
      typeof document === "string" ? document : JSON.stringify(document),
    );
  for (const [store, files] of Object.entries(stores)) {
    mkdirSync(join(folder, "truststore", "x509", store), { recursive: true });
    for (const [file, content] of Object.entries(files))
      writeFileSync(join(folder, "truststore", "x509", store, file), content);
  }
  return folder;
}

test("loads roots that are inline, in files, and in notation's trust stores", async () => {
  const others = [authority(), authority(), authority()] as const;
  const notation = config(
    {},
    {
      "ca/wabbit": { "a.pem": others[0].pem + others[1].pem },
      "tsa/t": { "root.crt": others[2].der },
    },
  );
  const files = config({ "root.pem": others[1].pem });
  const policy = parseTrustPolicy({
    ...base,
    roots: { ca: [root.pem, "root.pem"], signingAuthority: [others[0].pem] },
    trustStores: ["ca:wabbit", "tsa:t"],
  });
  const { trusted } = await resolveTrustPolicy(policy, {
    baseDir: files,
    notationConfigDir: notation,
  });
  const ders = (type: "ca" | "signingAuthority" | "tsa") =>
    trusted[type].map(({ raw }) => Buffer.from(raw));
  assert.deepEqual(ders("ca"), [root.der, others[1].der, others[0].der, others[1].der]);
  assert.deepEqual(ders("signingAuthority"), [others[0].der]);
  assert.deepEqual(ders("tsa"), [others[2].der]);
});

test("trusts CAs and self-signed certificates, and nothing else", async () => {
  const resolve = (roots: NonNullable<TrustPolicyInput["roots"]>) =>
    resolveTrustPolicy(parseTrustPolicy({ ...base, roots: { ca: [root.pem], ...roots } }), {
      baseDir: "/nonexistent",
    });
  await resolve({ ca: [intermediate(root).pem, selfSigned().pem] });
  await assert.rejects(resolve({ ca: [root.pem, codeSigner(root).pem] }), {
    code: "TRUST_STORE_INVALID",
    path: "roots.ca[1]",
  });
  await assert.rejects(resolve({ tsa: [intermediate(root).pem] }), {
    code: "TRUST_STORE_INVALID",
    path: "roots.tsa[0]",
    message: /self-signed/,
  });
  await assert.rejects(resolve({ ca: ["-----BEGIN CERTIFICATE-----"] }), {
    code: "TRUST_STORE_INVALID",
  });
  await assert.rejects(resolve({ ca: ["absent.pem"] }), {
    code: "FILE_NOT_FOUND",
    path: "roots.ca[0]",
  });
});

test("refuses trust stores that are not as notation wants them", async () => {
  const folder = config(
    {},
    {
      "ca/empty": {},
      "ca/nested/inner": {},
      "ca/junk": { "a.pem": "junk" },
      "ca/linked": { "a.pem": root.pem },
    },
  );
  symlinkSync(
    join(folder, "truststore", "x509", "ca", "linked", "a.pem"),
    join(folder, "truststore", "x509", "ca", "linked", "b.pem"),
  );
  symlinkSync(
    join(folder, "truststore", "x509", "ca", "linked"),
    join(folder, "truststore", "x509", "ca", "link"),
  );
  for (const store of ["empty", "nested", "junk", "linked", "link", "absent"]) {
    const policy = parseTrustPolicy({ ...base, trustStores: [`ca:${store}`] });
    await assert.rejects(
      resolveTrustPolicy(policy, { baseDir: folder, notationConfigDir: folder }),
      { code: "TRUST_STORE_INVALID", path: "trustStores[0]" },
      store,
    );
  }
});

const statement = {
  name: "w",
  registryScopes: ["registry.example/a"],
  signatureVerification: { level: "strict" },
  trustStores: ["ca:w"],
  trustedIdentities: ["*"],
};
const document = (...trustPolicies: unknown[]) => ({ version: "1.0", trustPolicies });

test("reads notation's own policy, and no other that says something else", async () => {
  const text = document({ ...statement, name: "old" });
  const same = config({ "trustpolicy.json": text, "trustpolicy.oci.json": text });
  assert.equal((await policyFromNotation(same, "registry.example/a")).name, "old");
  const both = config({
    "trustpolicy.json": text,
    "trustpolicy.oci.json": document({ ...statement, name: "new" }),
  });
  await assert.rejects(policyFromNotation(both, "registry.example/a"), {
    code: "TRUST_POLICY_INVALID",
  });
  await assert.rejects(
    policyFromNotation(config({ "trustpolicy.oci.json": text }), "registry.example/a"),
    { code: "FILE_NOT_FOUND", message: /copy it/ },
  );
  const one = config({
    "trustpolicy.json": document({ ...statement, registryScopes: ["*"], name: "all" }, statement),
  });
  assert.equal((await policyFromNotation(one, "registry.example/a")).name, "w");
  assert.equal((await policyFromNotation(one, "registry.example/b")).name, "all");
});

test("a scope in other letters does not give way to the scope of everything", () => {
  const policies = (scope: string) =>
    ["*", scope].map((each) => parseTrustPolicy({ ...base, registryScopes: [each] }));
  const refused: [scope: string, asked: string][] = [
    ["registry.example/a", "Registry.example/a"],
    ["registry.example/a", "registry.example:443/a"],
    ["registry.example:443/a", "registry.example/a"],
    ["docker.io/library/a", "registry-1.docker.io/library/a"],
    ["docker.io/library/a", "index.docker.io/a"],
    ["oci:./layout", "oci:layout/"],
  ];
  for (const [scope, asked] of refused) {
    assert.throws(
      () => applicablePolicy(policies(scope), asked),
      { code: "TRUST_POLICY_NOT_APPLICABLE" },
      `${scope}, ${asked}`,
    );
  }
  for (const other of ["registry.example/b", "registry.example:5000/a", "registry.example/a/b"])
    assert.deepEqual(
      applicablePolicy(policies("registry.example/a"), other).registryScopes,
      ["*"],
      other,
    );
});

test("refuses a document that breaks notation's rules", async () => {
  const { registryScopes: _, ...scopeless } = statement;
  const { name: __, ...nameless } = statement;
  const wrong: Record<string, unknown> = {
    "no JSON": "{",
    "another version": { version: "2.0", trustPolicies: [statement] },
    "no statement": document(),
    "no name": document(nameless),
    "no scopes": document(scopeless),
    "a name twice": document(statement, { ...statement, registryScopes: ["registry.example/b"] }),
    "a scope twice": document(statement, { ...statement, name: "x" }),
    "a bad statement": document({ ...statement, trustedIdentities: ["x"] }),
  };
  for (const [name, content] of Object.entries(wrong)) {
    await assert.rejects(
      policyFromNotation(config({ "trustpolicy.json": content }), "registry.example/a"),
      { code: "TRUST_POLICY_INVALID" },
      name,
    );
  }
  await assert.rejects(policyFromNotation(config({}), "registry.example/a"), {
    code: "FILE_NOT_FOUND",
  });
  await assert.rejects(
    policyFromNotation(config({ "trustpolicy.json": document(statement) }), "registry.example/b"),
    { code: "TRUST_POLICY_NOT_APPLICABLE" },
  );
  const linked = config({ "real.json": document(statement) });
  symlinkSync(join(linked, "real.json"), join(linked, "trustpolicy.json"));
  await assert.rejects(policyFromNotation(linked, "registry.example/a"), {
    code: "TRUST_POLICY_INVALID",
    message: /symbolic/,
  });
});

test("notation's configuration is where the system keeps such", () => {
  assert.equal(
    notationConfigDir({ XDG_CONFIG_HOME: "/x", HOME: "/home/a" }, "linux"),
    join("/x", "notation"),
  );
  assert.equal(
    notationConfigDir({ XDG_CONFIG_HOME: "relative", HOME: "/home/a" }, "linux"),
    join("/home/a", ".config", "notation"),
  );
  assert.equal(
    notationConfigDir({ HOME: "/home/a" }, "darwin"),
    join("/home/a", "Library", "Application Support", "notation"),
  );
  assert.equal(notationConfigDir({ APPDATA: "/appdata" }, "win32"), join("/appdata", "notation"));
});
