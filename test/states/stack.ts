// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { consign } from "../engine/world";
import { openEngine, type Engine } from "../harness/engine";
import { QUICK_PROGRAMS, repositoryRoot } from "../harness/toolchain";
import { filesIn, stackSchema, type RecordedStack } from "./recorded";
import { Scene, signer, trusting } from "./scene";

const CLOCK = "2026-06-01T12:00:00Z";

/** One resource of every kind, each built on the one before. */
export async function program(): Promise<Record<string, unknown>> {
  const { ArchivePolicy, Claim, Mirror, Promotion, SignedArtifact, Verification } = consign();
  const trust = trusting("wabbit", "acme");
  const app = new SignedArtifact("app", {
    repository: "oci:places/source",
    tags: ["v1"],
    files: ["files/app.sh"],
    signer: signer("wabbit"),
    onDelete: "purge",
  });
  const tests = new Claim("tests", {
    subject: app,
    type: "test-result",
    predicate: { result: "PASSED", configuration: [] },
    signer: signer("wabbit"),
  });
  const copy = new Mirror(
    "copy",
    {
      source: "oci:places/source",
      destinations: ["oci:places/east", "oci:places/west"],
      onDelete: "purge",
    },
    { dependsOn: [tests] },
  );
  const gate = new Verification(
    "gate",
    { artifact: app, trust, require: [{ type: "test-result" }] },
    { dependsOn: [tests, copy] },
  );
  const production = new Promotion("production", {
    artifact: gate,
    environment: "production",
    to: "oci:places/production",
    tag: "current",
    signer: signer("acme"),
  });
  const archive = new ArchivePolicy(
    "archive",
    {
      sources: ["oci:places/production"],
      archive: "oci:places/archive",
      retain: { for: "1y" },
      signer: signer("acme"),
      trust,
    },
    { dependsOn: [production] },
  );
  return { app: app.digest, gate: gate.reference, archive: archive.archive };
}

/** An engine in which {@link program} runs at a time that was, as the provider sees it. */
export async function openEngineAt(clock: string): Promise<Engine> {
  const require = `--require ${JSON.stringify(join(repositoryRoot, "test", "states", "fixed-clock.cjs"))}`;
  return openEngine({
    program,
    env: {
      CONSIGN_CLOCK: clock,
      NODE_OPTIONS: `${QUICK_PROGRAMS["NODE_OPTIONS"] ?? ""} ${require}`,
    },
  });
}

/** The program's stack, as the real engine exports it. */
export async function stack(): Promise<RecordedStack> {
  const engine = await openEngineAt(CLOCK);
  const scene = new Scene(engine.folder);
  scene.file("files/app.sh", "echo 1\n");
  await engine.up();
  const { version, deployment } = await engine.stack.exportStack();
  // How secrets are kept is the backend's matter; there are none.
  delete deployment.secrets_providers;
  return stackSchema.parse({
    at: CLOCK,
    files: filesIn(engine.folder),
    deployment: { version, deployment },
  });
}
