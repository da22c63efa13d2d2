// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { engineMissing } from "../harness/engine";
import { repositoryRoot } from "../harness/toolchain";
import { checkout, EXAMPLES_FOLDER, type Played } from "./example-checkout";

/**
 * Bounds a hang, not a performance: an example takes less than a minute on two idle cores, and
 * tests share them.
 */
const TIMEOUT_MS = 10 * 60_000;
/** As Prettier counts them, which gives most arguments a line of their own. */
const MAX_LINES = 150;

const pinned = (repository: string): RegExp => new RegExp(`^${repository}@sha256:[0-9a-f]{64}$`);

/**
 * What an example has to come to, beyond what holds for each: its story ends well, and it can be
 * told again.
 */
const OUTCOMES: Record<string, (played: Played) => void> = {
  quickstart({ outputs, text }) {
    assert.match(
      String(outputs["quickstart"]?.["deploy"]),
      pinned("oci:.run/registries/acme/net-monitor"),
    );
    assert.match(text, /9 unchanged|10 unchanged/);
  },
  publisher({ outputs, text }) {
    assert.match(
      String(outputs["wabbit"]?.["inPublic"]),
      pinned("oci:.run/registries/public/net-monitor"),
    );
    const outside = text.slice(text.lastIndexOf("Outside: "));
    for (const shown of ["sbom/spdx", "vulnerabilities", "vex", "endOfLife"])
      assert.ok(outside.includes(shown), `${shown} is public`);
    for (const kept of ["provenance", "test-result"])
      assert.ok(!outside.includes(kept), `${kept} has left the house`);
  },
  "consumer-regions"({ outputs }) {
    const { eu, us, published, status } = outputs["acme"] ?? {};
    const digests = [eu, us, published].map((reference) => String(reference).split("@")[1]);
    assert.deepEqual(new Set(digests).size, 1, "both regions hold what was published");
    assert.deepEqual(
      Object.values(status as Record<string, object>),
      [{}, {}],
      "no region lacks anything",
    );
  },
  "own-claims"({ outputs }) {
    const { deploy, counts } = outputs["acme"] ?? {};
    assert.match(String(deploy), pinned("oci:.run/registries/acme/net-monitor"));
    const lines = counts as string[];
    assert.ok(
      lines.some((line) => /^test-result: superseded/.test(line)),
      lines.join("\n"),
    );
    assert.ok(
      lines.some((line) => /^test-result: effective: by .*ACME Rockets/.test(line)),
      lines.join("\n"),
    );
  },
  drift({ text }) {
    assert.match(text, /\(exit code [1-9]/, "the check fails while there is drift");
    assert.match(text.slice(text.lastIndexOf("the check is content")), /5 unchanged/);
  },
  "revocation-drill"({ outputs, text }) {
    const { eu, us } = (outputs["acme"]?.["deploy"] ?? {}) as Record<string, string>;
    const v1 = String(outputs["wabbit"]?.["v1"]).split("@")[1] ?? "";
    for (const deployed of [eu, us]) {
      assert.match(deployed ?? "", /@sha256:/);
      assert.ok(deployed?.includes(v1) === false, "what is revoked is not deployed");
    }
    assert.match(text, /VERIFICATION_UNMET/);
  },
  policy({ outputs, text, folder }) {
    const [careless = "", right = ""] = acts(text, "Done right: ");
    const violations = [
      ...careless.matchAll(/\[(mandatory|advisory)\] +(\S+) +\(\S+: (\S+)\)/g),
    ].map(([, level, rule, resource]) => `${level} ${rule} ${resource}`);
    assert.deepEqual([...new Set(violations)].sort(), [
      "advisory registries-use-tls consign-policy-acme",
      "mandatory images-are-verified web",
      "mandatory mirrors-have-trust subscription",
    ]);
    assert.match(
      careless,
      /web runs "registry\.acme\.example\/net-monitor:v1", which is not pinned by digest/,
    );
    assert.match(careless, /plain HTTP to old\.registry\.example/);
    assert.match(right, /✅ consign@v1\.0\.0/);
    assert.doesNotMatch(right, /\[(?:mandatory|advisory)\]/);
    const deploy = String(outputs["acme"]?.["deploy"]);
    assert.match(deploy, pinned("oci:.run/registries/wabbit/net-monitor"));
    assert.ok(holds(folder, "acme", digestIn(deploy)), "the mirror that has trust has brought it");
  },
  "gate-to-kubernetes"({ outputs, text, folder }) {
    const [closed = "", open = ""] = acts(text, "ACME approves: ");
    assert.match(
      closed,
      /is not verified: require\[0\]: unmet: .*there is no claim of type vsa \[VERIFICATION_UNMET\]/,
    );
    assert.doesNotMatch(
      closed,
      /^Outputs:|^kind: /m,
      "while the gate is closed there is neither an image nor a manifest",
    );
    const image = String(outputs["acme"]?.["image"]);
    const manifests = String(outputs["acme"]?.["manifests"]);
    assert.match(image, pinned("127\\.0\\.0\\.1:\\d+/net-monitor"));
    assert.deepEqual(
      [...manifests.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind),
      ["Deployment", "CronJob"],
    );
    assert.deepEqual(
      [...manifests.matchAll(/ image: "(.+)"$/gm)].map(([, named]) => named),
      [image, image],
      "both run what was verified",
    );
    assert.match(
      manifests.replaceAll(image, "IMAGE"),
      /- consign\n +- verify\n +- "IMAGE"\n/,
      "and the job verifies that same digest",
    );
    assert.equal(
      readFileSync(join(folder, ".run", "manifests.yaml"), "utf8").trimEnd(),
      manifests.trimEnd(),
    );
    assert.ok(open.includes(manifests.trimEnd()), "they are shown");
  },
  archive({ outputs, text, folder }) {
    const { archived, running, entries } = outputs["archive"] ?? {};
    const [v1, v2] = [digestIn(archived), digestIn(running)];
    assert.deepEqual(statesIn(entries), { [v1]: "purged", [v2]: "in-production" });
    assert.deepEqual(wentThrough(text, v1), [
      "in-production",
      "grace",
      "to-archive",
      "archived",
      "held",
      "expired",
      "purged",
    ]);
    assert.deepEqual(wentThrough(text, v2), ["in-production"]);
    const [, later = ""] = acts(text, "After 180 days ");
    assert.match(
      later,
      new RegExp(
        `"KEEP {2}${v1.slice(0, 19)} {2}held; .*\\(legal hold by a claim of type https://acme\\.example/`,
      ),
    );
    assert.match(text, new RegExp(`archive/net-monitor@${v1} is purged`));
    assert.deepEqual(
      listed(folder, "archive"),
      [],
      "neither v1 nor a claim or signature of it is in the archive",
    );
    for (const digest of [v1, ...layersOf(folder, v1)])
      assert.ok(!holds(folder, "archive", digest), `the archive still has ${digest}`);
    for (const [place, digest] of [
      ["production", v1],
      ["production", v2],
      ["build", v1],
      ["build", v2],
    ] as const) {
      assert.ok(holds(folder, place, digest), `the archive's rules take nothing from ${place}`);
    }
  },
  "release-train"({ outputs, text, folder }) {
    const { moves, history, entries } = outputs["train"] ?? {};
    const [v3 = "", again, v2 = "", v1 = "", ...earlier] = (history as { digest: string }[]).map(
      ({ digest }) => digest,
    );
    assert.equal(again, v1, "the rollback was the promotion of v1");
    assert.equal(new Set([v1, v2, v3]).size + earlier.length, 3);
    const stays = history as { from: string; until?: string }[];
    assert.deepEqual(
      stays.map(({ until }) => until),
      [undefined, ...stays.slice(0, -1).map(({ from }) => from)],
      "one begins where the other ends",
    );
    for (const move of moves as string[]) assert.ok(move.endsWith(`→ ${v3.slice(0, 19)}…`), move);
    assert.deepEqual(statesIn(entries), {
      [v1]: "content-purged",
      [v2]: "content-purged",
      [v3]: "in-production",
    });
    for (const digest of [v1, v2]) {
      const [layer] = layersOf(folder, digest);
      for (const place of ["dev", "staging", "production"]) {
        assert.ok(!holds(folder, place, digest), `${place} has let go of ${digest}`);
        assert.ok(holds(folder, place, v3), `${place} has what it runs`);
      }
      assert.ok(
        holds(folder, "archive", digest) && !holds(folder, "archive", layer),
        "the archive has the manifest, and the content no more",
      );
      const [claim = ""] = Object.keys(
        (entries as Record<string, { evidence: Record<string, string> }>)[digest]?.evidence ?? {},
      );
      assert.ok(holds(folder, "archive", claim), "and what was claimed about it");
    }
    assert.match(acts(text, "After that nothing changes")[1] ?? "", /^    7 unchanged$/m);
  },
};

/** What was printed before and from a heading on, without colours. */
function acts(text: string, heading: string): string[] {
  const plain = stripVTControlCharacters(text);
  const at = plain.indexOf(heading);
  assert.notEqual(at, -1, `nothing is headed ${heading}`);
  return [plain.slice(0, at), plain.slice(at)];
}

function digestIn(reference: unknown): string {
  return String(reference).split("@")[1] ?? "";
}

/** By digest, what an archive policy came to. */
function statesIn(entries: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries as Record<string, { state: string }>).map(([digest, { state }]) => [
      digest,
      state,
    ]),
  );
}

