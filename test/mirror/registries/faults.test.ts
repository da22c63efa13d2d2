// SPDX-License-Identifier: Apache-2.0
// Every fault at every kind of step of a mirror's first run: it ends complete, or in a clear error
// with nothing half-visible, and the run after that ends complete.
import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachBounded } from "../../../provider/content/bounded";
import { isConsignError } from "../../../provider/errors";
import { survey } from "../../../provider/graph/index";
import type { Manifest } from "../../../provider/oci/manifest";
import { RegistryClient, type Repository } from "../../../provider/registry/index";
import { PartialFailure, type Properties } from "../../../provider/world/reconciler";
import type { Fault, FaultRule } from "../../harness/faults";
import { startProxy, type Proxy } from "../../harness/proxy";
import { registryMissing, startRegistry, type TestRegistry } from "../../harness/registries";
import { pushSampleGraph, type SampleGraph } from "../../harness/artifacts";
import { pushClaim } from "../world";
import { faultCases, runMirror, type Step } from "./fault-matrix";

const STEPS: Record<string, Step> = {
  "list the source's tags": { side: "source", method: "GET", path: /\/tags\/list/ },
  "read by tag": { side: "source", method: "GET", path: /\/manifests\/v1/ },
  "read by digest": { side: "source", method: "GET", path: /\/manifests\/sha256:/ },
  "list the source's referrers": { side: "source", method: "GET", path: /\/referrers\// },
  "read a blob": { side: "source", method: "GET", path: /\/blobs\/sha256:/ },
  "list the destination's tags": { side: "destination", method: "GET", path: /\/tags\/list/ },
  "look for a blob": { side: "destination", method: "HEAD", path: /\/blobs\// },
  "send a blob": { side: "destination", method: "POST", path: /\/blobs\/uploads/ },
  "send a manifest": { side: "destination", method: "PUT", path: /\/manifests\/sha256:/ },
  "look for a manifest": { side: "destination", method: "HEAD", path: /\/manifests\/sha256:/ },
  "list the destination's referrers": { side: "destination", method: "GET", path: /\/referrers\// },
  "set a tag": { side: "destination", method: "PUT", path: /\/manifests\/v1/ },
  "look for a tag": { side: "destination", method: "HEAD", path: /\/manifests\/v1/ },
};

interface World {
  source: TestRegistry;
  destination: TestRegistry;
  graph: SampleGraph;
  direct: RegistryClient;
}

/** Whoever resolves a tag has to find everything that belongs to it. */
async function isComplete(place: Repository, graph: SampleGraph): Promise<boolean> {
  const found = await survey(place, await place.resolve("v1"));
  return graph.all.every(({ descriptor }) => found.read.has(descriptor.digest));
}

async function tagged(place: Repository): Promise<boolean> {
  return (await place.tags()).includes("v1");
}

async function oneCase(
  world: World,
  number: number,
  step: Step,
  fault: Fault,
  often: Partial<FaultRule>,
): Promise<string> {
  const name = `copies/case-${number}`;
  const rule: FaultRule = { method: step.method, path: step.path, ...often, fault };
  const proxy: Proxy = await startProxy({ upstream: world[step.side].direct, faults: [rule] });
  try {
    const hosts = {
      source: world.source.direct,
      destination: world.destination.direct,
      [step.side]: proxy.host,
    };
    const place = world.direct.repository(world.destination.direct, name);
    const args = { source: `${hosts.source}/a/b`, destinations: [`${hosts.destination}/${name}`] };
    let recorded: Properties | undefined;
    let outcome = "complete";
    try {
      recorded = await runMirror(args, undefined);
    } catch (error) {
      const cause = error instanceof PartialFailure ? error.cause : error;
      assert.ok(isConsignError(cause), `a clear error, not ${String((cause as Error).stack)}`);
      outcome = cause.code;
      if (error instanceof PartialFailure) recorded = error.properties;
    }
    world.direct.forget();
    // A source that says that something does not exist, in so many words, is believed; what it says
    // later is copied then.
    if (!deniesExistence(step, fault)) {
      if (await tagged(place))
        assert.ok(await isComplete(place, world.graph), "no tag on an incomplete graph");
      else assert.notEqual(outcome, "complete");
    }
    let local: Manifest | undefined;
    if (await place.has(world.graph.index.descriptor))
      local = await pushClaim(place, world.graph.index.descriptor, { note: `local ${number}` });
    proxy.setFaults([]);
    await runMirror(args, recorded);
    world.direct.forget();
    assert.ok(await isComplete(place, world.graph), "the next run ends complete");
    if (local !== undefined)
      assert.ok(await place.has(local.descriptor), "what others said is still there");
    return outcome;
  } finally {
    await proxy.stop();
  }
}

/**
 * An answer that is right in form and says that something is not there; of a list of referrers
 * there is nothing that proves it.
 */
function deniesExistence({ side, path }: Step, fault: Fault): boolean {
  if (side !== "source") return false;
  if (fault.kind === "status" && fault.status === 404) return true;
  return (
    path.source.includes("referrers") && (fault.kind === "corrupt" || fault.kind === "dropHeaders")
  );
}

const cases = faultCases(STEPS, 0.12);

test(
  `${cases.length} faults: complete, or a clear error with nothing half-visible`,
  { skip: registryMissing("ggcr") },
  async (context) => {
    const source = await startRegistry("ggcr");
    const destination = await startRegistry("ggcr");
    const direct = new RegistryClient({ baseDir: "/", env: {} });
    context.after(() => Promise.all([direct.close(), source.stop(), destination.stop()]));
    const graph = await pushSampleGraph(direct.repository(source.direct, "a/b"));
    const world: World = { source, destination, graph, direct };
    const outcomes = new Map<string, number>();
    const failed: string[] = [];
    await forEachBounded(cases.entries(), 12, async ([number, { title, step, fault, often }]) => {
      try {
        const outcome = await oneCase(world, number, step, fault, often);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (error) {
        failed.push(`${title}: ${(error as Error).message}`);
      }
    });
    context.diagnostic(
      `${cases.length} cases: ${[...outcomes]
        .sort(([, a], [, b]) => b - a)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(", ")}`,
    );
    assert.deepEqual(failed, []);
    assert.ok(cases.length >= 300 && (outcomes.get("complete") ?? 0) > cases.length / 3);
  },
);
