// SPDX-License-Identifier: Apache-2.0
// Consign's own work in a process of its own, so that its memory is its own: the calls that the
// engine makes, timed one by one.
//   node test/bench/mirror-consign.mjs '{"args": {…}, "stateFile": …, "calls": ["check", "ensure", "read"], "requestsTo": …}'
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
// What is measured is what is shipped: compiled, and loaded as Pulumi's provider host loads it.
const { dynamicProvider } = require("../../dist/provider/dynamic/adapter");
const { makeContext } = require("../../dist/provider/dynamic/host");
const { mirror } = require("../../dist/provider/mirror/mirror");
// Loaded when there is a registry to talk to; the start of a process is not what is measured here.
require("../../dist/provider/registry/transport/http-pools").poolClass();

async function main() {
  const job = JSON.parse(process.argv[2] ?? "");
  if (job.requestsTo !== undefined) noteRequests(job.requestsTo);
  const context = {
    ...makeContext(process.cwd(), { get: () => JSON.stringify(job.registries) }),
    warn: () => undefined,
    progress: () => undefined,
  };
  const provider = dynamicProvider(
    () => mirror,
    () => context,
  );
  const before = recorded(job.stateFile);
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let inputs = job.args;
  let outputs = before?.outputs;
  if (job.calls.includes("read") && outputs !== undefined)
    outputs = (await provider.read?.("id", outputs))?.props;
  if (job.calls.includes("check"))
    inputs = (await provider.check?.(before?.inputs ?? {}, job.args))?.inputs;
  let changed = true;
  if (outputs !== undefined)
    changed = (await provider.diff?.("id", outputs, inputs))?.changes === true;
  if (job.calls.includes("ensure") && changed)
    outputs =
      outputs === undefined
        ? (await provider.create(inputs)).outs
        : (await provider.update?.("id", outputs, inputs))?.outs;
  const ms = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  await context.stores.close();
  writeFileSync(job.stateFile, JSON.stringify({ inputs, outputs }));
  const state = JSON.stringify({ inputs, outputs }).length;
  process.stdout.write(
    JSON.stringify({
      ms,
      cpuMs: Math.round((user + system) / 1000),
      changed,
      state,
      maxRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
    }),
  );
}

/** Notes each request that is made, one a line; only for runs of which the time does not count. */
function noteRequests(file) {
  const { Transport } = require("../../dist/provider/registry/transport/transport");
  const { send } = Transport.prototype;
  Transport.prototype.send = function (outgoing) {
    const { method, address, headers } = outgoing;
    appendFileSync(
      file,
      `${JSON.stringify({ method, origin: address.origin, path: address.path, headers })}\n`,
    );
    return send.call(this, outgoing);
  };
}

/** What the run before recorded; undefined at first. */
function recorded(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
