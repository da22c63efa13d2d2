// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  Claim,
  EndOfLife,
  Mirror,
  Redirect,
  Revocation,
  SignedArtifact,
  Verification,
  type VerificationArgs,
} from "../../sdk";
import {
  EngineFailure,
  engineMissing,
  openEngine,
  type Engine,
  type EngineRun,
} from "../harness/engine";
import { writeKeyFiles } from "../harness/keys";
import { registryMissing, startRegistry, type TestRegistry } from "../harness/registries";
import { missing, toolOutput } from "../harness/toolchain";
import { ACME, WABBIT, acme, remoteWorld, trust, wabbit, type World } from "./verification-world";

const LIFECYCLE = "application/vnd.microsoft.artifact.lifecycle";

/** What the program says beyond the artifact and its tests. */
interface Script {
  revoke?: "artifact" | "claim" | "tag";
  revokedFrom?: string;
  ends?: string;
  redirect?: string;
  gate?: Partial<VerificationArgs>;
}

describe(
  "revocation, redirect and end of life as resources",
  { skip: engineMissing() || registryMissing("olareg") || missing("oras") },
  () => {
    let registry: TestRegistry;
    let world: World;
    let engine: Engine;
    let script: Script = {};
    const { keyFile, certificateChainFile } = writeKeyFiles(wabbit);
    const signer = { keyFile, certificateChainFile };

    const program = async (): Promise<object> => {
      const repository = `${registry.host}/net-monitor`;
      const netMonitor = new SignedArtifact("net-monitor", {
        repository,
        tags: ["v1"],
        files: ["net-monitor.sh"],
        signer,
      });
      const tests = new Claim("tests", {
        subject: netMonitor,
        type: "test-result",
        predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
        audience: "public",
        signer,
      });
      const said: Claim[] = [tests];
      const { revoke, revokedFrom, ends, redirect } = script;
      const since = revokedFrom === undefined ? {} : { since: revokedFrom };
      if (revoke === "artifact")
        said.push(
          new Revocation("revoked", {
            subject: netMonitor,
            reason: "CVE-2026-2000",
            ...since,
            signer,
          }),
        );
      if (revoke === "claim")
        said.push(
          new Revocation("tests-revoked", {
            subject: tests,
            reason: "run on the wrong commit",
            signer,
          }),
        );
      if (revoke === "tag")
        said.push(
          new Revocation("tag-revoked", {
            subject: `${repository}:v1`,
            reason: "a tag moves",
            signer,
          }),
        );
      if (ends !== undefined)
        said.push(
          new EndOfLife("ends", {
            subject: netMonitor,
            date: ends,
            reason: "v2 is out",
            successor: "v2",
            signer,
          }),
        );
      if (redirect !== undefined)
        said.push(
          new Redirect("redirected", {
            subject: netMonitor,
            to: redirect,
            reason: "v2 is out",
            signer,
          }),
        );
      const published = new Mirror("published", {
        source: netMonitor,
        sourceClaims: said,
        destinations: [`${registry.host}/public`],
        tags: ["v1"],
        claims: { audience: "public" },
      });
      const gate = new Verification(
        "gate",
        {
          artifact: published.artifact("v1"),
          trust: trust(),
          require: [{ type: "test-result" }],
          ...script.gate,
        },
        { dependsOn: said },
      );
      return {
        plan: published.plan,
        verdict: gate.verdict,
        claims: gate.claims,
        reference: gate.reference,
        followed: gate.followed,
      };
    };

    const run = (next: Script): Promise<EngineRun> => {
      script = next;
      return engine.up();
    };
    const refusal = async (next: Script): Promise<string> => {
      const failure = await run(next).then(
        () => assert.fail("up should have failed"),
        (error: unknown) => error,
      );
      assert.ok(failure instanceof EngineFailure, String(failure));
      return failure.message;
    };

    before(async () => {
      registry = await startRegistry("olareg");
      ({ world } = remoteWorld(registry.host, "public"));
      engine = await openEngine({ program });
      writeFileSync(join(engine.folder, "net-monitor.sh"), "#!/bin/sh\n");
      await engine.up();
    });
    after(() => registry?.stop());

    const artifact = async () => world.store.resolve("v1");
    const verdictOf = (
      outputs: Record<string, unknown>,
    ): { requirements: Record<string, string> } =>
      outputs["verdict"] as { requirements: Record<string, string> };
    const planned = (result: EngineRun, name: string): string =>
      String(result.step(name)?.newInputs?.["digest"]);

    test("a revocation's digest is known in the preview, it is public, reaches the mirror and shuts the gate, and taking it back opens it", async () => {
      script = { revoke: "artifact" };
      const preview = await engine.preview();
      assert.deepEqual(preview.changes, { create: 1, update: 1, same: 3 });
      const digest = planned(preview, "revoked");
      const message = await refusal({ revoke: "artifact" });
      assert.match(
        message,
        /lifecycle\.revocation: unmet: not revoked: revoked by .*Wabbit Networks.*: CVE-2026-2000/,
      );
      assert.match(message, /\[VERIFICATION_UNMET\]/);
      const found = (await world.store.referrers((await artifact()).digest)).find(
        (referrer) => referrer.digest === digest,
      );
      assert.equal(
        found?.annotations?.["dev.consign.claim.type"],
        "https://consign.dev/claims/revocation/v1",
      );
      assert.equal(found?.annotations?.["dev.consign.claim.audience"], "public");
      // What has arrived stays until it is revoked in turn, or taken away there.
      await removeEverywhere(digest);
      assert.equal(
        (await run({})).outputs["reference"],
        `${registry.host}/public@${(await artifact()).digest}`,
      );
    });

    test("a revocation that lies ahead warns with its date", async () => {
      const { diagnostics, outputs } = await run({
        revoke: "artifact",
        revokedFrom: "2099-01-01T00:00:00Z",
      });
      assert.ok(
        diagnostics.some((line) =>
          /^warning: .*will be revoked on 2099-01-01T00:00:00Z: CVE-2026-2000/.test(line),
        ),
        diagnostics.join("\n"),
      );
      assert.ok(outputs["reference"]);
    });

    test("a revoked claim does not count, with the reason", async () => {
      const message = await refusal({ revoke: "claim" });
      assert.match(
        message,
        /require\[0\]: unmet: a claim of type test-result: sha256:[0-9a-f]{64} is revoked: revoked by .*: run on the wrong commit/,
      );
      for (const { digest } of await revocationsOfClaims()) await removeEverywhere(digest);
      await run({});
    });

    test("what is revoked is said by digest: a tag is refused", async () => {
      await assert.rejects(run({ revoke: "tag" }), /predicate\.target.*\[PREDICATE_INVALID\]/s);
    });

    test("an end of life ahead warns with its date; oras finds it under the media type that other tools know", async () => {
      const { diagnostics, outputs } = await run({ ends: "2099-06-30" });
      assert.ok(
        diagnostics.some((line) =>
          /reaches its end of life on 2099-06-30: v2 is out; its successor is v2/.test(line),
        ),
        diagnostics.join("\n"),
      );
      assert.equal(verdictOf(outputs).requirements["lifecycle.endOfLife"], undefined);
      const args = [
        "discover",
        "--plain-http",
        "--format",
        "json",
        "--artifact-type",
        LIFECYCLE,
        `${registry.host}/public:v1`,
      ];
      const { referrers } = JSON.parse(await toolOutput("oras", args)) as {
        referrers: { annotations?: Record<string, string> }[];
      };
      assert.deepEqual(
        referrers.map(
          ({ annotations }) => annotations?.["vnd.microsoft.artifact.lifecycle.end-of-life.date"],
        ),
        ["2099-06-30"],
      );
    });

    test("an end of life that has passed shuts the gate", async () => {
      assert.match(
        await refusal({ ends: "2020-06-30" }),
        /lifecycle\.endOfLife: unmet: not past its end of life: reached its end of life on 2020-06-30: v2 is out; its successor is v2/,
      );
      await run({ ends: "2099-06-30" });
    });

    test("who is not listed may not revoke: the gate stays open, and the claim says why it does not count", async () => {
      const gate = {
        lifecycleIssuers: { revocation: [WABBIT], redirect: [WABBIT], endOfLife: [WABBIT] },
        followRedirects: "verify" as const,
      };
      const target = await artifact();
      const revocation = await world.claim(
        target,
        "revocation",
        { target: target.digest, reason: "sabotage" },
        { by: acme },
      );
      const redirect = await world.claim(target, "redirect", { to: "v2" }, { by: acme });
      const open = await run({ gate });
      const claims = open.outputs["claims"] as Record<string, { status: string }>;
      assert.match(
        claims[revocation.digest]?.status ?? "",
        /^untrusted: its signer, .*ACME Rockets.*, is not among those who may issue a revocation here$/,
      );
      assert.match(
        claims[redirect.digest]?.status ?? "",
        /^untrusted: its signer, .*ACME Rockets.*, is not among those who may issue a redirect here$/,
      );
      assert.ok(open.outputs["reference"]);
      assert.equal(open.outputs["followed"], undefined);
      const allowed = await refusal({
        gate: { ...gate, lifecycleIssuers: { revocation: [ACME], redirect: [WABBIT] } },
      });
      assert.match(
        allowed,
        /lifecycle\.revocation: unmet: not revoked: revoked by .*ACME Rockets.*: sabotage/,
      );
      for (const each of [revocation, redirect])
        await world.remove(...(await world.signaturesOf(each.digest)), each);
      await run({});
    });

    test("a redirect is a warning, or is followed where the program says so, and stays followed at a refresh", async () => {
      const v2 = await world.publish("v2", "net-monitor v2");
      await world.claim(v2, "test-result", { result: "PASSED", configuration: [{ name: "unit" }] });
      const warned = await run({ redirect: "v2" });
      assert.ok(
        warned.diagnostics.some((line) =>
          /Wabbit Networks.* points to v2 instead: v2 is out/.test(line),
        ),
        warned.diagnostics.join("\n"),
      );
      assert.match(String(warned.outputs["reference"]), new RegExp((await artifact()).digest));
      const followed = await run({ redirect: "v2", gate: { followRedirects: "verify" } });
      assert.equal(followed.outputs["reference"], `${registry.host}/public@${v2.digest}`);
      assert.deepEqual(followed.outputs["followed"], [
        `${registry.host}/public@${(await artifact()).digest}`,
        `${registry.host}/public@${v2.digest}`,
      ]);
      assert.equal(
        (await engine.previewRefresh()).steps.findLast(({ name }) => name === "gate")?.op,
        "same",
      );
    });

    test("the end of a redirect has to verify as well", async () => {
      const { descriptor } = await world.image("net-monitor v3, unsigned", "v3");
      assert.match(
        await refusal({ redirect: descriptor.digest, gate: { followRedirects: "verify" } }),
        /signature: missing: .*\[SIGNATURE_MISSING\]/,
      );
    });

    test("a circle of redirects is refused: REDIRECT_LOOP", async () => {
      const v2 = await world.store.resolve("v2");
      const back = await world.claim(v2, "redirect", { to: "v1" });
      const message = await refusal({ redirect: "v2", gate: { followRedirects: "verify" } });
      assert.match(
        message,
        /lifecycle\.redirect: unmet: redirects are followed: .* → .* → .* goes in a circle \[REDIRECT_LOOP\]/,
      );
      await world.remove(...(await world.signaturesOf(back.digest)), back);
    });

    test("a redirect to nowhere is refused: REDIRECT_UNUSABLE", async () => {
      assert.match(
        await refusal({ redirect: "v9", gate: { followRedirects: "verify" } }),
        /lifecycle\.redirect: .*public:v9.*there is no such artifact \[REDIRECT_UNUSABLE\]/,
      );
    });

    async function revocationsOfClaims(): Promise<{ digest: string }[]> {
      const claims = await world.store.referrers((await artifact()).digest);
      const below = await Promise.all(claims.map(({ digest }) => world.store.referrers(digest)));
      return below
        .flat()
        .filter(
          ({ annotations }) =>
            annotations?.["dev.consign.claim.type"]?.includes("/revocation/") === true,
        );
    }

    /** From the public repository, as the publisher's `up` takes it from the internal one only. */
    async function removeEverywhere(digest: string): Promise<void> {
      const claim = await world.store.resolve(digest);
      await world.remove(...(await world.signaturesOf(claim.digest)), claim);
    }
  },
);