/**
 * The states in an archive policy's plan that were shown for an artifact, each where it came first.
 */
function wentThrough(text: string, digest: string): string[] {
  const lines = text.matchAll(/"[A-Z-]+ {2}(?:\S+ )*?(sha256:[0-9a-f]{12}) {2}([a-z-]+)/g);
  return [
    ...new Set(
      [...lines].flatMap(([, short = "", state]) =>
        digest.startsWith(short) && state !== undefined ? [state] : [],
      ),
    ),
  ];
}

/** What the index of a layout lists. */
function listed(folder: string, place: string): unknown[] {
  const index = JSON.parse(
    readFileSync(join(folder, ".run", "registries", place, "net-monitor", "index.json"), "utf8"),
  ) as { manifests: unknown[] };
  return index.manifests;
}

function blobs(folder: string, place: string): string {
  return join(folder, ".run", "registries", place, "net-monitor", "blobs", "sha256");
}

function holds(folder: string, place: string, digest = ""): boolean {
  return existsSync(join(blobs(folder, place), digest.replace("sha256:", "")));
}

/** As it was built. */
function layersOf(folder: string, digest: string): string[] {
  const manifest = JSON.parse(
    readFileSync(join(blobs(folder, "build"), digest.replace("sha256:", "")), "utf8"),
  ) as { layers: { digest: string }[] };
  return manifest.layers.map((layer) => layer.digest);
}

const names = readdirSync(EXAMPLES_FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe("examples", { skip: engineMissing("folder"), concurrency: 2 }, () => {
  for (const name of names) {
    test(
      `${name} runs from end to end, and writes nothing outside its folder`,
      { timeout: TIMEOUT_MS },
      async (context) => {
        const copy = checkout(name);
        const before = copy.filesOutside();
        const played = await copy.play();
        context.diagnostic(`${name}: ${played.seconds.toFixed(1)} s`);
        assert.equal(played.code, 0, played.text.slice(-4000));
        assert.deepEqual(copy.filesOutside(), before);
        OUTCOMES[name]?.(played);
        for (const reference of references(played.outputs))
          assert.match(
            reference,
            /@sha256:[0-9a-f]{64}$/,
            "an output names an artifact by its digest",
          );
      },
    );

    test(`${name} is small, and says how it is run, what one sees, and why`, () => {
      const folder = join(EXAMPLES_FOLDER, name);
      for (const file of ["package.json", "README.md"])
        assert.ok(existsSync(join(folder, file)), `${name} has no ${file}`);
      const program = join(folder, "index.ts");
      if (existsSync(program))
        assert.ok(
          readFileSync(program, "utf8").split("\n").length - 1 <= MAX_LINES,
          `index.ts has more than ${MAX_LINES} lines`,
        );
      const readme = readFileSync(join(folder, "README.md"), "utf8");
      assert.match(
        readme,
        name === "quickstart" ? /npm start/ : new RegExp(`npm run example -- ${name}\\b`),
      );
      assert.match(readme, /what you see/i);
    });
  }

  test("the list of outcomes names examples that exist", () => {
    for (const name of Object.keys(OUTCOMES))
      assert.ok(names.includes(name), `${name} is no folder of ${repositoryRoot}/examples`);
  });
});

/** Every output, at any depth, that looks like a reference into a layout. */
function references(value: unknown): string[] {
  if (typeof value === "string") return /^oci:\S+@/.test(value) ? [value] : [];
  return typeof value === "object" && value !== null
    ? Object.values(value).flatMap(references)
    : [];
}
