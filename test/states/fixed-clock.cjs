// SPDX-License-Identifier: Apache-2.0
// For `--require`: in this process it is CONSIGN_CLOCK when it starts, and time goes on from there.
"use strict";
const behind = Date.now() - Date.parse(process.env.CONSIGN_CLOCK);

/** A proxy rather than a class of its own, so that dates stay what libraries take for dates. */
globalThis.Date = new Proxy(Date, {
  construct: (RealDate, given, called) =>
    Reflect.construct(RealDate, given.length === 0 ? [RealDate.now() - behind] : given, called),
  get: (RealDate, name) =>
    name === "now" ? () => RealDate.now() - behind : Reflect.get(RealDate, name),
});
