// SPDX-License-Identifier: Apache-2.0
// What a mirror's own requests take where nothing but undici makes them, in a process of its own:
// the floor under everything that is built on it.
//   node test/bench/mirror-floor.mjs FILE
// The file has one request a line, in the order in which they were made; as many go at once as a
// mirror lets go. Nothing is read out of what comes.
import { readFileSync } from "node:fs";
import { Pool } from "undici";

const AT_ONCE = 32;

async function main() {
  const requests = readFileSync(process.argv[2] ?? "", "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const pools = new Map();
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const left = requests.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const request of left) await ask(pools, request);
    }),
  );
  const ms = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(
    JSON.stringify({
      ms,
      cpuMs: Math.round((user + system) / 1000),
      maxRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
      requests: requests.length,
    }),
  );
  await Promise.all([...pools.values()].map((pool) => pool.destroy()));
}

function ask(pools, { origin, method, path, headers }) {
  const pool = pools.get(origin) ?? new Pool(origin, { connections: AT_ONCE });
  pools.set(origin, pool);
  return new Promise((done, fail) => {
    pool.dispatch(
      { method, path, headers, reset: false },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => done(undefined),
        onResponseError: (_, error) => fail(error),
      },
    );
  });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
