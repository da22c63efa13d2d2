// SPDX-License-Identifier: Apache-2.0
// Preloaded (`node --require`) into processes that load Pulumi's library: what it needs to
// serialize functions of a program, and zod's messages in other languages, are loaded when they are
// used. Tests start a process of these for every engine operation.
"use strict";
const Module = require("node:module");

const LATE = new Map([
  ["typescript", /[\\/]@pulumi[\\/]pulumi[\\/]typescript-shim\.js$/],
  ["../locales/index.cjs", /[\\/]zod[\\/]v4[\\/](?:core[\\/]index|classic[\\/]external)\.cjs$/],
  ["@npmcli/arborist", /[\\/]@pulumi[\\/]pulumi[\\/]runtime[\\/]closure[\\/]codePaths\.js$/],
]);
const load = Module.prototype.require;

Module.prototype.require = function (id) {
  if (LATE.get(id)?.test(this.filename) !== true) return load.call(this, id);
  let loaded;
  return new Proxy(
    {},
    { get: (_, name) => (name === "__esModule" ? true : (loaded ??= load.call(this, id))[name]) },
  );
};
