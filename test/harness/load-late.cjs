// SPDX-License-Identifier: Apache-2.0
// Preloaded (`node --require`) into processes that load Pulumi's library: what it needs to serialize functions of a program is
// loaded when it does so. That is half of what starting a provider costs, and tests start one for every engine operation.
"use strict";
const Module = require("node:module");

const LATE = new Map([
  ["typescript", /[\\/]@pulumi[\\/]pulumi[\\/]typescript-shim\.js$/],
  ["@npmcli/arborist", /[\\/]@pulumi[\\/]pulumi[\\/]runtime[\\/]closure[\\/]codePaths\.js$/],
]);
const load = Module.prototype.require;

Module.prototype.require = function (id) {
  if (LATE.get(id)?.test(this.filename) !== true) return load.call(this, id);
  let loaded;
  return new Proxy({}, { get: (_, name) => (name === "__esModule" ? true : (loaded ??= load.call(this, id))[name]) });
};
