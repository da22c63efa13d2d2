// SPDX-License-Identifier: Apache-2.0
// A question about a decade of releases, cold and warm, and a new advisory over all of them:
// `npm run bench -- exposure --json [--releases 10000]`.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { caching, ContentCache } from "../../provider/exposure/places/content-cache";
import { Decade, osvOf, truthOf, type Options } from "../exposure/decade";
import { ExposureWorld, LIVE } from "../exposure/world";
import { quickParty } from "../harness/memory-world";
import { tempDir } from "../harness/temp";

const at = process.argv.indexOf("--releases");
const LARGEST = at < 0 ? 10_000 : Number(process.argv[at + 1]);

interface Round {
  seconds: number;
  requests: number;
  peakMiB: number;
  wrong: number;
}

async function measure(releases: number) {
  const [vendor, stranger] = [quickParty("Vendor"), quickParty("Stranger")];
  const options: Options = {
    releases,
    services: 20,
    packages: [200, 2_000],
    advisories: 20,
    seed: 22,
  };
  const decade = await Decade.make(LIVE, options, vendor, stranger);
  const world = new ExposureWorld(vendor, stranger);
  const cache = new ContentCache(tempDir("exposure-cache"));
  world.wrap = () => caching(decade, cache);
  const osv = tempDir("osv");
  const write = (count: number) => {
    for (const each of decade.advisories.slice(0, count))
      writeFileSync(join(osv, `${each.id}.json`), JSON.stringify(osvOf(each)));
  };
  write(1);
  const ask = async (asked: number): Promise<Round> => {
    const [known] = decade.advisories.slice(asked);
    if (known === undefined) throw new Error("no advisory");
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 100);
    const [started, requests] = [process.hrtime.bigint(), decade.requests];
    const { entries } = await world.ask({ vulnerability: known.id, osv });
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    clearInterval(watch);
    const found = new Map(entries.map(({ digest, status }) => [digest, status]));
    const wrong = decade.releases.filter(
      (release) => found.get(release.digest) !== truthOf(release, known),
    ).length;
    return {
      seconds,
      requests: decade.requests - requests,
      peakMiB: (peak - before) / 2 ** 20,
      wrong,
    };
  };
  const cold = await ask(0);
  const warm = await ask(0);
  write(2);
  return { releases, cold, warm, newAdvisory: await ask(1) };
}

async function main(): Promise<void> {
  const rounds = [await measure(Math.ceil(LARGEST / 10)), await measure(LARGEST)];
  const figures = { bench: "exposure", cpu: cpus()[0]?.model ?? "", rounds };
  if (process.argv.includes("--json"))
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  else
    for (const { releases, cold, warm, newAdvisory } of rounds)
      for (const [name, { seconds, requests, peakMiB, wrong }] of Object.entries({
        cold,
        warm,
        newAdvisory,
      }))
        process.stdout.write(
          `${releases} ${name}: ${seconds.toFixed(1)} s, ${requests} requests, ${peakMiB.toFixed(0)} MiB more, ${wrong} wrong\n`,
        );
}

void main();
