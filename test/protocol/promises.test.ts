// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { isClaim } from "../../provider/claims/recognise";
import { asError, isConsignError } from "../../provider/errors";
import { listSignatures } from "../../provider/notation/index";
import type { Digest } from "../../provider/oci/digest";
import { claim } from "../../provider/claim/claim";
import { mirror } from "../../provider/mirror/mirror";
import { signedArtifact } from "../../provider/artifact/artifact";
import { verification } from "../../provider/verification/verification";
import { basicGate } from "../harness/authentication";
import { registryMissing, type RegistryOptions, type TestRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";
import { Life } from "../harness/life";
import { World, writes } from "../mirror/world";
import { signerFiles, type Keys } from "../harness/places";

const PASSWORD = "p4ss-of-the-registry";

/** A signed artifact, a claim about it, its mirror and a gate: each as a program would have it. */
class Story {
  readonly keys: Keys = signerFiles("promises", {
    subject: { C: "US", ST: "WA", O: "Wabbit Networks", CN: "signer" },
  });
  readonly folder = tempDir("project");
  readonly artifact: Life;
  readonly claim: Life;
  readonly mirror: Life;
  readonly gate: Life;

  constructor(
    readonly source: TestRegistry,
    readonly destination: TestRegistry,
    config: Record<string, unknown> = {},
  ) {
    mkdirSync(join(this.folder, "files"));
    writeFileSync(join(this.folder, "files", "app.sh"), "echo 1\n");
    const options = { folder: this.folder, config };
    [this.artifact, this.claim, this.mirror, this.gate] = [
      new Life(signedArtifact, options),
      new Life(claim, options),
      new Life(mirror, options),
      new Life(verification, options),
    ];
  }

  readonly trust = () => ({
    signatureVerification: { level: "strict", override: { revocation: "skip" } },
    roots: { ca: [this.keys.rootFile] },
    trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"],
  });
  readonly artifactArgs = () => ({
    repository: `${this.source.host}/net`,
    tags: ["v1"],
    files: ["files/app.sh"],
    signer: this.keys.args,
    onDelete: "purge",
  });
  readonly claimArgs = (planned = this.artifact.outputs) => ({
    subject: { reference: planned["reference"], descriptor: planned["descriptor"] },
    type: "test-result",
    predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
    audience: "public",
    signer: this.keys.args,
  });
  readonly mirrorArgs = () => ({
    source: `${this.source.host}/net`,
    destinations: [`${this.destination.host}/net`],
    tags: ["v1"],
    onDelete: "purge",
  });
  readonly gateArgs = () => ({
    artifact: `${this.destination.host}/net:v1`,
    trust: this.trust(),
    require: [{ type: "test-result" }],
  });

  async up(): Promise<string[]> {
    return [
      await this.artifact.up(this.artifactArgs()),
      await this.claim.up(this.claimArgs()),
      await this.mirror.up(this.mirrorArgs()),
      await this.gate.up(this.gateArgs()),
    ];
  }
}

async function story(
  context: TestContext,
  options: {
    destination?: RegistryOptions;
    config?: (source: TestRegistry) => Record<string, unknown>;
    source?: RegistryOptions;
  } = {},
): Promise<{ told: Story; world: World }> {
  const world = new World(context);
  const [source, destination] = [
    await world.registry("ggcr", options.source),
    await world.registry("olareg", options.destination),
  ];
  return { told: new Story(source, destination, options.config?.(source)), world };
}

/** By the words that the README promises them in. */
const promises: Record<string, (context: TestContext) => Promise<void>> = {
  async "The plan is an input"(context) {
    const { told } = await story(context);
    const { planned } = await told.artifact.preview(told.artifactArgs());
    const about = await told.claim.preview(told.claimArgs(planned));
    for (const { digest } of [planned, about.planned])
      assert.match(String(digest), /^sha256:[0-9a-f]{64}$/);
    assert.equal(writes(told.source), 0, "planned, and nothing is written");
    await told.up();
    assert.deepEqual(
      [told.artifact.outputs["digest"], told.claim.outputs["digest"]],
      [planned["digest"], about.planned["digest"]],
    );
  },

  async "Nothing is half visible"(context) {
    const world = new World(context);
    const seen: string[] = [];
    // Whoever looks between any two requests: each registry looks itself before it answers.
    const watched = async (kind: "ggcr" | "olareg"): Promise<TestRegistry> => {
      const registry: TestRegistry = await world.registry(kind, {
        gates: [async () => (await look(registry, kind), false)],
      });
      return registry;
    };
    const [source, destination] = [await watched("ggcr"), await watched("olareg")];
    const told = new Story(source, destination);
    const look = async (registry: TestRegistry, kind: string): Promise<void> => {
      const store = world.repository(registry, "net");
      const root = told.artifact.outputs["digest"] as Digest | undefined;
      if (root === undefined) return;
      const claims = (await store.referrers(root)).filter(isClaim);
      const tagged = await store.resolve("v1").then(
        () => true,
        (error: unknown) => {
          if (isConsignError(error, "MANIFEST_UNKNOWN")) return false;
          throw asError(error);
        },
      );
      for (const { digest } of claims)
        assert.ok(
          (await listSignatures(store, digest)).length > 0,
          `${kind}: who finds a claim finds its signature`,
        );
      if (tagged && kind === "olareg")
        assert.equal(claims.length, 1, "who resolves the tag finds every claim");
      if (tagged)
        assert.ok(
          (await listSignatures(store, root)).length > 0,
          `${kind}: who resolves the tag finds the signature`,
        );
      seen.push(`${kind}: ${tagged ? "tag" : "no tag"}, ${claims.length} claims`);
    };
    await told.up();
    for (const [registry, kind] of [
      [source, "ggcr"],
      [destination, "olareg"],
    ] as const)
      await look(registry, kind);
    for (const state of [
      "ggcr: tag, 0 claims",
      "ggcr: tag, 1 claims",
      "olareg: no tag, 0 claims",
      "olareg: tag, 1 claims",
    ])
      assert.ok(seen.includes(state), `${state} in ${seen.join("; ")}`);
  },

  async "Unsure is not verified, and not deleted"(context) {
    const { told, world } = await story(context);
    await told.up();
    const reference = told.gate.outputs["reference"];
    assert.match(String(reference), /@sha256:/);
    told.destination.setFaults([
      { path: /\/(?:referrers|manifests)\//, fault: { kind: "status", status: 503 } },
    ]);
    const before = structuredClone(told.gate.outputs);
    await assert.rejects(told.gate.refresh(), /\[REGISTRY_/);
    assert.deepEqual(told.gate.outputs, before, "what is recorded stays");
    const fresh = new Life(verification, { folder: told.folder });
    await assert.rejects(fresh.up(told.gateArgs()), /\[REGISTRY_/);
    assert.equal(fresh.outputs["reference"], undefined);
    told.destination.setFaults([]);
    told.source.setFaults([{ fault: { kind: "status", status: 503 } }]);
    await assert.rejects(told.claim.refresh(), /\[REGISTRY_/);
    assert.notEqual(told.claim.id, undefined, "a claim that nobody can see is not gone");
    await assert.rejects(
      told.mirror.up({ ...told.mirrorArgs(), tags: ["v*"], withdrawn: "remove" }),
      /REGISTRY_/,
    );
    assert.deepEqual(
      await world.repository(told.destination, "net").tags(),
      ["v1"],
      "nothing is removed for want of an answer",
    );
  },

  async "A second `up` writes nothing"(context) {
    const { told, world } = await story(context);
    // Killed, as far as a registry can tell: nothing gets through any more from the third write on.
    told.source.setFaults([
      {
        method: "PUT|POST|PATCH",
        nth: Array.from({ length: 200 }, (_, n) => n + 3),
        fault: { kind: "status", status: 403 },
      },
    ]);
    await assert.rejects(told.artifact.up(told.artifactArgs()));
    assert.deepEqual(await world.repository(told.source, "net").tags(), []);
    told.source.setFaults([]);
    await told.up();
    assert.deepEqual(await world.repository(told.destination, "net").tags(), ["v1"]);
    for (const registry of [told.source, told.destination]) registry.clear();
    assert.deepEqual(await told.up(), ["same", "same", "same", "same"]);
    assert.deepEqual([writes(told.source), writes(told.destination)], [0, 0]);
  },

  async "Secrets stay out"(context) {
    const source = { gates: [basicGate({ ci: PASSWORD })] };
    const { told } = await story(context, {
      source,
      config: ({ host }) => ({
        "consign:registries": { [host]: { username: "ci", password: PASSWORD } },
      }),
    });
    await told.up();
    const key = readFileSync(told.keys.args.keyFile, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("-"));
    const recorded = JSON.stringify(
      [told.artifact, told.claim, told.mirror, told.gate].map(({ inputs, outputs, warnings }) => ({
        inputs,
        outputs,
        warnings,
      })),
    );
    for (const secret of [PASSWORD, Buffer.from(`ci:${PASSWORD}`).toString("base64"), ...key])
      assert.ok(!recorded.includes(secret), "a secret is in the state");
    assert.ok(told.source.requests().every(({ path }) => !path.includes(PASSWORD)));
    assert.ok(
      told.destination.requests().every(({ headers }) => headers.authorization === undefined),
      "it went to another host",
    );
  },
};

describe(
  "what the README promises of every resource",
  { skip: registryMissing("olareg", "ggcr") },
  () => {
    const told = [
      ...readFileSync(join(repositoryRoot, "README.md"), "utf8").matchAll(/^- \*\*(.+?)\.?\*\*/gm),
    ].map(([, words]) => String(words).trim());
    for (const [words, check] of Object.entries(promises)) test(words, check);
    test("each promise has a check, and each check a promise", () =>
      assert.deepEqual(told.sort(), Object.keys(promises).sort()));
  },
);
