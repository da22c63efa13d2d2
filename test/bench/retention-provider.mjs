// SPDX-License-Identifier: Apache-2.0
// The provider's part of the retention bench: the installed provider is asked to check and diff, as
// the engine asks it, on a recorded state.
import { existsSync, readFileSync } from "node:fs";
import net from "node:net";
import { ArchivePolicy } from "pulumi-consign/dynamic";

const megabytes = () => Math.round(process.memoryUsage().rss / 1024 / 1024);

/**
 * The system's own mark, which misses nothing. Where there is no /proc, `maxRSS`, which may be that
 * of the process that started this one.
 */
function highWater() {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Math.round(Number(kilobytes) / 1024);
}

let connections = 0;
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  connections++;
  return connect.apply(this, args);
};

const baseline = megabytes();

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const began = performance.now();
const { inputs, failures = [] } = await ArchivePolicy.check(given.state, {
  ...given.args,
  asOf: "2026-01-01",
});
if (failures.length > 0) throw new Error(JSON.stringify(failures[0]));
await ArchivePolicy.diff("archive", given.state, inputs);
const seconds = Number(((performance.now() - began) / 1_000).toFixed(2));
const peak = highWater();

const decisions = {};
for (const { decision } of Object.values(inputs.entries))
  decisions[decision] = (decisions[decision] ?? 0) + 1;
process.stdout.write(JSON.stringify({ seconds, connections, baseline, peak, decisions }));
process.exit(0);
