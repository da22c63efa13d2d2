// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Descriptor } from "../../provider/oci/descriptor";
import { RegistryClient } from "../../provider/registry/index";
import { verification } from "../../provider/verification/verification";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { missing, runTool } from "../harness/toolchain";
import {
  ACME,
  WABBIT,
  World,
  acme,
  acmeRoot,
  wabbit,
  wabbitRoot,
} from "../engine/verification-world";
import { contextAt } from "./context";

/**
 * Two publishers, each trusted for its own repository; everything else only for its being whole.
 */
function configuration(host: string): string {
  const folder = join(tempDir("notation"), "notation");
  for (const [name, root] of Object.entries({ wabbit: wabbitRoot, acme: acmeRoot })) {
    mkdirSync(join(folder, "truststore", "x509", "ca", name), { recursive: true });
    writeFileSync(join(folder, "truststore", "x509", "ca", name, "root.crt"), root.pem);
  }
  const statement = (
    name: string,
    level: string,
    registryScopes: string[],
    identity: string,
  ): object => ({
    name,
    registryScopes,
    signatureVerification: { level },
    trustStores: [`ca:${name === "rest" ? "wabbit" : name}`],
    trustedIdentities: [identity],
  });
  const trustPolicies = [
    statement("wabbit", "strict", [`${host}/wabbit/app`], WABBIT),
    statement("acme", "strict", [`${host}/acme/app`, `${host}/acme/other`], ACME),
    statement("rest", "audit", ["*"], "*"),
  ];
  writeFileSync(
    join(folder, "trustpolicy.json"),
    JSON.stringify({ version: "1.0", trustPolicies }),
    { mode: 0o600 },
  );
  return folder;
}

describe(
  "trust from a notation configuration directory, beside notation with the same directory",
  { skip: missing("notation") || registryMissing("olareg") },
  () => {
    let registry: TestRegistry;
    let client: RegistryClient;
    let folder: string;
    before(async () => {
      registry = await startRegistry("olareg");
      client = new RegistryClient({ baseDir: "/nonexistent" });
      folder = configuration(registry.host);
    });
    after(async () => {
      await client.close();
      await registry.stop();
    });

    async function both(reference: string): Promise<{ notation: boolean; consign: boolean }> {
      const { code } = await runTool("notation", ["verify", "--insecure-registry", reference], {
        env: { XDG_CONFIG_HOME: join(folder, ".."), XDG_CACHE_HOME: tempDir("cache") },
      });
      const { planned } = await verification.plan(
        { artifact: reference, trust: { notationConfig: folder } },
        new Set(),
        undefined,
        contextAt(client, () => new Date()),
      );
      return { notation: code === 0, consign: planned["reference"] !== undefined };
    }

    const cases: [name: string, repository: string, by: typeof wabbit | null, good: boolean][] = [
      ["its own publisher", "wabbit/app", wabbit, true],
      ["another trusted publisher, but not for this repository", "wabbit/app", acme, false],
      ["the second scope of a statement", "acme/other", acme, true],
      ["nobody", "acme/app", null, false],
      ["a stranger, where the statement for everything only logs", "free/app", acme, true],
      ["nobody, where the statement for everything only logs", "free/app", null, false],
    ];
    for (const [index, [name, repository, by, good]] of cases.entries()) {
      test(`${repository} signed by ${name}`, async () => {
        const artifact: Descriptor = await new World(
          client.repository(registry.host, repository),
        ).publish(`v${index}`, `net-monitor ${index}`, by);
        assert.deepEqual(await both(`${registry.host}/${repository}@${artifact.digest}`), {
          notation: good,
          consign: good,
        });
      });
    }

    test("a directory without a policy, or a store without certificates, is an error of trust.notationConfig", async () => {
      const artifact = `${registry.host}/wabbit/app:v0`;
      const plan = (notationConfig: string) =>
        verification.plan(
          { artifact, trust: { notationConfig } },
          new Set(),
          undefined,
          contextAt(client, () => new Date()),
        );
      await assert.rejects(plan(tempDir("empty")), {
        code: "FILE_NOT_FOUND",
        path: "trust.notationConfig",
      });
      const broken = configuration(registry.host);
      writeFileSync(join(broken, "truststore", "x509", "ca", "wabbit", "root.crt"), "");
      await assert.rejects(plan(broken), {
        code: "TRUST_STORE_INVALID",
        path: "trust.notationConfig",
      });
    });
  },
);
