// SPDX-License-Identifier: Apache-2.0
// The provider's part of the retention bench: the installed provider is asked to check and diff, as the engine asks it, on a recorded state.
import { readFileSync } from "node:fs";
import net from "node:net";
import { ArchivePolicy } from "pulumi-consign/dynamic";

const megabytes = () => Math.round(process.memoryUsage().rss / 1024 / 1024);

let connections = 0;
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  connections++;
  return connect.apply(this, args);
};

const baseline = megabytes();
let peak = baseline;
const watch = setInterval(() => (peak = Math.max(peak, megabytes())), 5);

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const began = performance.now();
const { inputs, failures = [] } = await ArchivePolicy.check(given.state, { ...given.args, asOf: "2026-01-01" });
if (failures.length > 0) throw new Error(JSON.stringify(failures[0]));
peak = Math.max(peak, megabytes());
await ArchivePolicy.diff("archive", given.state, inputs);
const seconds = Number(((performance.now() - began) / 1_000).toFixed(2));
clearInterval(watch);
peak = Math.max(peak, megabytes());

const decisions = {};
for (const { decision } of Object.values(inputs.entries)) decisions[decision] = (decisions[decision] ?? 0) + 1;
process.stdout.write(JSON.stringify({ seconds, connections, baseline, peak, decisions }));
process.exit(0);
