// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { archivePolicy } from "../../provider/archive/archive";
import { signedArtifact } from "../../provider/artifact/artifact";
import { claim } from "../../provider/claim/claim";
import { OciLayout } from "../../provider/content/oci-layout";
import { mirror } from "../../provider/mirror/mirror";
import { promotion } from "../../provider/promotion/promotion";
import type { Properties, Reconciler } from "../../provider/world/reconciler";
import { ArchiveWorld } from "../archive/world";
import { pushImage, pushIndex } from "../harness/artifacts";
import { codeOf } from "../harness/failure";
import { Life } from "../harness/life";
import { MemoryStores, publish, quickParty, trustOf } from "../harness/memory-world";
import { signerFiles } from "../harness/places";
import { installPlugin } from "../harness/plugin";
import { tempDir } from "../harness/temp";

interface Scene {
  life: Life;
  signer: { keyFile: string };
  args: Properties;
  /** With these, something is to be signed. */
  due: Properties;
}

const DUE = /^signer\.keyFile: a signature is due, and cannot be made here: .*\[FILE_NOT_FOUND\]/;
const due = (life: Life): string[] => life.warnings.filter((line) => /signature is due/.test(line));

function project(): string {
  const folder = tempDir("no-key");
  for (const name of ["one.sh", "two.sh"]) writeFileSync(join(folder, name), `echo ${name}\n`);
  return folder;
}

function lifeOf(kind: Reconciler, folder: string, stores?: MemoryStores): Life {
  return new Life(kind, { folder, ...(stores === undefined ? {} : { world: { stores } }) });
}

const SCENES: Record<string, () => Promise<Scene>> = {
  async SignedArtifact() {
    const { signer } = quickParty("Wabbit Networks");
    const args = { repository: "oci:out", tags: ["v1"], files: ["one.sh"], signer };
    return {
      life: lifeOf(signedArtifact, project()),
      signer,
      args,
      due: { ...args, files: ["two.sh"] },
    };
  },
  async Claim() {
    const folder = project();
    const { signer } = quickParty("Wabbit Networks");
    const image = await pushImage(OciLayout.open(join(folder, "out"), { create: true }));
    const args = {
      subject: `oci:out@${image.descriptor.digest}`,
      type: "test-result",
      predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
      signer,
    };
    return { life: lifeOf(claim, folder), signer, args, due: { ...args, validFor: "30d" } };
  },
  async Mirror() {
    const folder = project();
    const { signer } = quickParty("ACME Rockets");
    const origin = OciLayout.open(join(folder, "origin"), { create: true });
    await pushIndex(origin, {
      tag: "v1",
      platforms: ["linux/amd64", "linux/arm64", "windows/amd64"],
    });
    const args = (...only: string[]) => ({
      source: "oci:origin",
      destinations: ["oci:copy"],
      platforms: { only, index: "derived" },
      signer,
    });
    return {
      life: lifeOf(mirror, folder),
      signer,
      args: args("linux/amd64"),
      due: args("linux/amd64", "linux/arm64"),
    };
  },
  async Promotion() {
    const stores = new MemoryStores();
    const [wabbit, acme] = [quickParty("Wabbit Networks"), quickParty("ACME Rockets")];
    const from = "registry.example/wabbit/app";
    const release = async (name: string): Promise<string> =>
      `${from}@${(await publish(stores.at(from), name, wabbit, name)).digest}`;
    const args = {
      artifact: await release("one"),
      environment: "production",
      to: "registry.example/acme/app",
      tag: "prod",
      signer: acme.signer,
      trust: trustOf(wabbit, acme),
    };
    return {
      life: lifeOf(promotion, project(), stores),
      signer: acme.signer,
      args,
      due: { ...args, artifact: await release("two") },
    };
  },
  async ArchivePolicy() {
    const world = new ArchiveWorld();
    const acme = quickParty("ACME Rockets");
    await world.deployed("v1", { from: "2026-01-01", until: "2026-03-01", by: acme });
    await world.deployed("v2", { from: "2026-03-01", by: acme });
    const args = (asOf: string) => world.args(asOf, { signer: acme.signer, trust: trustOf(acme) });
    return {
      life: lifeOf(archivePolicy, project(), world.stores),
      signer: acme.signer,
      args: args("2026-03-15"),
      due: args("2026-04-01"),
    };
  },
};

