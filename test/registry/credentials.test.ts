// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isConsignError } from "../../provider/errors";
import { credentialsFor } from "../../provider/registry/auth/credentials";
import { tempDir } from "../harness/temp";
import { failsWith } from "../harness/failure";

const SECRET = "s3cret-value";
const pair = (user: string, password: string): string =>
  Buffer.from(`${user}:${password}`).toString("base64");

function docker(config: unknown, helpers: Record<string, string> = {}): NodeJS.ProcessEnv {
  const folder = tempDir("docker");
  writeFileSync(
    join(folder, "config.json"),
    typeof config === "string" ? config : JSON.stringify(config),
  );
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const [name, script] of Object.entries(helpers)) {
    writeFileSync(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, `docker-credential-${name}`), 0o755);
  }
  return { DOCKER_CONFIG: folder, PATH: `${bin}:/usr/bin:/bin` };
}

const answers = (username: string, secret: string): string =>
  `read server; printf '{"ServerURL":"%s","Username":"${username}","Secret":"${secret}"}' "$server"`;

test("settings come first, and then nothing else is read", async () => {
  const found = await credentialsFor(
    "r.example",
    { username: "u", password: SECRET },
    docker("{broken"),
  );
  assert.deepEqual(found, { kind: "password", username: "u", password: SECRET });
});

test("without any file there are none", async () => {
  assert.deepEqual(await credentialsFor("r.example", {}, { DOCKER_CONFIG: "/nonexistent" }), {
    kind: "anonymous",
  });
  assert.deepEqual(
    await credentialsFor(
      "r.example",
      {},
      docker({ auths: { "other.example": { auth: pair("u", SECRET) } } }),
    ),
    { kind: "anonymous" },
  );
});

test("auths: by host, by URL, with a colon in the password, as identity token, and Docker Hub's URL", async () => {
  const env = docker({
    auths: {
      "r.example": { auth: pair("u", `${SECRET}:x`) },
      "https://url.example/v2/": { auth: pair("v", SECRET) },
      "token.example": { auth: pair("<token>", ""), identitytoken: SECRET },
      "https://index.docker.io/v1/": { auth: pair("hub", SECRET) },
      "empty.example": {},
    },
  });
  assert.deepEqual(await credentialsFor("r.example", {}, env), {
    kind: "password",
    username: "u",
    password: `${SECRET}:x`,
  });
  assert.deepEqual(await credentialsFor("url.example", {}, env), {
    kind: "password",
    username: "v",
    password: SECRET,
  });
  assert.deepEqual(await credentialsFor("token.example", {}, env), {
    kind: "identityToken",
    username: "<token>",
    token: SECRET,
  });
  assert.deepEqual(await credentialsFor("docker.io", {}, env), {
    kind: "password",
    username: "hub",
    password: SECRET,
  });
  assert.deepEqual(await credentialsFor("empty.example", {}, env), { kind: "anonymous" });
});

test("auths: the registry's own name goes before a URL, and both before a part of it, whatever comes first", async () => {
  const entry = (user: string) => ({ auth: pair(user, SECRET) });
  const userOf = async (auths: object) =>
    ((await credentialsFor("r.example", {}, docker({ auths }))) as { username: string }).username;
  assert.equal(
    await userOf({
      "r.example/team": entry("team"),
      "https://r.example/v1/": entry("url"),
      "r.example": entry("own"),
    }),
    "own",
  );
  assert.equal(
    await userOf({
      "https://r.example/team": entry("team"),
      "https://r.example/v2/": entry("url"),
    }),
    "url",
  );
});

test("a credential helper of the host goes before the store, and the store before auths", async () => {
  const env = docker(
    {
      credHelpers: { "r.example": "one" },
      credsStore: "two",
      auths: { "third.example": { auth: pair("c", SECRET) } },
    },
    {
      one: answers("a", SECRET),
      two: `read server; if [ "$server" = second.example ]; then printf '{"Username":"<token>","Secret":"${SECRET}"}'; else echo credentials not found in native keychain; exit 1; fi`,
    },
  );
  assert.deepEqual(await credentialsFor("r.example", {}, env), {
    kind: "password",
    username: "a",
    password: SECRET,
  });
  assert.deepEqual(await credentialsFor("second.example", {}, env), {
    kind: "identityToken",
    username: "",
    token: SECRET,
  });
  assert.deepEqual(await credentialsFor("third.example", {}, env), {
    kind: "password",
    username: "c",
    password: SECRET,
  });
});

const BROKEN_HELPERS: [string, string][] = [
  ["ends with an error", `echo ${SECRET}; echo ${SECRET} >&2; exit 3`],
  ["answers with no JSON", `echo ${SECRET}`],
  ["answers with other members", `echo '{"user":"${SECRET}"}'`],
  ["answers without end", `yes ${SECRET}`],
];
for (const [name, script] of BROKEN_HELPERS) {
  test(`a credential helper that ${name} fails without a word of its output`, async () => {
    const env = docker({ credHelpers: { "r.example": "one" } }, { one: script });
    await assert.rejects(
      credentialsFor("r.example", {}, env),
      (error) =>
        isConsignError(error, "CREDENTIAL_HELPER_FAILED") &&
        !JSON.stringify([error.message, error.stack, error.cause]).includes(SECRET),
    );
  });
}

test("a credential helper that is not installed, or is no plain name", async () => {
  await assert.rejects(
    credentialsFor("r.example", {}, docker({ credsStore: "absent" })),
    failsWith("CREDENTIAL_HELPER_FAILED"),
  );
  await assert.rejects(
    credentialsFor("r.example", {}, docker({ credsStore: "../../bin/sh" })),
    failsWith("CREDENTIALS_INVALID"),
  );
});

for (const [name, config] of [
  ["no JSON", `{"auths": ${SECRET}`],
  ["of the wrong shape", { auths: SECRET }],
  ["with an auth that is no pair", { auths: { "r.example": { auth: SECRET } } }],
] as const) {
  test(`a config.json that is ${name} is refused without a word of it`, async () => {
    await assert.rejects(
      credentialsFor("r.example", {}, docker(config)),
      (error) =>
        isConsignError(error, "CREDENTIALS_INVALID") &&
        !`${error.message} ${error.stack}`.includes(SECRET),
    );
  });
}
