// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readSmall } from "../../provider/content/verify";
import type { Descriptor } from "../../provider/oci/descriptor";
import { Verification } from "../../sdk";
import { authority, codeSigner } from "../harness/certificates";
import {
  EngineFailure,
  engineMissing,
  openEngine,
  type Engine,
  type EngineRun,
  type StateResource,
} from "../harness/engine";
import type { Issued } from "../harness/keys";
import { makeCrl, serve, type Loopback } from "../harness/pki";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { changes, type Change } from "./verification-changes";
import {
  ACME,
  WABBIT,
  acme,
  acmeRoot,
  impostor,
  remoteWorld,
  sbom,
  scan,
  testResult,
  trust,
  wabbit,
  wabbitRoot,
  type World,
} from "./verification-world";

const HOUR = 3_600_000;

interface Fact {
  name: string;
  happen: () => Promise<unknown>;
  undo: () => Promise<unknown>;
  /** Property paths, and what the new value says; `undefined`: the property is gone. */
  shows: () => Record<string, RegExp | undefined>;
  warns?: RegExp;
}

describe(
  "drift of a Verification, one line per fact",
  { skip: engineMissing() || registryMissing("olareg") },
  () => {
    let registry: TestRegistry;
    let lists: Loopback;
    let world: World;
    let engine: Engine;
    let artifact: Descriptor;
    let bill: Descriptor;
    let scanned: Descriptor;
    let tested: Descriptor;
    let built: Descriptor;
    let scanContent: Uint8Array;
    let revoked = false;
    const wordsRoot = authority({
      subject: { C: "US", ST: "WA", O: "Wabbit Networks", CN: "Wabbit Networks Build Root" },
    });

    const scan1 = scan(new Date(Date.now() - 2 * HOUR));

    before(async () => {
      registry = await startRegistry("olareg");
      lists = await serve(async () => ({
        body: await makeCrl({
          authority: wordsRoot,
          revoked: revoked ? [{ certificate: builder }] : [],
        }),
      }));
      const builder = codeSigner(wordsRoot, { crl: `${lists.url}/list.crl` });
      ({ world } = remoteWorld(registry.host));
      artifact = await world.publish();
      bill = await world.claim(artifact, "sbom/spdx", sbom());
      scanned = await world.claim(artifact, "vulnerabilities", scan1, {
        signedAt: new Date(Date.now() - HOUR),
      });
      scanContent = await readSmall(world.store, await layerOf(world, scanned), 100_000);
      tested = await world.claim(artifact, "test-result", testResult(), { by: acme });
      built = await world.claim(
        artifact,
        "https://example.com/build/v1",
        { builder: "builder" },
        { by: builder },
      );
      engine = await openEngine({
        program: async () => {
          new Verification("gate", {
            artifact: `${registry.host}/net-monitor:v1`,
            trust: { ...trust(), roots: { ca: ["wabbit.pem", "acme.pem", "builder.pem"] } },
            require: [
              { type: "sbom/spdx", issuer: WABBIT },
              { type: "vulnerabilities", maxAge: "30d" },
              { type: "test-result", issuer: ACME, condition: 'predicate.result == "PASSED"' },
              { anyOf: [{ type: "vsa" }, { type: "https://example.com/build/v1" }] },
            ],
            deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }],
          });
        },
      });
      writeFileSync(join(engine.folder, "wabbit.pem"), wabbitRoot.pem);
      writeFileSync(join(engine.folder, "acme.pem"), acmeRoot.pem);
      writeFileSync(join(engine.folder, "builder.pem"), wordsRoot.pem);
      await engine.up();
    });
    after(async () => {
      await lists?.close();
      await registry?.stop();
    });

    const claim = ({ digest }: Descriptor): string => `claims["${digest}"]`;
    const status = (of: Descriptor): string => `${claim(of)}.status`;
    const requirement = (path: string): string => `verdict.requirements["${path}"]`;
    const unsign = async (of: Descriptor): Promise<void> =>
      world.remove(...(await world.signaturesOf(of.digest)));
    const sign = async (
      of: Descriptor,
      ...how: [Issued?, { signedAt: Date; expiry: Date }?]
    ): Promise<void> => void (await world.sign(of, ...how));
    const withdrawn = { reference: undefined };

    /** A fact that is a new claim. */
    function arrival(
      name: string,
      make: () => Promise<Descriptor>,
      shows: (arrived: Descriptor) => ReturnType<Fact["shows"]>,
      warns?: RegExp,
    ): Fact {
      let arrived: Descriptor | undefined;
      const it = (): Descriptor => arrived ?? assert.fail(`${name}: it has not come`);
      return {
        name,
        happen: async () => (arrived = await make()),
        undo: () => world.remove(it()),
        shows: () => shows(it()),
        ...(warns === undefined ? {} : { warns }),
      };
    }

    /**
     * Facts of a group are there together, as nothing in one of them changes what another shows.
     */
    const groups: Fact[][] = [
      [
        {
          name: "a claim is missing",
          happen: () => world.remove(bill),
          undo: () => world.claim(artifact, "sbom/spdx", sbom()),
          shows: () => ({
            [claim(bill)]: undefined,
            [requirement("require[0]")]:
              /^unmet: a claim of type sbom\/spdx by .*: there is no claim of type sbom\/spdx$/,
            ...withdrawn,
          }),
        },
        {
          name: "a claim's content is altered",
          happen: async () =>
            registry.setFaults([
              {
                path: new RegExp(`/blobs/${(await layerOf(world, scanned)).digest}`),
                fault: { kind: "corrupt" },
              },
            ]),
          undo: async () => registry.setFaults([]),
          shows: () => ({
            [status(scanned)]: /^tampered: .*digest/,
            [requirement("require[1]")]: /^unmet: .* is tampered/,
            ...withdrawn,
          }),
        },
        {
          name: "a claim's signer is not trusted any more",
          happen: async () => writeFileSync(join(engine.folder, "acme.pem"), authority().pem),
          undo: async () => writeFileSync(join(engine.folder, "acme.pem"), acmeRoot.pem),
          shows: () => ({
            [status(tested)]: /^untrusted: /,
            [requirement("require[2]")]: /^unmet: .* is untrusted/,
            ...withdrawn,
          }),
        },
        {
          name: "a signing certificate is revoked",
          happen: async () => (revoked = true),
          undo: async () => (revoked = false),
          shows: () => ({
            [status(built)]: /^untrusted: a certificate of the signature is revoked/,
            [requirement("require[3]")]: /^unmet: any of: /,
            ...withdrawn,
          }),
        },
      ],
      [
        {
          name: "a claim is unsigned",
          happen: () => unsign(bill),
          undo: () => sign(bill),
          shows: () => ({
            [status(bill)]: /^unsigned: /,
            [requirement("require[0]")]: /^unmet: .* is unsigned/,
            ...withdrawn,
          }),
        },
        {
          name: "a claim's content is gone",
          happen: async () => world.store.deleteBlob(await layerOf(world, scanned)),
          undo: async () =>
            world.store.pushBlob(await layerOf(world, scanned), async () => contentOf(scanContent)),
          shows: () => ({
            [status(scanned)]: /^tampered: /,
            [requirement("require[1]")]: /^unmet: .* is tampered/,
            ...withdrawn,
          }),
        },
        arrival(
          "a new claim of a denied type",
          () =>
            world.claim(
              artifact,
              "test-result",
              { result: "FAILED", configuration: [{ name: "fuzz" }] },
              { by: acme },
            ),
          (arrived) => ({
            [claim(arrived)]: /"type":"test-result"/,
            [requirement("deny[0]")]: /^unmet: no claim of type test-result/,
            ...withdrawn,
          }),
        ),
        arrival(
          "an end of life lies ahead",
          () => world.claim(artifact, "endOfLife", { date: "2999-01-01" }),
          (arrived) => ({ [claim(arrived)]: /"type":"endOfLife"/ }),
          /net-monitor:v1 reaches its end of life on 2999-01-01/,
        ),
      ],
      [
        {
          name: "a claim has expired",
          happen: async () => {
            await unsign(bill);
            await sign(bill, wabbit, {
              signedAt: new Date(Date.now() - 2 * HOUR),
              expiry: new Date(Date.now() - HOUR),
            });
          },
          undo: async () => {
            await unsign(bill);
            await sign(bill);
          },
          shows: () => ({
            [status(bill)]: /^expired: the signature expired at/,
            [requirement("require[0]")]: /^unmet: .* is expired/,
            ...withdrawn,
          }),
        },
        arrival(
          "a claim is superseded",
          () => world.claim(artifact, "vulnerabilities", scan(new Date(Date.now() - HOUR))),
          (arrived) => ({
            [claim(arrived)]: /"type":"vulnerabilities"/,
            [status(scanned)]: new RegExp(`^superseded by ${arrived.digest}: the same issuer`),
          }),
        ),
        arrival(
          "a new claim of a watched type that nobody trusted has signed",
          () => world.claim(artifact, "sbom/spdx", sbom("another"), { by: impostor }),
          (arrived) => ({
            [claim(arrived)]: /^(?=.*"type":"sbom\/spdx")(?=.*"status":"untrusted: )/,
          }),
        ),
        arrival(
          "a new claim of a type that nobody asked about",
          () => world.claim(artifact, "https://example.com/else/v1", { other: true }),
          () => ({}),
        ),
      ],
      [
        arrival(
          "a claim is revoked by its issuer",
          () => world.claim(bill, "revocation", { target: bill.digest, reason: "incomplete" }),
          (arrived) => ({
            [claim(arrived)]: /"type":"revocation"/,
            [status(bill)]: new RegExp(`^revoked by ${arrived.digest}: .*incomplete`),
            [requirement("require[0]")]: /^unmet: .* is revoked/,
            ...withdrawn,
          }),
        ),
        arrival(
          "the artifact is revoked",
          () =>
            world.claim(artifact, "revocation", { target: artifact.digest, reason: "a backdoor" }),
          (arrived) => ({
            [claim(arrived)]: /"type":"revocation"/,
            [requirement("lifecycle.revocation")]: /^unmet: not revoked: revoked by .*: a backdoor/,
            ...withdrawn,
          }),
        ),
        {
          name: "the artifact is unsigned",
          happen: () => unsign(artifact),
          undo: () => sign(artifact),
          shows: () => ({
            "verdict.signature": /^missing: .*\[SIGNATURE_MISSING\]$/,
            ...withdrawn,
          }),
        },
      ],
      [
        {
          name: "the tag was moved",
          happen: () => world.publish("v1", "another net-monitor", null),
          undo: () => world.image("net-monitor", "v1"),
          shows: () => ({ "verdict.digest": /^sha256:/ }),
        },
      ],
    ];

    for (const facts of groups) {
      test(facts.map(({ name }) => name).join("; "), async () => {
        for (const { happen } of facts) await happen();
        try {
          const drift = await engine.previewRefresh();
          assertShows(
            refreshed(drift),
            Object.assign({}, ...facts.map(({ shows }) => shows())) as ReturnType<Fact["shows"]>,
          );
          for (const { warns } of facts)
            assert.ok(
              warns === undefined || drift.diagnostics.some((line) => warns.test(line)),
              drift.diagnostics.join("\n"),
            );
        } finally {
          for (const { undo } of facts) await undo();
        }
      });
    }

    test("with everything undone there is no drift, and CI's check passes", async () => {
      const calm = await engine.previewRefresh({ expectNoChanges: true });
      assert.deepEqual([refreshed(calm), calm.changes], [[], { refresh: 1, same: 1 }]);
    });

    test("a registry that cannot be asked drops nothing and verifies nothing", async () => {
      const before = await gate(engine);
      registry.setFaults([{ fault: { kind: "status", status: 503 } }]);
      await assert.rejects(engine.refresh(), EngineFailure);
      registry.setFaults([{ fault: { kind: "status", status: 401 } }]);
      await assert.rejects(engine.up());
      registry.setFaults([]);
      assert.deepEqual(await gate(engine), before);
      assert.equal(before.outputs?.reference, `${registry.host}/net-monitor@${artifact.digest}`);
    });

    test("CI's check fails on drift; a refresh withdraws the reference; once it is good again it is back", async () => {
      await unsign(bill);
      await assert.rejects(engine.previewRefresh({ expectNoChanges: true }));
      await engine.refresh();
      const { inputs, outputs } = await gate(engine);
      assert.deepEqual([outputs?.reference, inputs?.reference], [undefined, undefined]);
      await assert.rejects(
        engine.up(),
        /require\[0\]: unmet: .* is unsigned.*\[VERIFICATION_UNMET\]/s,
      );
      await sign(bill);
      assert.deepEqual((await engine.up()).changes, { update: 1 });
      assert.equal(
        (await gate(engine)).outputs?.reference,
        `${registry.host}/net-monitor@${artifact.digest}`,
      );
    });
  },
);

