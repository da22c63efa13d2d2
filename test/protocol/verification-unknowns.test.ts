// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import { dynamicProvider } from "../../provider/dynamic/adapter";
import { diff } from "../../provider/protocol/diff";
import { makeContext } from "../../provider/dynamic/host";
import { UNKNOWN } from "../../provider/protocol/unknowns";
import type { Properties } from "../../provider/world/reconciler";
import { verification } from "../../provider/verification/verification";
import {
  ACME,
  WABBIT,
  World,
  acmeRoot,
  sbom,
  testResult,
  wabbitRoot,
} from "../engine/verification-world";
import { tempDir } from "../harness/temp";
import { places, withUnknown } from "./unknown-places";

test("verification: unknown arguments anywhere", { timeout: 300_000 }, async () => {
  const folder = tempDir("vu");
  const world = new World(OciLayout.open(join(folder, "repo"), { create: true }));
  const artifact = await world.publish();
  await world.claim(artifact, "sbom/spdx", sbom());
  await world.claim(artifact, "test-result", testResult());
  const args: Properties = {
    artifact: {
      reference: `oci:repo@${artifact.digest}`,
      descriptor: { mediaType: artifact.mediaType, digest: artifact.digest, size: artifact.size },
    },
    trust: {
      name: "n",
      signatureVerification: {
        level: "strict",
        override: { revocation: "log" },
        verifyTimestamp: "always",
      },
      roots: { ca: [wabbitRoot.pem, acmeRoot.pem], signingAuthority: [acmeRoot.pem] },
      trustedIdentities: [WABBIT, ACME],
      registryScopes: ["*"],
    },
    require: [
      {
        type: "sbom/spdx",
        issuer: WABBIT,
        maxAge: "7d",
        condition: "predicate.name == 'net-monitor'",
      },
      { anyOf: [{ type: "test-result", issuer: [WABBIT, ACME] }, { type: "vex" }] },
    ],
    deny: [{ type: "vulnerabilities", issuer: ACME, condition: "true" }],
    precedence: [ACME, WABBIT],
    lifecycleIssuers: { revocation: [ACME], redirect: [WABBIT], endOfLife: [] },
    followRedirects: "verify",
  };
  const context = { ...makeContext(folder, undefined), warn: () => undefined };
  const provider = dynamicProvider(
    () => verification,
    () => context,
  );
  const check = async (news: Properties) => (await provider.check?.({}, news)) ?? {};
  const whole = (await check(args)).inputs as Properties;
  assert.ok(whole["reference"]);
  const all = Object.entries(args).flatMap(([property, value]) => places(value, [property]));
  const tried = async (holes: (string | number)[][]) => {
    const news = holes.reduce<unknown>((sum, path) => withUnknown(sum, path), args) as Properties;
    const { failures } = await check(news);
    assert.deepEqual(failures ?? [], [], JSON.stringify(holes));
    assert.deepEqual(diff(verification, whole, news).replaces, []);
  };
  for (const path of all) await tried([path]);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.constantFrom(...all), { minLength: 2, maxLength: 6 }),
      tried,
    ),
    { numRuns: 150 },
  );
  const other = {
    ...args,
    trust: {
      ...(args["trust"] as object),
      roots: undefined,
      trustStores: [UNKNOWN],
      trustedIdentities: [UNKNOWN, "*"],
    },
  };
  assert.deepEqual(
    (await check(JSON.parse(JSON.stringify(other)) as Properties)).failures ?? [],
    [],
  );
  await context.stores.close();
});
