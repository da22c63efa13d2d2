// SPDX-License-Identifier: Apache-2.0
// Two robots of two projects at one host: https://github.com/containers/skopeo/issues/773
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pushImage } from "../harness/artifacts";
import { FakeRegistry } from "../harness/fake-registry";
import { tempDir } from "../harness/temp";
import { credentialsFor } from "../../provider/registry/auth/credentials";
import { parseRegistriesSettings, settingsFile } from "../../provider/registry/index";
import { settingsCredentials } from "../../provider/registry/settings";
import { environmentProxy } from "../../provider/registry/transport/environment-proxy";
import { failsWith } from "../harness/failure";
import { quickClient } from "./scripted";

const basic = (user: string): string => Buffer.from(`${user}:secret`).toString("base64");
const robot = (username: string) => ({ username, password: "secret" });

test("each repository is asked for with the account of the longest path that it lies under", async (context) => {
  const registry = await FakeRegistry.start(context, ({ path, headers }, response) => {
    const owner = path.startsWith("/v2/one/deep/")
      ? "deep"
      : path.startsWith("/v2/one/")
        ? "one"
        : "all";
    if (path === "/v2/" || headers.authorization === `Basic ${basic(owner)}`) return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    return true;
  });
  const { host } = registry;
  const places = {
    [host]: robot("all"),
    [`${host}/one`]: robot("one"),
    [`${host}/one/deep`]: robot("deep"),
  };
  const auths = Object.fromEntries(
    Object.entries(places).map(([place, { username }]) => [place, { auth: basic(username) }]),
  );
  for (const options of [
    { settings: places },
    { env: { DOCKER_CONFIG: "/nonexistent", DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } },
  ]) {
    const client = quickClient(context, options);
    for (const repository of ["two/app", "one/app", "one/deep/app", "oneself"])
      await pushImage(client.repository(host, repository), { tag: "v1" });
  }
});

test("what names a part of a host is for that part alone", async () => {
  const env = {
    DOCKER_CONFIG: "/nonexistent",
    DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { "r.example/team": { auth: basic("team") } } }),
  };
  assert.equal((await credentialsFor("r.example/team/app", {}, env)).kind, "password");
  assert.equal((await credentialsFor("r.example/other/app", {}, env)).kind, "anonymous");
});

test("the file goes before the stack, the stack before DOCKER_AUTH_CONFIG, and that before config.json", async () => {
  const folder = tempDir("docker");
  const file = (user: string) => JSON.stringify({ auths: { "r.example": { auth: basic(user) } } });
  writeFileSync(join(folder, "config.json"), file("docker"));
  writeFileSync(join(folder, "registries.json"), JSON.stringify({ "r.example": robot("file") }));
  const env: NodeJS.ProcessEnv = { DOCKER_CONFIG: folder };
  const userOf = async (...layers: Parameters<typeof settingsCredentials>[0]) => {
    const found = await credentialsFor(
      "r.example/a",
      settingsCredentials(layers, "r.example/a"),
      env,
    );
    return found.kind === "password" ? found.username : found.kind;
  };
  assert.equal(await userOf({}), "docker");
  env["DOCKER_AUTH_CONFIG"] = file("inline");
  assert.equal(await userOf({}), "inline");
  const stack = { "r.example/a": robot("stack") };
  assert.equal(await userOf({}, stack), "stack");
  const override = settingsFile(folder, { CONSIGN_REGISTRIES_FILE: "registries.json" });
  assert.equal(await userOf(override, stack), "file");
  assert.throws(
    () => settingsFile(folder, { CONSIGN_REGISTRIES_FILE: "config.json" }),
    failsWith("CREDENTIALS_INVALID"),
  );
});

test("keys and members that nobody reads are refused by their names", () => {
  const cases: [object, RegExp][] = [
    [{ "https://r.example": {} }, /"https:\/\/r\.example"/],
    [{ "r.example/Team": {} }, /"r\.example\/Team"/],
    [{ "r.example": { user: "a" } }, /user/],
    [{ "r.example/team": { plainHttp: true } }, /plainHttp.*"r\.example"/],
  ];
  for (const [value, said] of cases)
    assert.throws(() => parseRegistriesSettings(value, "consign:registries"), said);
});

test("HTTPS_PROXY and NO_PROXY as peers read them", () => {
  const proxy = "http://proxy.example:3128";
  const cases: [url: string, noProxy: string, isUsed: boolean][] = [
    ["https://r.example/", "", true],
    ["https://localhost:5000/", "", false],
    ["https://127.0.0.1:5000/", "", false],
    ["https://r.example/", "r.example", false],
    ["https://a.r.example/", "r.example", false],
    ["https://r.example/", ".r.example", true],
    ["https://a.r.example/", ".r.example", false],
    ["https://xr.example/", "r.example", true],
    ["https://r.example:8443/", "r.example:8443", false],
    ["https://r.example/", "r.example:8443", true],
    ["https://10.1.2.3/", "10.0.0.0/8", false],
    ["https://11.1.2.3/", "10.0.0.0/8", true],
    ["https://r.example/", "*", false],
    ["http://r.example/", "", false],
  ];
  for (const [url, NO_PROXY, isUsed] of cases)
    assert.equal(
      environmentProxy(new URL(url), { HTTPS_PROXY: proxy, NO_PROXY }),
      isUsed ? proxy : undefined,
      `${url} ${NO_PROXY}`,
    );
});

test("an error names the proxy that was on the way", async (context) => {
  const client = quickClient(context, {
    env: { DOCKER_CONFIG: "/nonexistent", https_proxy: "http://user:secret@127.0.0.1:9" },
    limits: { tries: 1 },
  });
  await assert.rejects(client.repository("r.example", "a").tags(), (error: Error) => {
    assert.match(error.message, /through the proxy 127\.0\.0\.1:9/);
    assert.ok(!error.message.includes("secret"));
    return true;
  });
});
