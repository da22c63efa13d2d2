// SPDX-License-Identifier: Apache-2.0
// Artifacts that must not be used, each for another reason, and everything that asks whether they
// may.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run as runCommandLine } from "../../provider/cli/run";
import { mirror } from "../../provider/mirror/mirror";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { promotion } from "../../provider/promotion/promotion";
import { askVerification } from "../../provider/report/functions";
import { verification } from "../../provider/verification/verification";
import type { Properties } from "../../provider/world/reconciler";
import { trustOf } from "../harness/memory-world";
import { remember, type Place, type Remembered } from "./place";
import { at, parties, type Stage } from "./scene";
import { targetOf } from "./snapshot";

export const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const HOLD = "https://acme.example/litigation/v1";

/** An artifact, what is asked of it, and what was recorded of it before and after it was spoken about. */
export interface Spoken {
  repository: string;
  artifact: Descriptor;
  question: Properties;
  /** `--require` on the command line; absent where that cannot ask the question. */
  flags?: string[];
  good: Remembered;
  bad: Remembered;
}

interface Setting {
  question?: Properties;
  /** What is there when it is still good. */
  before?: (stage: Stage, repository: string, artifact: Descriptor) => Promise<Digest>;
  /** What makes it bad. */
  after: (
    stage: Stage,
    repository: string,
    artifact: Descriptor,
    earlier: Digest | undefined,
  ) => Promise<unknown>;
  flags?: string[];
}

const passed = async (stage: Stage, repository: string, subject: Descriptor): Promise<Digest> =>
  stage.claim(
    repository,
    {
      type: "test-result",
      subject,
      predicate: { result: "PASSED", configuration: [] },
      audience: "public",
    },
    stage.parties.acme,
  );

const says =
  (type: string, predicate: (subject: Descriptor) => Properties, by: "wabbit" | "acme") =>
  async (stage: Stage, repository: string, subject: Descriptor): Promise<Digest> =>
    stage.claim(
      repository,
      { type, subject, predicate: predicate(subject), audience: "public" },
      stage.parties[by],
    );

const SETTINGS: Readonly<Record<string, Setting>> = {
  revoked: {
    after: says("revocation", ({ digest }) => ({ target: digest, reason: "CVE" }), "wabbit"),
    flags: [],
  },
  denied: {
    question: { deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }] },
    after: says("test-result", () => ({ result: "FAILED", configuration: [] }), "acme"),
  },
  ended: { after: says("endOfLife", () => ({ date: "2026-01-01" }), "wabbit"), flags: [] },
  required: {
    question: { require: [{ type: "test-result" }] },
    before: passed,
    after: async (stage, repository, _artifact, earlier) => {
      const target = String(earlier);
      const subject = await stage.place.with(repository, async (store) => store.resolve(target));
      return says("revocation", () => ({ target, reason: "a mistake" }), "acme")(
        stage,
        repository,
        subject,
      );
    },
    flags: ["--require", "test-result"],
  },
  superseded: {
    question: {
      require: [{ type: "test-result", condition: 'predicate.result == "PASSED"' }],
    },
    before: passed,
    after: async (stage, repository, subject, earlier) =>
      stage.claim(
        repository,
        {
          type: "test-result",
          subject,
          predicate: { result: "FAILED", configuration: [] },
          audience: "public",
          ...(earlier === undefined ? {} : { supersedes: [earlier] }),
        },
        stage.parties.acme,
      ),
  },
  hold: {
    question: { deny: [{ type: HOLD }] },
    after: says(HOLD, () => ({ case: "7/20" }), "acme"),
  },
};
export const SCENARIOS = Object.keys(SETTINGS);

function questionOf(stage: Stage, more: Properties = {}): Properties {
  const { wabbit, acme } = stage.parties;
  return {
    trust: trustOf(wabbit, acme),
    lifecycleIssuers: { revocation: [WABBIT], endOfLife: [WABBIT] },
    ...more,
  };
}

