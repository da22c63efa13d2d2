// SPDX-License-Identifier: Apache-2.0
// Mirrors against other copiers: the same content, the same registries, one after the other, and
// whole graphs compared after each.
//   npm run bench -- mirror [--scale small|full] [--only a,b,c,d] [--delays 0,20] [--rounds 3] [--lists indexed|scanned] [--json]
// Without delay, and for large blobs, everyone has his turn in each of several rounds, after one
// that does not count: who comes first meets memory that the machine has yet to find, and one round
// can be off by a third. What is told is the median. go-containerregistry's registry reads every
// manifest for each list of referrers, which at full scale takes most of the time of a run, whoever
// asks; `indexed`, the default, puts an index before it, as registries with a database have, and
// `scanned` leaves it as it is.
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Repository } from "../../provider/registry";
import { Mirror } from "../../sdk";
import { openEngine } from "../harness/engine";
import { tempDir } from "../harness/temp";
import { crowded, large, manyTags, multiArch, referrer, type Scale } from "./mirror-corpora";
import { peersHere, runPeer } from "./mirror-peers";
import { Place, type Measured } from "./mirror-place";

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "small" },
    only: { type: "string", default: "a,b,c,d" },
    delays: { type: "string", default: "0,20" },
    rounds: { type: "string", default: "3" },
    lists: { type: "string", default: "indexed" },
    json: { type: "boolean", default: false },
  },
});
const scale = values.scale as Scale;
const rounds = Math.max(1, Number(values.rounds));

const isIndexed = values.lists === "indexed";

interface Case {
  name: string;
  unit: string;
  consign: number;
  peers: Record<string, number>;
  goal: string;
  met: boolean;
}
const cases: Case[] = [];

type Phase = "cold" | "no-op";

/** The same two steps, cold and again, by everyone, in as many rounds as it takes to tell. */
async function compare(
  title: string,
  delayMs: number,
  fill: (store: Repository) => Promise<string[]>,
): Promise<Record<string, Record<Phase, Measured>>> {
  const place = await Place.open(delayMs, isIndexed);
  const runs = new Map<string, Record<Phase, Measured>[]>();
  const note = (who: string, run: Record<Phase, Measured>): void =>
    void runs.set(who, [...(runs.get(who) ?? []), run]);
  try {
    const tags = await fill(place.repository);
    for (let round = 0; round < (delayMs === 0 ? rounds : 1); round++) {
      for (const peer of peersHere()) {
        const destination = await place.destination();
        const task = {
          source: `${place.source.host}/bench/corpus`,
          destination: `${destination.host}/bench/copy`,
          tags,
        };
        const run = (): Promise<Measured> =>
          place.measure(destination, tags, () => runPeer(peer, task));
        note(peer, { cold: await run(), "no-op": await run() });
        await destination.stop();
      }
      const destination = await place.destination();
      const stateFile = join(tempDir("bench"), "state.json");
      const cold = await place.consign(destination, tags, ["check", "ensure"], stateFile);
      note("consign", {
        cold,
        "no-op": await place.consign(destination, tags, ["read", "check", "ensure"], stateFile),
      });
      note("consign, without a refresh", {
        cold,
        "no-op": await place.consign(destination, tags, ["check", "ensure"], stateFile),
      });
      const bare = await place.floor(destination, tags, ["read", "check", "ensure"], stateFile);
      note("undici alone", { cold: bare, "no-op": bare });
      await destination.stop();
    }
  } finally {
    await place.close();
  }
  const results: Record<string, Record<Phase, Measured>> = {};
  for (const [who, all] of runs) {
    const { cold, "no-op": again } = (results[who] = {
      cold: middle(all.map((run) => run.cold)),
      "no-op": middle(all.map((run) => run["no-op"])),
    });
    if (who === "undici alone")
      say(
        `${title}, ${delayMs} ms: the requests of consign's no-op, made by undici alone: ${show(again)}`,
      );
    else say(`${title}, ${delayMs} ms: ${who}: cold ${show(cold)}; again ${show(again)}`);
  }
  return results;
}

/** The run that took the median time, and with it the worst of what all of them lacked or took. */
function middle(runs: readonly Measured[]): Measured {
  const sorted = [...runs].sort((a, b) => a.seconds - b.seconds);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (median === undefined) throw new Error("nothing was measured");
  return {
    ...median,
    missing: Math.max(...runs.map(({ missing }) => missing)),
    maxRssMb: Math.max(...runs.map(({ maxRssMb }) => maxRssMb)),
  };
}

