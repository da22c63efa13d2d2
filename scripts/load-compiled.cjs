// SPDX-License-Identifier: Apache-2.0
// Preloaded into test processes: TypeScript of this repository is loaded under its own name, as
// compile-tests.mjs has compiled it.
"use strict";
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname, join, relative } = require("node:path");

const root = dirname(__dirname);
const before = Module._extensions[".ts"];

Module._extensions[".ts"] = function (module, filename) {
  const path = relative(root, filename);
  if (path.startsWith("..")) return before.call(this, module, filename);
  module._compile(
    readFileSync(join(process.env.CONSIGN_COMPILED, path.replace(/\.ts$/, ".js")), "utf8"),
    filename,
  );
};
