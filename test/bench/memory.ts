// SPDX-License-Identifier: Apache-2.0
// Peak memory of the provider's process while `pulumi up` mirrors one large blob between two
// registries: `npm run bench -- memory --json`.
import { readFileSync, readdirSync } from "node:fs";
import { cpus } from "node:os";
import { bytesBlob, packManifest, pushArtifact, type BlobSource } from "../../provider/content";
import { digester } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { RegistryClient } from "../../provider/registry";
import { Mirror } from "../../sdk";
import { openEngine } from "../harness/engine";
import { startRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";

const MB = 1024 * 1024;
const GOAL_MB = 150;
const SAMPLE_MS = 50;

/** A blob that is never held: one block over and over, numbered. */
function streamedBlob(size: number): BlobSource {
  function* blocks(): Generator<Buffer> {
    const block = Buffer.alloc(MB, "consign ");
    for (let at = 0; at < size; at += MB) {
      block.writeUInt32BE(at / MB, 0);
      yield Buffer.from(block);
    }
  }
  const digest = digester("sha256");
  for (const block of blocks()) digest.hash.update(block);
  const descriptor = {
    ...bytesBlob(Buffer.alloc(0), MEDIA_TYPES.layer).descriptor,
    digest: digest.digest(),
    size,
  };
  return {
    descriptor,
    open: async () =>
      (async function* () {
        yield* blocks();
      })(),
  };
}

interface Running {
  pid: number;
  parent: number;
  command: string;
}

function processes(): Running[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const parent = Number(
        /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1],
      );
      return [
        {
          pid: Number(name),
          parent,
          command: readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " "),
        },
      ];
    } catch {
      return [];
    }
  });
}

/** The provider's process among this one's descendants, and the most memory it ever had, in MB. */
function providerPeak(): number | undefined {
  const all = processes();
  const ours = new Set([process.pid]);
  for (let before = 0; before !== ours.size;) {
    before = ours.size;
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
  }
  const provider = all.find(
    ({ pid, command }) => ours.has(pid) && /^\S*node\s.*dynamic-provider/.test(command),
  );
  if (provider === undefined) return undefined;
  try {
    // One that has just ended has a status, and no memory.
    return (
      Number(
        /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${provider.pid}/status`, "utf8"))?.[1] ?? 0,
      ) / 1024
    );
  } catch {
    return undefined;
  }
}

/** The peak over a piece of work that runs the engine. */
async function peakDuring(work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, providerPeak() ?? 0)), SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.round(peak);
}

async function main(): Promise<void> {
  const gigabytes = Number(/--gigabytes=(\d+)/.exec(process.argv.join(" "))?.[1] ?? 2);
  const source = await startRegistry("distribution");
  const destination = await startRegistry("olareg");
  const client = new RegistryClient({ baseDir: tempDir("bench") });
  try {
    const store = client.repository(source.host, "large");
    const packed = packManifest({
      artifactType: "application/vnd.example.large",
      layers: [streamedBlob(gigabytes * 1024 * MB)],
    });
    await pushArtifact(store, packed);
    await store.tag(packed.manifest, "v1");
    const engine = await openEngine({
      asUsed: true,
      program: async () =>
        void new Mirror("copy", {
          source: `${source.host}/large`,
          destinations: [`${destination.host}/large`],
          tags: ["v1"],
        }),
    });
    const began = performance.now();
    const copying = await peakDuring(() => engine.up());
    const seconds = (performance.now() - began) / 1000;
    const idle = await peakDuring(() => engine.up());
    const cases = [
      {
        name: `peak of the provider's process while ${gigabytes} GiB are copied`,
        unit: "MB",
        consign: copying,
        peers: {},
        goal: `< ${GOAL_MB}`,
        met: copying < GOAL_MB,
      },
      {
        name: "peak of the provider's process in a second `up`, which copies nothing",
        unit: "MB",
        consign: idle,
        peers: {},
        goal: "reported",
        met: true,
      },
      {
        name: "`pulumi up` with the copy",
        unit: "s",
        consign: Number(seconds.toFixed(1)),
        peers: {},
        goal: "reported",
        met: true,
      },
    ];
    const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? "", node: process.version };
    if (process.argv.includes("--json"))
      process.stdout.write(`${JSON.stringify({ bench: "memory", machine, cases })}\n`);
    else
      for (const { name, consign, unit, goal, met } of cases)
        process.stdout.write(
          `${met ? "met " : "MISS"}  ${name}: ${consign} ${unit} (goal: ${goal})\n`,
        );
  } finally {
    await client.close();
    await Promise.all([source.stop(), destination.stop()]);
  }
}

void main();
