// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { judge } from "../../provider/judging/judgement";
import { openTrust } from "../../provider/judging/trust";
import { Stores, type ResourceContext } from "../../provider/world/context";
import { Run } from "../../provider/world/run";
import {
  envelopeOf,
  revocationChecker,
  verifyArtifact,
  verifyEnvelope,
} from "../../provider/notation";
import { forgetOpinions } from "../../provider/notation/envelope/integrity";
import { readSmall } from "../../provider/content/verify";
import type { Descriptor } from "../../provider/oci/descriptor";
import { RegistryClient, httpFetch } from "../../provider/registry";
import { ALLOWED_KEYS, type Issued, type KeyKind } from "../harness/keys";
import { codeSigner } from "../harness/certificates";
import { startRegistry, type TestRegistry } from "../harness/registries";
import { repositoryRoot, runTool } from "../harness/toolchain";
import { notationConfig } from "../interop/notation-cli";
import type { World } from "../engine/verification-world";
import {
  WABBIT,
  remoteWorld,
  testResult,
  trust,
  wabbit,
  wabbitRoot,
} from "../engine/verification-world";
import { refreshFigures } from "./trust-refresh";

export interface Case {
  name: string;
  unit: string;
  consign: number;
  peers: Record<string, number>;
  goal: string;
  met: boolean;
}

const SIGNATURES = 100;
/** `notation` is a process for each artifact, so fewer runs tell as much. */
const NOTATION_RUNS = 20;
const OWN_RUNS = 4;

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));
const ALGORITHM: Record<string, string> = {
  "rsa-2048": "PS256",
  "rsa-3072": "PS384",
  "rsa-4096": "PS512",
  "p-256": "ES256",
  "p-384": "ES384",
  "p-521": "ES512",
};

/** All figures of trust; `say` hears how far it is. */
export async function trustBench(say: (line: string) => void): Promise<Case[]> {
  const registry = await startRegistry("olareg");
  try {
    const cases: Case[] = [];
    for (const kind of ALLOWED_KEYS) {
      say(`${ALGORITHM[kind]}: ${SIGNATURES} signatures`);
      cases.push(...(await algorithm(registry, kind)));
    }
    for (const claims of [1, 10, 100]) {
      say(`an artifact with ${claims} claims`);
      cases.push(await requestsWithClaims(registry, claims));
    }
    say("refresh of 200 claims");
    cases.push(...(await refreshFigures(registry)));
    return cases;
  } finally {
    await registry.stop();
  }
}

async function algorithm(registry: TestRegistry, kind: KeyKind): Promise<Case[]> {
  const { world, client } = remoteWorld(registry.direct, `speed/${kind}`);
  const signer = codeSigner(wabbitRoot, { key: kind });
  const artifacts: Descriptor[] = [];
  for (let count = 0; count < SIGNATURES; count += 1)
    artifacts.push(await world.publish(`v${count}`, `net-monitor ${count}`, signer));
  const policy = await openTrust(trust(), world.store.name, { baseDir: "/nonexistent" });
  const asking = { now: new Date(), baseDir: "/nonexistent", scope: world.store.name };
  const envelopes = await Promise.all(artifacts.map((artifact) => envelope(world, artifact)));
  // Signing looked at each signature; a verifier has seen none of them.
  forgetOpinions();
  const alone = await seconds(async () => {
    for (const { artifact, bytes, mediaType } of envelopes)
      require(await verifyEnvelope(bytes, mediaType, artifact, policy, asking));
  });
  await client.close();
  const fresh = remoteWorld(registry.direct, `speed/${kind}`);
  forgetOpinions();
  const amortised = await seconds(async () => {
    for (let count = 0; count < SIGNATURES; count += 1) {
      const artifact = await fresh.world.store.resolve(`v${count}`);
      require(await verifyArtifact(fresh.world.store, artifact, policy, asking));
    }
  });
  await fresh.client.close();
  const name = ALGORITHM[kind] ?? kind;
  const processes = await processSpeed(registry, kind, signer);
  const unit = "per second, more is better";
  const many = SIGNATURES / amortised;
  return [
    {
      name: `${name}: an envelope at hand`,
      unit,
      consign: round(SIGNATURES / alone),
      peers: {},
      goal: "at least 100",
      met: SIGNATURES / alone >= 100,
    },
    {
      name: `${name}: from a registry, one process for all, one after the other`,
      unit,
      consign: round(many),
      peers:
        processes.lessStart === undefined
          ? {}
          : { "notation, less the start of its process": round(processes.lessStart) },
      goal: "at least half of notation",
      met: many >= (processes.lessStart ?? processes.whole) / 2,
    },
    {
      name: `${name}: from a registry, a process each`,
      unit,
      consign: round(processes.ours),
      peers: { notation: round(processes.whole) },
      goal: "at least 1",
      met: processes.ours >= 1,
    },
  ];
}

