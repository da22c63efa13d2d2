// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Claim, Mirror, Revocation, SignedArtifact, Verification } from "../../sdk";
import {
  EngineFailure,
  engineMissing,
  openEngine,
  type Engine,
  type EngineRun,
  type EngineStep,
} from "../harness/engine";
import { writeKeyFiles } from "../harness/keys";
import {
  registryMissing,
  startRegistry,
  type RegistryKind,
  type TestRegistry,
} from "../harness/registries";
import { WABBIT, acme, remoteWorld, trust, wabbit } from "./verification-world";

/** Five registries of three kinds, one of them also without its referrers API. */
const PLACES = {
  internal: "distribution",
  public: "olareg",
  eu: "ggcr",
  us: "distribution",
  archive: "olareg-fallback",
} as const satisfies Record<string, RegistryKind>;
type Place = keyof typeof PLACES;

interface Figure {
  step: string;
  seconds: number;
  requests: Partial<Record<Place, number>>;
}

describe(
  "the revocation drill, across five registries",
  { skip: engineMissing() || registryMissing(...Object.values(PLACES)) },
  () => {
    const registries = {} as Record<Place, TestRegistry>;
    const engines: Partial<Record<"publisher" | "distributor" | "consumer" | "archivist", Engine>> =
      {};
    const figures: Figure[] = [];
    const signer = (({ keyFile, certificateChainFile }) => ({ keyFile, certificateChainFile }))(
      writeKeyFiles(wabbit),
    );
    const repository = (place: Place): string => `${registries[place].host}/net-monitor`;
    const lifecycleIssuers = { revocation: [WABBIT], redirect: [WABBIT], endOfLife: [WABBIT] };
    let revoked = false;
    let pushedAt = 0;

    /** Wabbit's build: the artifact, its tests, and one day the revocation. */
    const publisher = async (): Promise<object> => {
      const netMonitor = new SignedArtifact("net-monitor", {
        repository: repository("internal"),
        tags: ["v1"],
        files: ["net-monitor.sh"],
        signer,
      });
      new Claim("tests", {
        subject: netMonitor,
        type: "test-result",
        predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
        audience: "public",
        signer,
      });
      const revocation = revoked
        ? new Revocation("revoked", { subject: netMonitor, reason: "CVE-2026-2000", signer })
        : undefined;
      return { digest: netMonitor.digest, revocation: revocation?.digest };
    };
    const distributor = async (): Promise<void> => {
      new Mirror("published", {
        source: repository("internal"),
        destinations: [repository("public")],
        tags: ["v1"],
        claims: { audience: "public" },
        trust: trust(),
      });
    };
    const consumer = async (): Promise<object> => {
      const subscription = new Mirror("subscription", {
        source: repository("public"),
        destinations: [repository("eu"), repository("us")],
        tags: ["v*"],
        trust: trust(),
      });
      const gates = (["eu", "us"] as const).map(
        (place) =>
          new Verification(`gate-${place}`, {
            artifact: `${repository(place)}:v1`,
            trust: trust(),
            require: [{ type: "test-result" }],
            lifecycleIssuers,
            mirror: subscription,
          }),
      );
      return { deploy: gates.map(({ reference }) => reference) };
    };
    const archivist = async (): Promise<void> => {
      const archive = new Mirror("archive", {
        source: repository("eu"),
        destinations: [repository("archive")],
        tags: ["v*"],
        trust: trust(),
      });
      new Verification("restorable", {
        artifact: `${repository("archive")}:v1`,
        trust: trust(),
        lifecycleIssuers,
        mirror: archive,
      });
    };

    before(async () => {
      for (const [place, kind] of Object.entries(PLACES) as [Place, RegistryKind][])
        registries[place] = await startRegistry(kind);
      for (const [name, program] of Object.entries({
        publisher,
        distributor,
        consumer,
        archivist,
      })) {
        const engine = await openEngine({ program, project: name });
        writeFileSync(join(engine.folder, "net-monitor.sh"), "#!/bin/sh\n");
        engines[name as keyof typeof engines] = engine;
        await engine.up();
      }
    });
    after(async () => {
      for (const { step, seconds, requests } of figures)
        console.log(
          `${step}: ${seconds.toFixed(1)} s; requests: ${Object.entries(requests)
            .map(([place, count]) => `${place} ${count}`)
            .join(", ")}`,
        );
      await Promise.all(Object.values(registries).map((registry) => registry.stop()));
    });

    const engine = (name: keyof typeof engines): Engine =>
      engines[name] ?? assert.fail(`${name} was not set up`);

    /** Counts what one operation of the engine costs. */
    async function measured<Result>(step: string, work: () => Promise<Result>): Promise<Result> {
      for (const registry of Object.values(registries)) registry.clear();
      const began = performance.now();
      try {
        return await work();
      } finally {
        const counts = (Object.entries(registries) as [Place, TestRegistry][]).map(
          ([place, registry]) => [place, registry.requests().length] as const,
        );
        figures.push({
          step,
          seconds: (performance.now() - began) / 1000,
          requests: Object.fromEntries(counts.filter(([, count]) => count > 0)),
        });
      }
    }

    const writes = (place: Place): number =>
      ["PUT", "POST", "PATCH", "DELETE"].reduce(
        (sum, method) => sum + registries[place].requests(method).length,
        0,
      );
    /** After a refresh there are two steps: what was found, and what would be done. */
    const next = (run: EngineRun, name: string): EngineStep | undefined =>
      run.steps.findLast((step) => step.name === name);
    const shows = (run: EngineRun, name: string): string =>
      JSON.stringify(next(run, name)?.newInputs ?? {});
    const refuses = (run: EngineRun, gate: string): void => {
      assert.match(
        shows(run, gate),
        /"lifecycle\.revocation":"unmet: not revoked: revoked by .*Wabbit.*: CVE-2026-2000"/,
        gate,
      );
      assert.deepEqual(
        [next(run, gate)?.op, next(run, gate)?.newInputs?.["reference"]],
        ["update", undefined],
        gate,
      );
    };
    const sinceThePush = (step: string): void =>
      void figures.push({ step, seconds: (performance.now() - pushedAt) / 1000, requests: {} });

    test("before the revocation every stack is content", async () => {
      for (const name of ["distributor", "consumer", "archivist"] as const) {
        const { changes } = await measured(`${name}, nothing new: preview --refresh`, () =>
          engine(name).previewRefresh(),
        );
        assert.deepEqual(
          [changes["create"], changes["update"], changes["delete"]],
          [undefined, undefined, undefined],
          name,
        );
      }
    });

    test("the publisher pushes the claim, and stack after stack shows it at its next preview, without writing anything", async () => {
      revoked = true;
      const { outputs } = await measured("publisher: up, the claim is pushed", () =>
        engine("publisher").up(),
      );
      pushedAt = performance.now();
      const revocation = String(outputs["revocation"]);

      const distribution = await measured("distributor: preview --refresh shows it", () =>
        engine("distributor").previewRefresh(),
      );
      assert.equal(next(distribution, "published")?.op, "update");
      assert.match(shows(distribution, "published"), new RegExp(revocation));
      assert.match(shows(distribution, "published"), /revocation/);
      for (const place of Object.keys(PLACES) as Place[])
        assert.equal(writes(place), 0, `${place} was written to in a preview`);
      await measured("distributor: up", () => engine("distributor").up());

      const consumption = await measured("consumer: preview --refresh shows it", () =>
        engine("consumer").previewRefresh(),
      );
      assert.equal(next(consumption, "subscription")?.op, "update");
      assert.match(shows(consumption, "subscription"), new RegExp(revocation));
      // The same preview says what will become of the gates once it has arrived.
      for (const gate of ["gate-eu", "gate-us"]) refuses(consumption, gate);
      for (const place of Object.keys(PLACES) as Place[])
        assert.equal(writes(place), 0, `${place} was written to in a preview`);
      sinceThePush("consumer: from the push to a preview that shows it, one up between");

      const refused = await measured("consumer: up, the gates refuse", () =>
        failure(engine("consumer").up()),
      );
      // The engine begins nothing new once a gate has failed, so which of the two it was is a
      // matter of chance; the previews below name both.
      assert.match(
        refused,
        /lifecycle\.revocation: unmet: not revoked: revoked by .*Wabbit.*: CVE-2026-2000/,
      );
      assert.match(refused, /VERIFICATION_UNMET/);
      assert.equal(
        (await Promise.all([remoteHas("eu", revocation), remoteHas("us", revocation)])).every(
          Boolean,
        ),
        true,
        "the news is in both regions",
      );

      const archival = await measured("archivist: preview --refresh shows it", () =>
        engine("archivist").previewRefresh(),
      );
      assert.match(shows(archival, "archive"), new RegExp(revocation));
      refuses(archival, "restorable");
      sinceThePush("archivist: from the push to a preview that shows it");
      assert.match(
        await measured("archivist: up, the archive's gate refuses", () =>
          failure(engine("archivist").up()),
        ),
        /VERIFICATION_UNMET/,
      );
    });

    test("from then on each stack that consumes it shows it at every preview", async () => {
      for (const [name, gates] of [
        ["consumer", ["gate-eu", "gate-us"]],
        ["archivist", ["restorable"]],
      ] as const) {
        const run = await measured(`${name}: preview --refresh, revoked`, () =>
          engine(name).previewRefresh(),
        );
        for (const gate of gates) {
          assert.equal(next(run, gate)?.op, "update", gate);
          assert.equal(next(run, gate)?.newInputs?.["reference"], undefined, gate);
        }
        assert.ok(
          run.diagnostics.some((line) => /^warning: .*lifecycle\.revocation: unmet/.test(line)),
          run.diagnostics.join("\n"),
        );
      }
    });

    test("an unauthorised revocation arrives as well, and shuts nothing", async () => {
      const { world } = remoteWorld(registries.public.host);
      const target = await world.publish("v2", "net-monitor v2");
      await world.claim(
        target,
        "revocation",
        { target: target.digest, reason: "sabotage" },
        { by: acme },
      );
      const gate = await openEngine({
        project: "unauthorised",
        program: async () => {
          const { claims, reference } = new Verification("gate", {
            artifact: `${repository("public")}:v2`,
            trust: trust(),
            lifecycleIssuers,
          });
          return { claims, reference };
        },
      });
      const { outputs } = await gate.up();
      assert.equal(outputs["reference"], `${repository("public")}@${target.digest}`);
      const statuses = Object.values(outputs["claims"] as Record<string, { status: string }>).map(
        ({ status }) => status,
      );
      assert.deepEqual(statuses.length, 1);
      assert.match(
        statuses[0] ?? "",
        /^untrusted: its signer, .*ACME Rockets.*, is not among those who may issue a revocation here$/,
      );
    });

    test("redirects that lead in a circle across registries are refused: REDIRECT_LOOP", async () => {
      const { world: here } = remoteWorld(registries.public.host, "circle");
      const { world: there } = remoteWorld(registries.eu.host, "circle");
      const one = await here.publish("v1", "one");
      const other = await there.publish("v1", "other");
      await here.claim(one, "redirect", { to: `${registries.eu.host}/circle:v1` });
      await there.claim(other, "redirect", {
        to: `${registries.public.host}/circle@${one.digest}`,
      });
      const gate = await openEngine({
        project: "circle",
        program: async () => {
          new Verification("gate", {
            artifact: `${registries.public.host}/circle:v1`,
            trust: trust(),
            lifecycleIssuers,
            followRedirects: "verify",
          });
        },
      });
      const preview = await measured("a circle of redirects: preview", () => gate.preview());
      assert.ok(
        preview.diagnostics.some((line) => /^warning: .*circle \[REDIRECT_LOOP\]/.test(line)),
        preview.diagnostics.join("\n"),
      );
      assert.match(
        await failure(gate.up()),
        /lifecycle\.redirect: unmet: .* goes in a circle \[REDIRECT_LOOP\].*\[VERIFICATION_UNMET\]/,
      );
    });

    async function failure(operation: Promise<EngineRun>): Promise<string> {
      const error = await operation.then(
        () => assert.fail("it should have failed"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof EngineFailure, String(error));
      return error.message;
    }

    async function remoteHas(place: Place, digest: string): Promise<boolean> {
      const { world } = remoteWorld(registries[place].direct);
      const subject = await world.store.resolve("v1");
      return (await world.store.referrers(subject.digest)).some(
        (referrer) => referrer.digest === digest,
      );
    }
  },
);