function show({ seconds, requests, bytes, maxRssMb, missing, state, cpuMs }: Measured): string {
  const [from, to] = bytes.map((count) => (count / 1e6).toFixed(1));
  return `${seconds.toFixed(2)} s, ${requests[0]} + ${requests[1]} requests, ${from} + ${to} MB in bodies, ${maxRssMb} MB of memory, ${missing} missing${state === undefined ? "" : `, ${state} B state`}${cpuMs === undefined ? "" : `, ${cpuMs} ms of CPU`}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function total({ requests: [source, destination] }: Measured): number {
  return source + destination;
}

/** Adds a case; `limit` is what Consign may need at most, or at least where `atLeast`. */
function judge(
  name: string,
  unit: string,
  consign: number,
  peers: Record<string, number>,
  limit: number,
  goal: string,
  atLeast = false,
): void {
  cases.push({
    name,
    unit,
    consign: round(consign),
    peers: Object.fromEntries(Object.entries(peers).map(([peer, value]) => [peer, round(value)])),
    goal,
    met: atLeast ? consign >= limit : consign <= limit,
  });
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

function ofPeers(
  results: Record<string, Record<Phase, Measured>>,
  phase: Phase,
  value: (measured: Measured) => number,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(results).flatMap(([who, measured]) =>
      !peersHere().some((peer) => peer === who) ? [] : [[who, value(measured[phase])]],
    ),
  );
}

const seconds = (measured: Measured): number => measured.seconds;
const fastest = (peers: Record<string, number>): number =>
  Math.min(...Object.values(peers), Number.POSITIVE_INFINITY);

function mine(
  results: Record<string, Record<Phase, Measured>>,
  phase: Phase,
  who = "consign",
): Measured {
  const found = results[who]?.[phase];
  if (found === undefined) throw new Error(`${who} was not measured`);
  return found;
}

async function corpusA(delayMs: number): Promise<void> {
  const results = await compare("(a) multi-arch tags", delayMs, (store) => multiArch(store, scale));
  const factor = scale === "full" ? 1 : 0.2;
  const cold = ofPeers(results, "cold", seconds);
  const again = ofPeers(results, "no-op", seconds);
  const share = delayMs === 0 ? 0.5 : 0.2;
  judge(
    `a cold, ${delayMs} ms`,
    "s",
    mine(results, "cold").seconds,
    cold,
    0.6 * fastest(cold),
    "at most 0.6 x the fastest peer",
  );
  judge(
    `a cold requests, ${delayMs} ms`,
    "requests",
    total(mine(results, "cold")),
    ofPeers(results, "cold", total),
    8000 * factor,
    `at most ${8000 * factor}`,
  );
  judge(
    `a no-op, both sides read, ${delayMs} ms`,
    "s",
    mine(results, "no-op").seconds,
    again,
    share * fastest(again),
    `at most ${share} x the fastest peer`,
  );
  judge(
    `a no-op against state, ${delayMs} ms`,
    "s",
    mine(results, "no-op", "consign, without a refresh").seconds,
    again,
    share * fastest(again),
    `at most ${share} x the fastest peer`,
  );
  judge(
    `a no-op, both sides read, the same requests by undici alone, ${delayMs} ms`,
    "s",
    mine(results, "no-op", "undici alone").seconds,
    {},
    Number.POSITIVE_INFINITY,
    "reported",
  );
  judge(
    `a no-op requests, both sides read, ${delayMs} ms`,
    "requests",
    total(mine(results, "no-op")),
    ofPeers(results, "no-op", total),
    1650 * factor,
    `at most ${1650 * factor}`,
  );
  judge(
    `a manifests missing, ${delayMs} ms`,
    "manifests",
    mine(results, "cold").missing,
    ofPeers(results, "cold", ({ missing }) => missing),
    0,
    "none",
  );
}

async function corpusB(): Promise<void> {
  const results = await compare("(b) one image, many referrers", 20, (store) =>
    crowded(store, scale),
  );
  const again = ofPeers(results, "no-op", seconds);
  judge(
    "b no-op, 20 ms",
    "s",
    mine(results, "no-op").seconds,
    again,
    0.1 * (again["oras"] ?? fastest(again)),
    "at most 0.1 x oras",
  );
  judge(
    "b manifests missing",
    "manifests",
    mine(results, "cold").missing,
    ofPeers(results, "cold", ({ missing }) => missing),
    0,
    "none",
  );
}

async function corpusC(): Promise<void> {
  const place = await Place.open(0, isIndexed);
  const destination = await place.destination();
  try {
    const tags = await manyTags(place.repository, scale);
    const stateFile = join(tempDir("bench"), "state.json");
    await place.consign(destination, tags, ["check", "ensure"], stateFile);
    const again = await place.consign(destination, tags, ["check", "ensure"], stateFile);
    const subject = await place.repository.resolve(tags[0] ?? "");
    await referrer(place.repository, subject);
    const added = await place.consign(destination, tags, ["check", "ensure"], stateFile);
    say(`(c) many tags: again ${show(again)}; with one new claim ${show(added)}`);
    judge(
      "c one new claim, requests over the no-op's",
      "requests",
      total(added) - total(again),
      {},
      10,
      "at most 10",
    );
    judge("c manifests missing", "manifests", added.missing, {}, 0, "none");
    judge(
      "c state per mirrored manifest",
      "bytes",
      (added.state ?? 0) / (tags.length * 6 + 1),
      {},
      200,
      "under 200",
    );
  } finally {
    await destination.stop();
    await place.close();
  }
}

async function corpusD(): Promise<void> {
  const place = await Place.open(0, isIndexed);
  const runs = new Map<string, Measured[]>();
  try {
    const bytes = await large(place.repository, scale);
    const turn = async (who: string): Promise<Measured> => {
      const destination = await place.destination();
      const task = {
        source: `${place.source.host}/bench/corpus`,
        destination: `${destination.host}/bench/copy`,
        tags: ["v1"],
      };
      const peer = peersHere().find((name) => name === who);
      const measured = await (peer === undefined
        ? place.consign(
            destination,
            ["v1"],
            ["check", "ensure"],
            join(tempDir("bench"), "state.json"),
          )
        : place.measure(destination, ["v1"], () => runPeer(peer, task)));
      await destination.stop();
      return measured;
    };
    const everyone = [...peersHere(), "consign"];
    if (rounds > 1) await turn("consign");
    for (let round = 0; round < rounds; round++)
      for (const who of everyone) runs.set(who, [...(runs.get(who) ?? []), await turn(who)]);
    const rateOf = (who: string): number => bytes / 1e6 / middle(runs.get(who) ?? []).seconds;
    const rates = Object.fromEntries(peersHere().map((peer) => [peer, rateOf(peer)]));
    for (const who of everyone)
      say(
        `(d) large blobs: ${who}: ${rateOf(who).toFixed(0)} MB/s, ${show(middle(runs.get(who) ?? []))}; rounds of ${(runs.get(who) ?? []).map(({ seconds }) => seconds.toFixed(1)).join(", ")} s`,
      );
    judge(
      "d throughput",
      "MB/s",
      rateOf("consign"),
      rates,
      0.9 * Math.max(...Object.values(rates), 0),
      "at least 0.9 x the fastest peer",
      true,
    );
    judge("d peak memory", "MB", middle(runs.get("consign") ?? []).maxRssMb, {}, 200, "under 200");
    judge(
      "d missing",
      "manifests and blobs",
      Math.max(...everyone.map((who) => middle(runs.get(who) ?? []).missing)),
      {},
      0,
      "none",
    );
  } finally {
    await place.close();
  }
}

/**
 * What stands beside the provider's own work: the whole of `pulumi up`, with the engine's start,
 * its preview, and two provider processes.
 */
async function wholeUp(delayMs: number): Promise<void> {
  const place = await Place.open(delayMs, isIndexed);
  const destination = await place.destination();
  try {
    const tags = await multiArch(place.repository, scale);
    const args = {
      source: `${place.source.host}/bench/corpus`,
      destinations: [`${destination.host}/bench/copy`],
      claims: { cosignTags: "exclude" as const },
    };
    const engine = await openEngine({
      asUsed: true,
      program: async () => void new Mirror("copy", args),
    });
    const timed = (): Promise<Measured> =>
      place.measure(destination, tags, async () => {
        const begun = performance.now();
        await engine.up();
        return { ms: performance.now() - begun, maxRssMb: 0 };
      });
    const [cold, again] = [await timed(), await timed()];
    judge(
      `a cold, the whole of \`pulumi up\`, ${delayMs} ms`,
      "s",
      cold.seconds,
      {},
      Number.POSITIVE_INFINITY,
      "reported",
    );
    judge(
      `a no-op, the whole of \`pulumi up\`, ${delayMs} ms`,
      "s",
      again.seconds,
      {},
      Number.POSITIVE_INFINITY,
      "reported",
    );
  } finally {
    await destination.stop();
    await place.close();
  }
}

async function main(): Promise<void> {
  const only = values.only.split(",");
  if (only.includes("a")) {
    for (const delayMs of values.delays.split(",").map(Number)) {
      await corpusA(delayMs);
      await wholeUp(delayMs);
    }
  }
  if (only.includes("b")) await corpusB();
  if (only.includes("c")) await corpusC();
  if (only.includes("d")) await corpusD();
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ bench: "mirror", scale, lists: values.lists, cases })}\n`,
    );
  else
    for (const { name, unit, consign, peers, goal, met } of cases)
      process.stdout.write(
        `${met ? "met " : "MISSED"} ${name}: ${consign} ${unit}; ${
          Object.entries(peers)
            .map(([peer, value]) => `${peer} ${value}`)
            .join(", ") || "no peer"
        }; goal: ${goal}\n`,
      );
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
});