async function envelope(
  world: World,
  artifact: Descriptor,
): Promise<{ artifact: Descriptor; bytes: Uint8Array; mediaType: string }> {
  const [signature] = await world.signaturesOf(artifact.digest);
  if (signature === undefined) throw new Error("the signature just made is not listed");
  const layer = envelopeOf(await world.store.manifest(signature), artifact);
  return {
    artifact,
    bytes: await readSmall(world.store, layer, layer.size),
    mediaType: layer.mediaType,
  };
}

function require({ outcome, reason }: { outcome: string; reason?: string | undefined }): void {
  if (outcome !== "verified")
    throw new Error(`a good signature does not verify: ${outcome}: ${reason}`);
}

interface ProcessFigures {
  whole: number;
  /** Absent where the difference is lost in the noise of a busy machine. */
  lessStart: number | undefined;
  ours: number;
}

/**
 * A process for each artifact; for notation also without what a process costs that does nothing, as
 * it has no way to verify many in one.
 */
async function processSpeed(
  registry: TestRegistry,
  kind: KeyKind,
  signer: Issued,
): Promise<ProcessFigures> {
  const { env } = notationConfig(signer, { trustedIdentities: [WABBIT] });
  const reference = (count: number): string => `${registry.direct}/speed/${kind}:v${count}`;
  const notation = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await runTool("notation", args, { env });
    if (code !== 0) throw new Error(stderr);
  };
  const cli = join(repositoryRoot, "dist", "provider", "cli", "main.js");
  const ours = (count: number): Promise<unknown> =>
    promisify(execFile)(process.execPath, [cli, "verify", reference(count)], {
      env: { ...process.env, ...env },
    });
  const whole = await median(NOTATION_RUNS, (count) =>
    notation("verify", "--insecure-registry", reference(count)),
  );
  const start = await median(NOTATION_RUNS, () => notation("version"));
  const verifying = whole - start;
  return {
    whole: 1 / whole,
    lessStart: verifying > whole / 10 ? 1 / verifying : undefined,
    ours: 1 / (await median(OWN_RUNS, ours)),
  };
}

/** Seconds of one run, of several. */
async function median(runs: number, work: (count: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let count = 0; count < runs; count += 1) taken.push(await seconds(() => work(count)));
  return taken.sort((x, y) => x - y)[runs >> 1] ?? Infinity;
}

/**
 * Resolve, referrers, signature manifest and envelope; and for each claim its manifest, referrers,
 * signature manifest, envelope and statement.
 */
const minimum = (claims: number): number => 4 + 5 * claims;

async function requestsWithClaims(registry: TestRegistry, count: number): Promise<Case> {
  const { world, client } = remoteWorld(registry.direct, `claims/${count}`);
  const artifact = await world.publish();
  for (let index = 0; index < count; index += 1)
    await world.claim(
      artifact,
      "test-result",
      { ...(testResult() as object), configuration: [{ name: `suite ${index}` }] },
      { by: wabbit },
    );
  await client.close();
  const asking = new RegistryClient({ baseDir: "/nonexistent" });
  const context = worldContext(asking);
  const store = await context.stores.open(`${registry.host}/claims/${count}`);
  registry.clear();
  const policy = await openTrust(trust(), store.name, context);
  const { verified } = await judge(
    store,
    await store.resolve("v1"),
    policy,
    {
      require: [{ type: "test-result", issuer: WABBIT, condition: 'predicate.result == "PASSED"' }],
    },
    context,
  );
  await asking.close();
  if (!verified) throw new Error("an artifact with good claims does not verify");
  const requests = registry.requests().length;
  return {
    name: `requests to verify an artifact with ${count} claim${count === 1 ? "" : "s"}`,
    unit: "requests",
    consign: requests,
    peers: { minimum: minimum(count) },
    goal: "at most 2 more than the minimum",
    met: requests <= minimum(count) + 2,
  };
}

/** The world without an engine. */
export function worldContext(client: RegistryClient): ResourceContext {
  const fetch = httpFetch();
  return {
    baseDir: "/nonexistent",
    stores: new Stores(client, "/nonexistent"),
    fetch,
    revocation: revocationChecker({ fetch }),
    run: new Run(),
    now: () => new Date(),
    warn: () => undefined,
    progress: () => undefined,
  };
}

export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

export const machine = { cores: availableParallelism(), node: process.version };