async function gate(engine: Engine): Promise<Pick<StateResource, "id" | "inputs" | "outputs">> {
  const { id, inputs, outputs } =
    (await engine.state()).find(({ type }) => type.endsWith(":Verification")) ??
    assert.fail("it is not in the state");
  return {
    ...(id === undefined ? {} : { id }),
    ...(inputs === undefined ? {} : { inputs }),
    ...(outputs === undefined ? {} : { outputs }),
  };
}

async function layerOf(world: World, claim: Descriptor): Promise<Descriptor> {
  const manifest = await world.store.manifest(claim);
  return (
    (manifest.kind === "manifest" ? manifest.value.layers[0] : undefined) ?? assert.fail("no layer")
  );
}

async function* contentOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function refreshed(run: EngineRun): Change[] {
  const step =
    run.steps.find(({ op, name }) => op === "refresh" && name === "gate") ??
    assert.fail("no refresh");
  // Beside a fact that forbids, it is remembered; that is no fact of its own.
  return changes(step.oldOutputs, step.newOutputs).filter(
    ({ path }) => path !== "against" && !path.startsWith("against["),
  );
}

function assertShows(found: readonly Change[], wanted: Record<string, RegExp | undefined>): void {
  assert.deepEqual(
    found.map(({ path }) => path).sort(),
    Object.keys(wanted).sort(),
    JSON.stringify(found, null, 1),
  );
  for (const { path, value } of found) {
    const says = wanted[path];
    if (says === undefined) assert.equal(value, undefined, path);
    else assert.match(typeof value === "string" ? value : JSON.stringify(value), says, path);
  }
}
