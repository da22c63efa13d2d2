// SPDX-License-Identifier: Apache-2.0
// Every fault at every kind of step of a run that adds a claim, moves a tag and takes an artifact
// away: what others put there is never touched, no tag is ever on an incomplete graph, and the run
// after that ends as planned.
import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachBounded } from "../../../provider/content/bounded";
import { isConsignError } from "../../../provider/errors";
import { survey } from "../../../provider/graph/index";
import type { Manifest } from "../../../provider/oci/manifest";
import { RegistryClient, type Repository } from "../../../provider/registry/index";
import { PartialFailure, type Properties } from "../../../provider/world/reconciler";
import { pushImage } from "../../harness/artifacts";
import { startProxy } from "../../harness/proxy";
import { forEachRegistry, type RegistryKind } from "../../harness/registries";
import { pushClaim } from "../world";
import { faultCases, runMirror, type FaultCase, type Step } from "./fault-matrix";

const STEPS: Record<string, Step> = {
  "read the new claim": { side: "source", method: "GET", path: /\/manifests\/sha256:/ },
  "list the source's referrers": { side: "source", method: "GET", path: /\/referrers\// },
  "send a blob": { side: "destination", method: "POST", path: /\/blobs\/uploads/ },
  "send a manifest": { side: "destination", method: "PUT", path: /\/manifests\/sha256:/ },
  "look for a manifest": { side: "destination", method: "HEAD", path: /\/manifests\/sha256:/ },
  "list the destination's referrers": {
    side: "destination",
    method: "GET",
    path: /\/referrers\/|\/manifests\/sha256-/,
  },
  "list the destination's tags": { side: "destination", method: "GET", path: /\/tags\/list/ },
  "read what a tag holds": {
    side: "destination",
    method: "GET",
    path: /\/manifests\/(?:v\d|ours)/,
  },
  "set a tag": { side: "destination", method: "PUT", path: /\/manifests\/v\d/ },
  "remove a tag": { side: "destination", method: "DELETE", path: /\/manifests\/v\d/ },
  "remove a manifest": { side: "destination", method: "DELETE", path: /\/manifests\/sha256:/ },
};

const KINDS: readonly RegistryKind[] = ["ggcr", "distribution"];

interface Upstream {
  host: string;
  direct: RegistryClient;
}

interface Artifacts {
  stays: Manifest;
  claim: Manifest;
  goes: Manifest;
  goesClaim: Manifest;
  heldByOthers: Manifest;
  spokenOf: Manifest;
}

async function before(origin: Repository): Promise<Artifacts> {
  const stays = await pushImage(origin, { tag: "v1" });
  const goes = await pushImage(origin, { tag: "v2", layers: ["two\n"] });
  const heldByOthers = await pushImage(origin, { tag: "v3", layers: ["three\n"] });
  const spokenOf = await pushImage(origin, { tag: "v4", layers: ["four\n"] });
  return {
    stays,
    goes,
    heldByOthers,
    spokenOf,
    claim: await pushClaim(origin, stays.descriptor, { note: "first" }),
    goesClaim: await pushClaim(origin, goes.descriptor),
  };
}

async function completeUnder(
  place: Repository,
  tag: string,
  subject: Manifest,
  claims: readonly Manifest[],
): Promise<boolean> {
  const now = await place.resolve(tag).catch(() => undefined);
  if (now === undefined || now.digest !== subject.descriptor.digest) return false;
  const { read } = await survey(place, now);
  return claims.every(({ descriptor }) => read.has(descriptor.digest));
}

async function oneCase(
  upstream: Upstream,
  destination: string,
  number: number,
  { step, fault, often }: FaultCase,
): Promise<string> {
  const { direct, host } = upstream;
  const [from, to] = [`upstream/case-${number}`, `copies/case-${number}`];
  const origin = direct.repository(host, from);
  const artifacts = await before(origin);
  const proxy = await startProxy({ upstream: step.side === "source" ? host : destination });
  try {
    const hosts = { source: host, destination, [step.side]: proxy.host };
    const args: Properties = {
      source: `${hosts.source}/${from}`,
      destinations: [`${hosts.destination}/${to}`],
      withdrawn: "remove",
    };
    let recorded = await runMirror({ ...args }, undefined);
    const place = direct.repository(destination, to);
    const ours = await pushClaim(place, artifacts.stays.descriptor, { note: `ours ${number}` });
    await place.tag(artifacts.heldByOthers, "ours");
    const theirs = await pushClaim(place, artifacts.spokenOf.descriptor, {
      note: `theirs ${number}`,
    });
    const late = await pushClaim(origin, artifacts.stays.descriptor, { note: "late" });
    const next = { ...args, tags: ["v1"] };
    proxy.setFaults([{ method: step.method, path: step.path, ...often, fault }]);
    let outcome = "complete";
    try {
      recorded = await runMirror(next, recorded);
    } catch (error) {
      const cause = error instanceof PartialFailure ? error.cause : error;
      assert.ok(isConsignError(cause), `a clear error, not ${String((cause as Error).stack)}`);
      outcome = cause.code;
      if (error instanceof PartialFailure) recorded = error.properties;
    }
    proxy.setFaults([]);
    direct.forget();
    const untouched = async (when: string): Promise<void> => {
      assert.ok(await place.has(ours.descriptor), `what others said is there ${when}`);
      assert.deepEqual(
        [await place.has(theirs.descriptor), await place.has(artifacts.spokenOf.descriptor)],
        [true, true],
        `what others spoke of is there ${when}`,
      );
      assert.equal(
        (await place.resolve("ours")).digest,
        artifacts.heldByOthers.descriptor.digest,
        `what others tagged is there ${when}`,
      );
      assert.ok(
        await completeUnder(place, "v1", artifacts.stays, [artifacts.claim, ours]),
        `the tag leads to all that it did ${when}`,
      );
    };
    await untouched("after the fault");
    await runMirror(next, recorded);
    direct.forget();
    await untouched("in the end");
    assert.ok(
      await completeUnder(place, "v1", artifacts.stays, [artifacts.claim, late, ours]),
      "the late claim arrived",
    );
    // A registry that says, when asked to delete something, that it is not there, is believed: then
    // it stays.
    if (!(step.side === "destination" && fault.kind === "status" && fault.status === 404)) {
      assert.deepEqual(
        [
          await place.has(artifacts.goes.descriptor),
          await place.has(artifacts.goesClaim.descriptor),
        ],
        [false, false],
        "what is no longer mirrored is gone",
      );
    }
    return outcome;
  } finally {
    await proxy.stop();
  }
}

forEachRegistry(
  "a run that adds, and takes away, under faults",
  async (registry, context) => {
    // Upstream and destination are one registry, and each kind of registry takes half of the cases,
    // as two cores have to do it.
    const half = KINDS.indexOf(registry.kind);
    const cases = faultCases(STEPS, 0).filter(
      (_, number) => process.env["CONSIGN_FAULTS"] === "all" || number % KINDS.length === half,
    );
    const direct = new RegistryClient({ baseDir: "/", env: {} });
    context.after(() => direct.close());
    const outcomes = new Map<string, number>();
    const failed: string[] = [];
    await forEachBounded(cases.entries(), 8, async ([number, one]) => {
      try {
        const outcome = await oneCase(
          { host: registry.direct, direct },
          registry.direct,
          number,
          one,
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (error) {
        failed.push(`${one.title}: ${(error as Error).message}`);
      }
    });
    context.diagnostic(
      `${cases.length} cases: ${[...outcomes]
        .sort(([, a], [, b]) => b - a)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(", ")}`,
    );
    assert.deepEqual(failed, []);
    assert.ok(cases.length >= 100);
  },
  { kinds: KINDS },
);

test("there is a case for each kind of step", () => {
  assert.equal(
    new Set(faultCases(STEPS, 0).map(({ step }) => step)).size,
    Object.keys(STEPS).length,
  );
});