describe("without the private key", () => {
  for (const [kind, scene] of Object.entries(SCENES))
    test(`${kind}: what signs nothing goes on; a signature that is due is a warning, and then an error`, async () => {
      const { life, signer, args, due: changed } = await scene();
      assert.equal(await life.up(args), "create");
      renameSync(signer.keyFile, `${signer.keyFile}.away`);

      assert.equal((await life.preview(args)).op, "same");
      assert.deepEqual(due(life), []);
      assert.deepEqual(await life.refresh(), []);
      assert.equal(await life.up(args), "same");

      assert.equal((await life.preview(changed)).op, "update");
      assert.match(due(life).join("\n"), DUE);
      await assert.rejects(life.up(changed), codeOf("FILE_NOT_FOUND", /signer\.keyFile/));

      renameSync(`${signer.keyFile}.away`, signer.keyFile);
      assert.equal(await life.up(changed), "update");
      assert.deepEqual(due(life), []);
    });

  test("a preview of what is to be made warns; where it is signed already, by an earlier run, it does not", async () => {
    const { life, signer, args } = await (SCENES["SignedArtifact"] ?? assert.fail())();
    renameSync(signer.keyFile, `${signer.keyFile}.away`);
    assert.equal((await life.preview(args)).op, "create");
    assert.match(due(life).join("\n"), DUE);
    renameSync(`${signer.keyFile}.away`, signer.keyFile);
    await life.up(args);
    rmSync(signer.keyFile);
    const again = lifeOf(signedArtifact, life.options.folder);
    assert.equal(await again.up(args), "create", "it is adopted");
    assert.deepEqual(due(again), []);
  });

  test("a signature that is lost, or ends soon, is due", async () => {
    const folder = project();
    const { args: signer } = signerFiles("renewing");
    let now = Date.now();
    const life = new Life(signedArtifact, { folder, now: () => new Date(now) });
    const args = {
      repository: "oci:out",
      files: ["one.sh"],
      signer,
      validFor: "30d",
      renewBefore: "7d",
    };
    await life.up(args);
    const kept = `${signer.keyFile}.away`;
    renameSync(signer.keyFile, kept);
    await life.preview(args);
    assert.deepEqual(due(life), []);
    now += 25 * 86_400_000;
    assert.equal((await life.preview(args)).op, "update");
    assert.match(due(life).join("\n"), DUE);
    now -= 25 * 86_400_000;
    const [{ digest = "" } = {}] = life.outputs["signatures"] as { digest: string }[];
    const out = OciLayout.open(join(folder, "out"));
    await out.deleteManifest(await out.resolve(digest));
    assert.deepEqual(await life.refresh(), ["signature"]);
    assert.equal((await life.preview(args)).op, "update");
    assert.match(due(life).join("\n"), DUE);
    renameSync(kept, signer.keyFile);
  });

  test("an encrypted key without its passphrase, and a key of notation's, are as absent", async () => {
    const folder = project();
    const { args: files, issued } = signerFiles("locked");
    const args = { repository: "oci:out", files: ["one.sh"], signer: files };
    await lifeOf(signedArtifact, folder).up(args);
    const life = lifeOf(signedArtifact, folder);
    const pem = createPrivateKey(issued.keyPem).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "s3cret",
    });
    writeFileSync(join(folder, "locked.key"), pem);
    const locked = { ...files, keyFile: "locked.key", passphraseEnv: "CONSIGN_TEST_UNSET" };
    assert.equal((await life.preview({ ...args, signer: locked })).op, "create");
    assert.deepEqual(due(life), []);
    await life.preview({ ...args, files: ["two.sh"], signer: locked });
    assert.match(due(life).join("\n"), /^signer\.passphraseEnv: .*\[KEY_UNREADABLE\]/);

    const keys = [
      { name: "k", keyPath: join(folder, "gone.key"), certPath: files.certificateChainFile },
    ];
    writeFileSync(join(folder, "signingkeys.json"), JSON.stringify({ keys }));
    const signer = { notationKey: "k", configDir: "." };
    assert.equal(await life.up({ ...args, signer }), "create");
    rmSync(join(folder, "signingkeys.json"));
    assert.equal((await life.preview({ ...args, signer })).op, "same", "as the state has it");
    assert.deepEqual(due(life), []);
    await life.preview({ ...args, signer, files: ["two.sh"] });
    assert.match(due(life).join("\n"), /^signer\.notationKey: .*\[SIGNER_UNKNOWN\]/);
  });
});

describe("a plugin", () => {
  for (const capability of ["RAW", "ENVELOPE"] as const)
    test(`that makes ${capability}: is asked when it is new and when a signature is due; else the state is`, async () => {
      const folder = project();
      const name = `asked-${capability.toLowerCase()}`;
      const { issued } = signerFiles("behind-plugin", { key: "p-256" });
      const calls = installPlugin(name, issued, capability);
      const signer = { plugin: name, keyId: "key-1" };
      const args = { repository: "oci:out", files: ["one.sh"], signer };
      const life = lifeOf(signedArtifact, folder);
      await life.up(args);
      const before = calls().length;
      assert.equal(await life.up(args), "same");
      assert.deepEqual(await life.refresh(), []);
      assert.equal(calls().length, before, "nobody asks for what the state has");

      const executable = join(
        process.env["NOTATION_LIBEXEC"] ?? "",
        "plugins",
        name,
        `notation-${name}`,
      );
      renameSync(executable, `${executable}.away`);
      assert.equal((await life.preview(args)).op, "same");
      assert.deepEqual(due(life), []);
      await life.preview({ ...args, files: ["two.sh"] });
      assert.match(due(life).join("\n"), /^signer: .*\[PLUGIN_NOT_FOUND\]/);
      renameSync(`${executable}.away`, executable);

      const renewed = signerFiles("renewed-plugin", { key: "p-256" }).issued;
      installPlugin(name, renewed, capability);
      chmodSync(executable, 0o755);
      assert.equal((await life.preview(args)).op, "same", "what is signed is signed");
      assert.equal(await life.up({ ...args, files: ["two.sh"] }), "update");
      if (capability === "RAW")
        assert.deepEqual(life.outputs["signedBy"], {
          subject: (life.outputs["signatures"] as { subject: string }[])[0]?.subject,
          thumbprint: renewed.x509.fingerprint256.replaceAll(":", "").toLowerCase(),
        });
    });
});
