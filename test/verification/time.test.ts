// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { OciLayout } from "../../provider/content/oci-layout";
import type { Descriptor } from "../../provider/oci/descriptor";
import { RegistryClient } from "../../provider/registry/index";
import { isConsignError } from "../../provider/errors";
import { PartialFailure, type Properties } from "../../provider/world/reconciler";
import { verification } from "../../provider/verification/verification";
import { tempDir } from "../harness/temp";
import { World, sbom, scan, trust } from "../engine/verification-world";
import { contextAt } from "./context";

const DAY = 86_400_000;
const start = new Date(Math.floor(Date.now() / 1000) * 1000);
const later = (milliseconds: number): Date => new Date(start.getTime() + milliseconds);

const folder = tempDir("time");
const client = new RegistryClient({ baseDir: folder });
const warnings: string[] = [];
let world: World;
let artifact: Descriptor;
before(async () => {
  world = new World(OciLayout.open(join(folder, "repo"), { create: true }));
  artifact = await world.publish();
});
after(() => client.close());

async function plan(now: Date, args: object): Promise<Properties> {
  warnings.length = 0;
  return (
    await verification.plan(
      { artifact: "oci:repo:v1", trust: trust(), ...args },
      new Set(),
      undefined,
      contextAt(client, () => now, folder, warnings),
    )
  ).planned;
}

const requirement = (planned: Properties): string | undefined =>
  (planned["verdict"] as { requirements: Record<string, string> }).requirements["require[0]"];

test("maxAge is good up to its last millisecond, and what it says then is the same ever after", async () => {
  await world.claim(artifact, "vulnerabilities", scan(start), { signedAt: start });
  const require = [{ type: "vulnerabilities", maxAge: "7d" }];
  const first = await plan(later(60_000), { require });
  assert.ok(first["reference"]);
  assert.deepEqual(
    await plan(later(7 * DAY), { require }),
    first,
    "a good verdict has no time in it",
  );
  const late = await plan(later(7 * DAY + 1), { require });
  assert.match(requirement(late) ?? "", /^unmet: .*: it is older than 7d: it counts from /);
  assert.equal(late["reference"], undefined);
  assert.deepEqual(
    await plan(later(30 * DAY), { require }),
    late,
    "a bad verdict has no time in it",
  );
});

test("a claim's expiry is the first moment at which it does not count", async () => {
  const bill = await world.claim(artifact, "sbom/spdx", sbom(), {
    signedAt: start,
    expiry: later(DAY),
  });
  const require = [{ type: "sbom/spdx" }];
  assert.ok((await plan(later(DAY - 1), { require }))["reference"]);
  const expired = await plan(later(DAY), { require });
  assert.match(
    (expired["claims"] as Record<string, { status: string }>)[bill.digest]?.status ?? "",
    /^expired: /,
  );
  assert.deepEqual(await plan(later(9 * DAY), { require }), expired);
});

test("an end of life warns until it comes, and forbids from then on", async () => {
  const date = later(20 * DAY).toISOString();
  const end = await world.claim(artifact, "endOfLife", { date });
  const ahead = await plan(later(DAY), {});
  assert.ok(ahead["reference"]);
  assert.deepEqual(
    [warnings.length, warnings[0]?.includes("reaches its end of life on")],
    [1, true],
  );
  const passed = await plan(later(20 * DAY), {});
  assert.deepEqual(
    [passed["reference"], (passed["verdict"] as { requirements: object }).requirements],
    [
      undefined,
      {
        "lifecycle.endOfLife": `unmet: not past its end of life: reached its end of life on ${date.slice(0, 10)}`,
      },
    ],
  );
  assert.ok(
    (await plan(later(20 * DAY), { lifecycleIssuers: { endOfLife: [] } }))["reference"],
    "nobody may end it",
  );
  await world.remove(end);
});

test("what is not there yet is one warning, and no verdict on it", async () => {
  const planned = await plan(later(1000), { artifact: "oci:repo:v9" });
  assert.equal(planned["reference"], undefined);
  assert.deepEqual(
    [warnings.length, warnings[0]?.startsWith("oci:repo:v9 is not there yet")],
    [1, true],
  );
});

test("ensure refuses what is not verified, and what is another than planned", async () => {
  const context = contextAt(client, () => later(1000), folder);
  const inputs = { artifact: "oci:repo:v1", trust: trust() };
  await assert.rejects(
    verification.ensure({ ...inputs, deny: [{ type: "vulnerabilities" }] }, undefined, context),
    (error) => {
      assert.ok(error instanceof PartialFailure);
      assert.ok(isConsignError(error.cause, "VERIFICATION_UNMET"));
      assert.deepEqual([error.cause.path, error.properties["reference"]], ["artifact", undefined]);
      return true;
    },
  );
  const planned = { ...inputs, ...(await plan(later(1000), {})) };
  await world.publish("v1", "another");
  await assert.rejects(
    verification.ensure(
      planned,
      undefined,
      contextAt(client, () => later(1000), folder),
    ),
    { code: "PLAN_STALE" },
  );
});

test("the policy's digest follows from what decides, not from how it is written", async () => {
  const summary = async (args: object): Promise<string> =>
    ((await plan(later(1000), args))["summary"] as { policy: { uri: string } }).policy.uri;
  const usual = await summary({});
  assert.equal(
    await summary({
      trust: { ...trust(), name: "named", roots: { ca: [...trust().roots.ca].reverse() } },
    }),
    usual,
  );
  assert.notEqual(await summary({ trust: trust({ trustedIdentities: ["*"] }) }), usual);
  assert.notEqual(await summary({ deny: [{ type: "vsa" }] }), usual);
});
