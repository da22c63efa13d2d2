// SPDX-License-Identifier: Apache-2.0
// Artifacts that must not be used, and somebody who may push anything, writes lists, and signs with
// keys that are trusted but may not allow; and a store that loses and damages what it has.
import { makeContext } from "../../provider/dynamic/host";
import type { ClaimContent } from "../../provider/claims/index";
import { pushArtifact } from "../../provider/content/pack";
import { packManifest, bytesBlob } from "../../provider/content/pack";
import { openTrust } from "../../provider/notation/index";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { referrerDescriptor } from "../../provider/oci/manifest";
import { observeArtifact } from "../../provider/report/collect";
import { verificationOf } from "../../provider/report/verification";
import { verification } from "../../provider/verification/verification";
import type { Properties } from "../../provider/world/reconciler";
import { Life } from "../harness/life";
import { claim, publish, quickParty, sign, trustOf, type Party } from "../harness/memory-world";
import { OpenStores, type OpenStore } from "./model-store";
import { parties } from "./scene";
import { WABBIT } from "./verdict-scenes";

const HERE = "registry.example/wabbit/app";
const HOLD = "https://acme.example/litigation/v1";

/** Trusted, and not among those who may allow; of the same name as one who may; not trusted; nobody. */
const SIGNERS = ["acme", "namesake", "stranger", "nobody"] as const;
const SAYINGS = [
  "passes",
  "revokes what forbids",
  "revokes its signature",
  "supersedes what forbids",
  "ends later",
  "signs the artifact",
  "signs what forbids",
  "brings another's claim",
  "junk",
] as const;
const DAMAGES = ["blob lost", "manifest lost", "damaged"] as const;
export const MOVES = { SIGNERS, SAYINGS, DAMAGES };
export type Move =
  | { by: (typeof SIGNERS)[number]; says: (typeof SAYINGS)[number] }
  | { damage: (typeof DAMAGES)[number]; what: number };

let second: Party | undefined;
const keyOf = (by: (typeof SIGNERS)[number]): Party | null => {
  second ??= quickParty("Wabbit Networks");
  return by === "nobody" ? null : by === "namesake" ? second : parties()[by];
};

interface Scenario {
  question?: Properties;
  /** Who signs the artifact. @default wabbit */
  by?: "stranger";
  forbid?: (artifact: Descriptor, passed: Digest) => ClaimContent;
  /** Whether it has passed before. */
  passed?: boolean;
  /** A namesake's word counts where names are what is asked for. */
  namesakesMayAllow?: boolean;
}

const about = (
  type: string,
  subject: Descriptor,
  predicate: Properties,
  supersedes?: Digest[],
): ClaimContent => ({
  type,
  subject,
  predicate,
  audience: "public",
  ...(supersedes === undefined ? {} : { supersedes }),
});
const result = (text: string): Properties => ({ result: text, configuration: [] });
const PASSED = {
  require: [{ type: "test-result", issuer: WABBIT, condition: 'predicate.result == "PASSED"' }],
};

const SETTINGS: Readonly<Record<string, Scenario>> = {
  revoked: {
    forbid: (artifact) => about("revocation", artifact, { target: artifact.digest, reason: "CVE" }),
  },
  ended: { forbid: (artifact) => about("endOfLife", artifact, { date: "2026-01-01" }) },
  denied: {
    question: { deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }] },
    forbid: (artifact) => about("test-result", artifact, result("FAILED")),
  },
  hold: {
    question: { deny: [{ type: HOLD }] },
    forbid: (artifact) => about(HOLD, artifact, { case: "7/20" }),
  },
  required: { question: PASSED, namesakesMayAllow: true },
  superseded: {
    question: PASSED,
    passed: true,
    namesakesMayAllow: true,
    forbid: (artifact, passed) => about("test-result", artifact, result("FAILED"), [passed]),
  },
  unsigned: { by: "stranger", namesakesMayAllow: true },
};
export const VERDICTS = Object.keys(SETTINGS);
/** Of what is good to begin with: here it counts that all who are asked say the same. */
const GOOD: Readonly<Record<string, Scenario>> = {
  signed: {},
  passed: { question: PASSED, passed: true },
  permitted: {
    question: { deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }] },
    passed: true,
  },
};
export const GOOD_VERDICTS = Object.keys(GOOD);
const settingOf = (name: string): Scenario | undefined => SETTINGS[name] ?? GOOD[name];

interface Built {
  stores: OpenStores;
  artifact: Descriptor;
  question: Properties;
  forbids: Digest | undefined;
  /** What wabbit says well of another artifact. */
  elsewhere: Digest;
}
const built = new Map<string, Built>();

async function build(name: string): Promise<Built> {
  const setting = settingOf(name);
  if (setting === undefined) throw new Error(`there is no scenario ${name}`);
  const stores = new OpenStores();
  const store = stores.at(HERE);
  const { wabbit, acme, stranger } = parties();
  const artifact = await publish(store, name, setting.by === undefined ? wabbit : stranger, "v1");
  const other = await publish(store, "another", wabbit, "another");
  const elsewhere = await claim(store, about("test-result", other, result("PASSED")), wabbit);
  let passed: Digest | undefined;
  if (setting.passed === true)
    passed = (await claim(store, about("test-result", artifact, result("PASSED")), wabbit)).manifest
      .descriptor.digest;
  const content = setting.forbid?.(artifact, passed ?? artifact.digest);
  // Of what is good, attacks are on what it rests on.
  const forbids =
    content === undefined
      ? name in GOOD
        ? passed
        : undefined
      : (await claim(store, content, wabbit)).manifest.descriptor.digest;
  const namesake = keyOf("namesake");
  const question = {
    trust: trustOf(wabbit, acme, ...(namesake === null ? [] : [namesake])),
    lifecycleIssuers: { revocation: [WABBIT], endOfLife: [WABBIT] },
    ...setting.question,
  };
  const digest = elsewhere.manifest.descriptor.digest;
  return { stores, artifact, question, forbids, elsewhere: digest };
}

