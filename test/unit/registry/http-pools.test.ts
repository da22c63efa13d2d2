// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Pool, ProxyAgent } from "undici";
import { classAt, httpPools } from "../../../provider/registry/http-pools";
import { tempDir } from "../../harness/temp";
import { repositoryRoot } from "../../harness/toolchain";

test("the classes that connections are made of are undici's own", () => {
  assert.equal(httpPools.Pool, Pool);
  assert.equal(httpPools.ProxyAgent, ProxyAgent);
});

test("where undici's files have moved, the package as a whole has the class", () => {
  assert.equal(classAt("undici/lib/moved/pool.js", "Pool"), Pool);
  assert.equal(classAt("undici/package.json", "ProxyAgent"), ProxyAgent);
});

test("a file of undici's that fails is no file that has moved", () => {
  const file = join(tempDir("pools"), "pool.js");
  writeFileSync(file, 'throw new Error("this one fails")');
  assert.throws(() => classAt(file, "Pool"), /this one fails/);
});

test("a provider's process loads the part of undici that it needs", () => {
  const program = `require("./dist/provider/registry"); const { httpPools } = require("./dist/provider/registry/http-pools"); httpPools.Pool;
    process.stdout.write(String(Object.keys(require.cache).filter((file) => /[\\\\/]undici[\\\\/]/.test(file)).length))`;
  const modules = Number(execFileSync(process.execPath, ["-e", program], { cwd: repositoryRoot, encoding: "utf8" }));
  assert.ok(modules > 0 && modules < 60, `${modules} modules of undici`);
});
