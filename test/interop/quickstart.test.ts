// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { throwawayKeys } from "../../scripts/story/throwaway-keys";
import { deleteClaim } from "../../scripts/story/registries";
import { checkout } from "../engine/example-checkout";
import { engineMissing, openEngine, type Engine, type EngineRun } from "../harness/engine";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { missing, repositoryRoot, toolOutput } from "../harness/toolchain";

const QUICKSTART = join(repositoryRoot, "examples", "quickstart");
const CLAIMS = ["sbom", "build-evidence", "scan", "approval"];
const MIRRORS = ["published", "subscription"];

/**
 * The digests that the first preview promises: of what is made, and of what each mirror's tags
 * name.
 */
function digests(run: EngineRun): Record<string, unknown> {
  const of = (name: string): Record<string, unknown> => run.step(name)?.newOutputs ?? {};
  const made = ["net-monitor", ...CLAIMS].map((name) => [name, of(name)["digest"]]);
  const mirrored = MIRRORS.map((name) => [
    name,
    (of(name)["plan"] as { tags?: unknown } | undefined)?.tags,
  ]);
  return Object.fromEntries([...made, ...mirrored]) as Record<string, unknown>;
}

/** Digests of everything in the layouts, as they lie there: what a second `up` must not change. */
function written(folder: string): string[] {
  return readdirSync(join(folder, ".run", "registries"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.name === "index.json" ? `${path} ${readFileSync(path, "utf8")}` : path;
    })
    .sort();
}

describe(
  "what the README promises of the quickstart, on layouts",
  { skip: engineMissing("folder") },
  () => {
    let engine: Engine;
    let previewed: Record<string, unknown>;
    let outputs: Record<string, unknown>;

    before(async () => {
      engine = await openEngine({ folder: QUICKSTART, stack: "readme" });
      for (const [name, organization] of [
        ["wabbit", "Wabbit Networks"],
        ["acme", "ACME Rockets"],
      ] as const)
        await throwawayKeys(join(engine.folder, ".run", "keys"), name, organization);
    });

    test("the first preview shows the digests of the artifact, every claim and every mirror; up makes exactly these", async () => {
      previewed = digests(await engine.preview());
      for (const [name, value] of Object.entries(previewed)) {
        const found = typeof value === "string" ? value : (value as Record<string, string>)["v1"];
        assert.match(found ?? "", /^sha256:[0-9a-f]{64}$/, name);
      }
      const up = await engine.up();
      ({ outputs } = up);
      assert.deepEqual(digests(up), previewed);
    });

    test("only the public part left the house", async () => {
      const plan = (await engine.state()).find(({ urn }) => urn.endsWith("::published"))?.outputs?.[
        "plan"
      ];
      assert.ok(!JSON.stringify(plan).includes(String(previewed["build-evidence"])));
      assert.ok(JSON.stringify(plan).includes(String(previewed["scan"])));
    });

    test("a second up changes nothing and writes nothing", async () => {
      const before = written(engine.folder);
      const { changes } = await engine.up({ expectNoChanges: true });
      assert.deepEqual(Object.keys(changes), ["same"]);
      assert.deepEqual(written(engine.folder), before);
    });

    test("a deleted claim shows as one to create and its consequence for mirrors, and a preview mends nothing", async () => {
      await deleteClaim(engine.folder, String(outputs["scanClaim"]));
      const before = written(engine.folder);
      const { steps } = await engine.previewRefresh();
      const planned = steps.filter(({ op }) =>
        ["create", "update", "replace", "delete"].includes(op),
      );
      assert.deepEqual(
        planned.filter(({ op }) => op === "create").map(({ name }) => name),
        ["scan"],
      );
      assert.deepEqual(
        planned.filter(({ op, name }) => op !== "create" && !MIRRORS.includes(name)),
        [],
      );
      assert.deepEqual(written(engine.folder), before);
    });

    test("up --refresh puts it back under the same digest, and all is as planned again", async () => {
      const repaired = await engine.up({ refresh: true });
      assert.equal(repaired.outputs["scanClaim"], outputs["scanClaim"]);
      await engine.previewRefresh({ expectNoChanges: true });
    });
  },
);

describe(
  "the quickstart's story",
  { skip: engineMissing("folder") || registryMissing("olareg") || missing("oras", "notation") },
  () => {
    let registry: TestRegistry;
    before(async () => void (registry = await startRegistry("olareg")));
    after(() => registry?.stop());

    test("with --registry it happens in a running registry, and oras and notation accept what is there", async () => {
      const copy = checkout("quickstart");
      const before = copy.filesOutside();
      const { code, text, seconds, outputs } = await copy.play("--registry", registry.host);
      assert.equal(code, 0, text.slice(-4000));
      assert.deepEqual(copy.filesOutside(), before);
      assert.deepEqual(
        readdirSync(join(copy.folder, ".run")).sort(),
        ["backend", "keys"],
        "no layout was written",
      );
      console.log(
        `quickstart in a registry: ${seconds.toFixed(1)} s, ${registry.requests().length} requests`,
      );

      const deployed = String(outputs["quickstart"]?.["deploy"]);
      assert.ok(deployed.startsWith(`${registry.host}/acme/net-monitor@sha256:`), deployed);
      const listed = JSON.parse(
        await toolOutput("oras", [
          "discover",
          "--plain-http",
          "--format",
          "json",
          "--depth",
          "2",
          deployed,
        ]),
      ) as { referrers: { artifactType: string; referrers?: { artifactType: string }[] }[] };
      const types = listed.referrers.map(({ artifactType }) => artifactType).sort();
      assert.deepEqual(types, [
        "application/spdx+json",
        "application/vnd.cncf.notary.signature",
        "application/vnd.in-toto+json",
        "application/vnd.in-toto+json",
      ]);
      for (const { artifactType, referrers = [] } of listed.referrers) {
        if (!artifactType.includes("signature"))
          assert.deepEqual(
            referrers.map((each) => each.artifactType),
            ["application/vnd.cncf.notary.signature"],
            artifactType,
          );
      }
      const env = notationTrusting(join(copy.folder, ".run", "keys"));
      for (const repository of ["wabbit/internal", "wabbit/public", "acme"]) {
        const reference = `${registry.host}/${repository}/net-monitor@${deployed.split("@")[1]}`;
        assert.match(
          await toolOutput("notation", ["verify", "--insecure-registry", reference], { env }),
          /Successfully verified signature/,
        );
      }
      const scan = String(outputs["quickstart"]?.["scanClaim"]);
      assert.match(
        await toolOutput("notation", ["verify", "--insecure-registry", scan], { env }),
        /Successfully verified signature/,
      );
    });
  },
);

/** Notation's own configuration, trusting the roots that the example made. */
function notationTrusting(keys: string): Record<string, string> {
  const home = tempDir("notation");
  const config = join(home, "notation");
  const store = join(config, "truststore", "x509", "ca", "example");
  mkdirSync(store, { recursive: true });
  for (const name of ["wabbit", "acme"])
    copyFileSync(join(keys, `${name}.root.pem`), join(store, `${name}.pem`));
  const statement = {
    name: "all",
    registryScopes: ["*"],
    signatureVerification: { level: "strict" },
    trustStores: ["ca:example"],
    trustedIdentities: ["*"],
  };
  writeFileSync(
    join(config, "trustpolicy.json"),
    JSON.stringify({ version: "1.0", trustPolicies: [statement] }),
    { mode: 0o600 },
  );
  return { XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
}