/** @param spoken whether what makes it bad is said; else it is what all find good */
export async function speak(stage: Stage, name: string, spoken = true): Promise<Spoken> {
  const setting = SETTINGS[name];
  if (setting === undefined) throw new Error(`there is no scenario ${name}`);
  const repository = spoken ? name : `${name}-not`;
  const artifact = await stage.publish(repository, repository, stage.parties.wabbit, "v1");
  const question = questionOf(stage, setting.question);
  const life = stage.life(verification);
  const earlier = await setting.before?.(stage, repository, artifact);
  await life.up({ artifact: `${at(repository)}@${artifact.digest}`, ...question });
  const good = remember(life);
  if (spoken) await setting.after(stage, repository, artifact, earlier);
  await life.refresh();
  const bad = remember(life);
  const { flags } = setting;
  return { repository, artifact, question, good, bad, ...(flags === undefined ? {} : { flags }) };
}

/** @returns what is wrong if the artifact must not be used: that it may be, in the asker's words */
export type Asker = (spoken: Spoken, place: Place) => Promise<string | undefined>;

const referenceOf = ({ repository, artifact }: Spoken): string =>
  `${at(repository)}@${artifact.digest}`;

let counter = 0;

const up: Asker = async (spoken, place) => {
  const life = place.life(verification);
  let outcome = "";
  try {
    outcome = await life.up({ artifact: referenceOf(spoken), ...spoken.question });
  } catch {
    // What counts is what is recorded.
  }
  if (life.outputs["reference"] !== undefined) return `${outcome} records a reference`;
  return outcome === "" ? undefined : `${outcome} passes`;
};

/** As a deployment that trusted it before looks again. */
const refreshed =
  (recorded: "good" | "bad"): Asker =>
  async (spoken, place) => {
    const life = place.revive(spoken[recorded]);
    try {
      await life.refresh();
    } catch {
      // A refresh that fails leaves the state, and the run, as it was.
      return undefined;
    }
    return life.outputs["reference"] === undefined ? undefined : "refresh records a reference";
  };

const promote: Asker = async (spoken, place) => {
  const to = `prod-${++counter}`;
  const life = place.life(promotion);
  let passes = false;
  try {
    await life.up({
      artifact: referenceOf(spoken),
      environment: "production",
      to: at(to),
      tag: "current",
      signer: parties().acme.signer,
      ...spoken.question,
    });
    passes = true;
  } catch {
    // What counts is whether the tag is there.
  }
  if (passes) return "promoted";
  return (await targetOf(place, to, "current")) === undefined ? undefined : "the tag is set";
};

const ask: Asker = async (spoken, place) => {
  const { verified } = await askVerification(
    { artifact: referenceOf(spoken), ...spoken.question },
    { registries: place.settings(), baseDir: place.folder, now: new Date() },
  ).catch(() => ({ verified: "unknown" }));
  return verified === "yes" ? "verify() says yes" : undefined;
};

const commandLine: Asker = async (spoken, place) => {
  if (spoken.flags === undefined) return undefined;
  const name = `${place.proxy.host.replace(/\W/g, "-")}.json`;
  writeFileSync(join(place.folder, name), JSON.stringify(place.settings()));
  writeFileSync(
    join(place.folder, "policy.json"),
    JSON.stringify({ name: "policy", ...(spoken.question["trust"] as Properties) }),
  );
  const args = ["verify", referenceOf(spoken), "--policy", "policy.json", "--registries", name];
  const code = await runCommandLine([...args, ...spoken.flags], {
    env: {},
    cwd: place.folder,
    now: new Date(),
    color: false,
    print: () => undefined,
    tell: () => undefined,
  });
  return code === 0 ? "exit code 0" : undefined;
};

/** Mirrors ask for signatures alone: here nobody is trusted who signed it. */
const copy: Asker = async (spoken, place) => {
  const to = `copy-${++counter}`;
  const life = place.life(mirror);
  await life
    .up({
      source: at(spoken.repository),
      destinations: [at(to)],
      trust: trustOf(parties().stranger),
    })
    .catch(() => undefined);
  return (await targetOf(place, to, spoken.artifact.digest)) === undefined
    ? undefined
    : "it is copied";
};

export const ASKERS: Readonly<Record<string, Asker>> = {
  up,
  "refresh-of-good": refreshed("good"),
  "refresh-of-bad": refreshed("bad"),
  promote,
  verify: ask,
  "command-line": commandLine,
  copy,
};
