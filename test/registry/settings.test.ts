// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isConsignError } from "../../provider/errors";
import { parseRegistrySettings, RegistryClient } from "../../provider/registry/index";
import { originOf } from "../../provider/registry/settings";
import { failsWith } from "../harness/failure";

const WRONG: [string, unknown, string][] = [
  ["a user name without password", { username: "wabbit" }, "password"],
  ["a password without user name", { password: "hunter2" }, "username"],
  ["a certificate without key", { certFile: "c.pem" }, "keyFile"],
  ["a key without certificate", { keyFile: "k.pem" }, "certFile"],
  ["plain HTTP with a CA", { plainHttp: true, caFile: "ca.pem" }, "plainHttp"],
  ["an address with a scheme", { address: "https://10.0.0.1" }, "address"],
  ["an address with a port that is none", { address: "10.0.0.1:70000" }, "address"],
  ["a proxy that is no URL", { proxy: "proxy:3128" }, "proxy"],
  ["no concurrency at all", { concurrency: 0 }, "concurrency"],
  ["a rate of nothing", { requestsPerSecond: 0 }, "requestsPerSecond"],
  ["an unknown property", { pasword: "hunter2" }, "pasword"],
];

for (const [name, value, property] of WRONG) {
  test(`settings are refused with the property named: ${name}`, () => {
    assert.throws(
      () => parseRegistrySettings("registry.example", value),
      (error) =>
        isConsignError(error, "INPUT_INVALID") &&
        error.message.includes(property) &&
        !error.message.includes("hunter2"),
    );
  });
}

const ORIGINS: [string, Parameters<typeof originOf>[1], string][] = [
  ["registry.example", {}, "https://registry.example"],
  ["registry.example:5000", {}, "https://registry.example:5000"],
  ["registry.example:5000", { plainHttp: true }, "http://registry.example:5000"],
  ["localhost:5000", {}, "http://localhost:5000"],
  ["127.0.0.1:5000", {}, "http://127.0.0.1:5000"],
  ["127.8.9.10:5000", {}, "http://127.8.9.10:5000"],
  ["[::1]:5000", {}, "http://[::1]:5000"],
  ["localhost:5000", { caFile: "ca.pem" }, "https://localhost:5000"],
  ["localhost:5000", { plainHttp: false }, "https://localhost:5000"],
  ["128.0.0.1:5000", {}, "https://128.0.0.1:5000"],
  ["127.0.0.1.example:5000", {}, "https://127.0.0.1.example:5000"],
  ["docker.io", {}, "https://registry-1.docker.io"],
];

for (const [registry, settings, origin] of ORIGINS) {
  test(`${registry} with ${JSON.stringify(settings)} is at ${origin}`, () =>
    assert.equal(originOf(registry, settings).origin, origin));
}

test("files that settings name are read when the registry is first used", () => {
  const client = new RegistryClient({
    baseDir: "/nonexistent",
    settings: { "registry.example": { caFile: "ca.pem" } },
  });
  assert.throws(() => client.repository("registry.example", "a"), failsWith("FILE_NOT_FOUND"));
  assert.throws(() => client.repository("registry.example", "A"), failsWith("REFERENCE_INVALID"));
});
