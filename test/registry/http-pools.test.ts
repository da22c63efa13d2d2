// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Pool, ProxyAgent } from "undici";
import { poolAt, poolClass, proxyAgentClass } from "../../provider/registry/transport/http-pools";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";

test("connections are made of undici's own classes", () => {
  assert.equal(poolClass(), Pool);
  assert.equal(proxyAgentClass(), ProxyAgent);
});

test("where undici's file has moved, the package as a whole has the pool", () => {
  assert.equal(poolAt("undici/lib/moved/pool.js"), Pool);
  assert.equal(poolAt("undici/package.json"), Pool);
});

test("a file that fails is no file that has moved", () => {
  const file = join(tempDir("pools"), "pool.js");
  writeFileSync(file, 'throw new Error("this one fails")');
  assert.throws(() => poolAt(file), /this one fails/);
});

test("a provider's process loads the part of undici that it needs", () => {
  const program = `require("./dist/provider/registry/transport/http-pools").poolClass();
    process.stdout.write(String(Object.keys(require.cache).filter((file) => /[\\\\/]undici[\\\\/]/.test(file)).length))`;
  const modules = Number(
    execFileSync(process.execPath, ["-e", program], { cwd: repositoryRoot, encoding: "utf8" }),
  );
  assert.ok(modules > 0 && modules < 60, `${modules} modules of undici`);
});
