// SPDX-License-Identifier: Apache-2.0
import { RegistryClient } from "../../../provider/registry/index";
import { Stores, type ResourceContext } from "../../../provider/world/context";
import { Run } from "../../../provider/world/run";
import { mirror } from "../../../provider/mirror/mirror";
import type { Properties } from "../../../provider/world/reconciler";
import type { Fault, FaultRule } from "../../harness/faults";

/**
 * What can go wrong with one request; those that clients have to survive, and those that are final.
 */
export const FAULTS: Record<string, Fault> = {
  "500": { kind: "status", status: 500 },
  "503, done all the same": { kind: "status", status: 503, forwarded: true },
  "429": { kind: "rateLimit", retryAfter: 0 },
  "429 without a time": { kind: "rateLimit" },
  "401": { kind: "status", status: 401 },
  "403": { kind: "status", status: 403 },
  "404": { kind: "status", status: 404 },
  reset: { kind: "reset", when: "before" },
  "reset, done all the same": { kind: "reset", when: "before", forwarded: true },
  "reset after the headers": { kind: "reset", when: "after-headers" },
  "reset in the body": { kind: "reset", when: "mid-body" },
  "short body": { kind: "shortBody" },
  "short body, as told": { kind: "shortBody", honest: true },
  "long body": { kind: "longBody" },
  corrupt: { kind: "corrupt" },
  "lying digest": {
    kind: "setHeaders",
    headers: { "docker-content-digest": `sha256:${"0".repeat(64)}` },
  },
  "no content type": { kind: "dropHeaders", names: ["content-type"] },
  redirect: { kind: "redirect", to: "http://127.0.0.1:1" },
  delay: { kind: "delay", ms: 20 },
  hang: { kind: "hang" },
};

export interface Step {
  side: "source" | "destination";
  method: string;
  path: RegExp;
}

/** Once, or as often as it comes. */
export const HOW_OFTEN: Record<string, Partial<FaultRule>> = {
  once: { nth: 1 },
  "the second time": { nth: 2 },
  always: {},
};

/** As in production, only that all waits are short. */
const LIMITS = {
  idleTimeoutMs: 150,
  requestTimeoutMs: 400,
  connectTimeoutMs: 400,
  tries: 3,
  backoffMs: 2,
  backoffCapMs: 5,
  readBackMs: 2,
  waitMs: 2_000,
};

export interface FaultCase {
  title: string;
  step: Step;
  fault: Fault;
  often: Partial<FaultRule>;
}

/**
 * Each fault once at each step, and of the others a part that is always the same;
 * `CONSIGN_FAULTS=all` takes all.
 */
export function faultCases(steps: Readonly<Record<string, Step>>, part: number): FaultCase[] {
  const random = seeded(7);
  const everything = Object.entries(steps).flatMap(([stepName, step]) =>
    Object.entries(FAULTS).flatMap(([faultName, fault]) =>
      Object.entries(HOW_OFTEN).map(([oftenName, often]) => ({
        title: `${stepName}: ${faultName}, ${oftenName}`,
        once: oftenName === "once",
        step,
        fault,
        often,
      })),
    ),
  );
  return everything.filter(
    ({ once }) => once || random() < (process.env["CONSIGN_FAULTS"] === "all" ? 1 : part),
  );
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function contextOf(client: RegistryClient): ResourceContext {
  const nothing = async (): Promise<never> =>
    Promise.reject(new Error("no other network is needed"));
  return {
    baseDir: "/",
    stores: new Stores(client, "/"),
    fetch: nothing,
    revocation: { check: nothing },
    run: new Run(),
    now: () => new Date(0),
    warn: () => undefined,
    progress: () => undefined,
  };
}

/** One mirror run, with a client of its own: as one process would. */
export async function runMirror(
  args: Properties,
  recorded: Properties | undefined,
): Promise<Properties> {
  const client = new RegistryClient({ baseDir: "/", env: {}, limits: LIMITS });
  const context = contextOf(client);
  try {
    const known = mirror.schema.parse(args);
    const { planned } = await mirror.plan(known, new Set(), recorded, context);
    const inputs = Object.fromEntries(
      Object.entries({ ...known, ...planned }).filter(([, value]) => value !== undefined),
    );
    return { ...inputs, ...(await mirror.ensure(inputs, recorded, context)) };
  } finally {
    await client.close();
  }
}