/** @returns whether the verdict is good after all these moves, in the words of who was asked */
export async function judged(name: string, moves: readonly Move[]): Promise<string[]> {
  const scene = built.get(name) ?? (await build(name));
  built.set(name, scene);
  const stores = await scene.stores.copy();
  const store = stores.at(HERE);
  const mayAllow = settingOf(name)?.namesakesMayAllow === true;
  for (const move of moves)
    if ("damage" in move) await damage(store, move, scene.artifact);
    else if (!(mayAllow && move.by === "namesake")) await say(store, move, scene);
  const good: string[] = [];
  const life = new Life(verification, { folder: "/nonexistent", world: { stores } });
  const passes = await life
    .up({ artifact: `${HERE}@${scene.artifact.digest}`, ...scene.question })
    .catch(() => undefined);
  if (passes !== undefined || life.outputs["reference"] !== undefined) good.push("Verification");
  if ((await observed(stores, scene)) === "yes") good.push("verify()");
  return good;
}

async function observed(stores: OpenStores, { artifact, question }: Built): Promise<string> {
  const { trust, lifecycleIssuers, require, deny } = question as {
    trust: Parameters<typeof openTrust>[0];
    lifecycleIssuers: { revocation: string[] };
    require?: never[];
    deny?: never[];
  };
  const { revocation, fetch } = makeContext("/nonexistent", undefined);
  const now = new Date();
  try {
    const seen = await observeArtifact(await stores.open(HERE), artifact, {
      trust: await openTrust(trust, HERE, "/nonexistent"),
      scope: HERE,
      baseDir: "/nonexistent",
      now,
      revocation,
      fetch,
      extent: "verdict",
      lifecycleIssuers,
    });
    return verificationOf(seen, { require, deny }, now)?.verified ?? "unknown";
  } catch {
    return "unknown";
  }
}

async function say(
  store: OpenStore,
  { by, says }: Extract<Move, { says: string }>,
  { artifact, forbids, elsewhere }: Built,
): Promise<void> {
  const key = keyOf(by);
  const forbidding = forbids === undefined ? undefined : store.manifests.get(forbids);
  const revokes = async (target: Digest): Promise<unknown> => {
    const manifest = store.manifests.get(target);
    if (manifest === undefined) return undefined;
    const content = about("revocation", manifest.descriptor, { target, reason: "a mistake" });
    await claim(store, content, key);
    return claim(store, { ...content, subject: artifact }, key);
  };
  switch (says) {
    case "passes":
      await claim(store, about("test-result", artifact, result("PASSED")), key);
      break;
    case "revokes what forbids":
      if (forbidding !== undefined) await revokes(forbidding.descriptor.digest);
      break;
    case "revokes its signature":
      for (const [digest, { value }] of [...store.manifests])
        if (forbids !== undefined && value.subject?.digest === forbids) await revokes(digest);
      break;
    case "supersedes what forbids":
      if (forbids !== undefined)
        for (const type of ["test-result", HOLD])
          await claim(store, about(type, artifact, result("PASSED"), [forbids]), key);
      break;
    case "ends later":
      await claim(store, about("endOfLife", artifact, { date: "2099-01-01" }), key);
      break;
    case "signs the artifact":
      // Whom the policy trusts may sign: that is what it says.
      if (key !== null && by === "stranger") await sign(store, artifact, key);
      break;
    case "signs what forbids":
      if (key !== null && forbidding !== undefined) await sign(store, forbidding.descriptor, key);
      break;
    case "brings another's claim": {
      const lie = store.rewritten.get(artifact.digest) ?? { more: [], less: new Set<Digest>() };
      const manifest = store.manifests.get(elsewhere);
      if (manifest !== undefined) lie.more.push(referrerDescriptor(manifest));
      store.rewritten.set(artifact.digest, lie);
      break;
    }
    case "junk":
      for (const artifactType of [
        "application/vnd.in-toto+json",
        "application/vnd.cncf.notary.signature",
      ])
        await pushArtifact(
          store,
          packManifest({
            artifactType,
            subject: artifact,
            layers: [bytesBlob(Buffer.from("{ junk"), artifactType)],
          }),
        );
  }
}

async function damage(
  store: OpenStore,
  move: Extract<Move, { damage: string }>,
  artifact: Descriptor,
): Promise<void> {
  const manifests = [...store.manifests.values()].filter(
    ({ descriptor }) => descriptor.digest !== artifact.digest,
  );
  const blobs = [...store.blobs];
  if (move.damage === "blob lost") {
    const [digest, bytes] = blobs[move.what % blobs.length] ?? [];
    if (digest === undefined || bytes === undefined) return;
    await store.deleteBlob({
      mediaType: "application/octet-stream",
      digest,
      size: bytes.byteLength,
    });
    return;
  }
  const chosen = manifests[move.what % manifests.length];
  if (chosen === undefined) return;
  if (move.damage === "manifest lost") await store.loseListed(chosen);
  else {
    const all = [chosen.descriptor.digest, ...blobs.map(([digest]) => digest)];
    store.broken.add(all[move.what % all.length] ?? chosen.descriptor.digest);
  }
}
