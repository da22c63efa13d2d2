// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { EngineFailure, engineMissing } from "../harness/engine";
import { registryMissing, startRegistry } from "../harness/registries";
import { signaturesOf, signerFiles } from "../harness/places";
import { RegistryClient } from "../../provider/registry";
import { openWorld, program, type Resources } from "./world";

const skip = engineMissing() || registryMissing("olareg");

/** The provider process of this stack alone: its working directory is the stack's folder. */
function providerProcess(folder: string): number | undefined {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (
        readlinkSync(`/proc/${name}/cwd`) === folder &&
        readFileSync(`/proc/${name}/cmdline`, "utf8").includes("dynamic-provider")
      )
        return Number(name);
    } catch {
      // It ended meanwhile, or is somebody else's.
    }
  }
  return undefined;
}

test(
  "the provider is killed half-way: the next up finishes, with nothing twice",
  { skip: process.platform === "linux" ? skip : "finds the process in /proc" },
  async (context) => {
    let folder = "";
    let writes = 0;
    let strikes = [6, 12];
    const registry = await startRegistry("olareg", {
      gates: [
        (request) => {
          if (
            folder === "" ||
            !["PUT", "POST", "PATCH"].includes(request.method ?? "") ||
            ++writes !== strikes[0]
          )
            return false;
          strikes = strikes.slice(1);
          const pid = providerProcess(folder);
          if (pid !== undefined) process.kill(pid, "SIGKILL");
          return false;
        },
      ],
    });
    context.after(() => registry.stop());
    const { engine } = await openWorld("layout", context);
    folder = engine.folder;
    const signer = signerFiles();
    const resources: Resources = {
      artifacts: {
        app: {
          repository: `${registry.host}/app`,
          tags: ["v1"],
          files: ["files/app.sh"],
          signer: signer.args,
        },
      },
      claims: {
        tests: {
          subject: "app",
          type: "test-result",
          predicate: { result: "PASSED", configuration: [] },
          signer: signer.args,
        },
      },
    };
    let failures = 0;
    for (let run = 0; run < 4; run++) {
      writes = 0;
      const done = await engine.up({ program: program(resources) }).catch((error: unknown) => {
        assert.ok(error instanceof EngineFailure, String(error));
        failures++;
        return undefined;
      });
      if (done === undefined) continue;
      assert.ok(failures > 0, "it was killed");
      const store = new RegistryClient({ baseDir: folder }).repository(registry.direct, "app");
      const place = { store: () => store };
      for (const name of ["app", "tests"])
        assert.equal(
          (await signaturesOf(place, "app", String(done.outputs[name]))).length,
          1,
          name,
        );
      assert.equal(
        (await store.referrers((await store.resolve("v1")).digest)).length,
        2,
        "one signature and one claim",
      );
      assert.deepEqual((await engine.up()).changes, { same: 2 });
      return;
    }
    assert.fail("it never got through");
  },
);

test(
  "a bad argument is told in the preview, at its property; an unreachable registry in a refresh keeps the state",
  { skip },
  async (context) => {
    const { engine, place } = await openWorld("olareg", context);
    const signer = signerFiles();
    const app = {
      repository: place.location("app"),
      tags: ["v1"],
      files: ["files/app.sh"],
      signer: signer.args,
    };
    const claims = {
      tests: {
        subject: "app",
        type: "test-result",
        predicate: { result: "PASSED", configuration: [] },
        signer: signer.args,
      },
    };
    for (const [change, told] of [
      // A missing key is none of a preview's business; a missing certificate is.
      [
        { signer: { ...signer.args, certificateChainFile: "none.pem" } },
        /signer\.certificateChainFile[\s\S]*FILE_NOT_FOUND/,
      ],
      [{ repository: "Not A Reference" }, /repository[\s\S]*REFERENCE_INVALID/],
    ] as const) {
      await assert.rejects(
        engine.preview({ program: program({ artifacts: { app: { ...app, ...change } } }) }),
        (error: unknown) => error instanceof EngineFailure && told.test(error.message),
      );
    }
    assert.equal(place.writes(), 0);

    await engine.up({ program: program({ artifacts: { app }, claims }) });
    const before = await engine.state();
    place.registry?.setFaults([{ path: /\/v2\/.+/, fault: { kind: "status", status: 401 } }]);
    await assert.rejects(engine.refresh(), /REGISTRY_UNAUTHORIZED/);
    await place.registry?.stop();
    await assert.rejects(engine.refresh(), /REGISTRY_UNREACHABLE/);
    const outputs = (resources: typeof before) =>
      resources
        .filter(({ id }) => id !== undefined)
        .map(({ urn, outputs: kept }) => [urn, kept?.["digest"], kept?.["__provider"]]);
    assert.deepEqual(outputs(await engine.state()), outputs(before));
  },
);

test(
  "a create that fails half-way keeps its stub and goes on from there",
  { skip },
  async (context) => {
    const { engine, place } = await openWorld("olareg", context);
    const signer = signerFiles();
    place.registry?.setFaults([
      { method: "PUT", path: /\/manifests\/v1$/, fault: { kind: "status", status: 403 } },
    ]);
    const written = program({
      artifacts: {
        app: {
          repository: place.location("app"),
          tags: ["v1"],
          files: ["files/app.sh"],
          signer: signer.args,
        },
      },
    });
    await assert.rejects(engine.up({ program: written }), /REGISTRY_DENIED/);
    const [partial] = (await engine.state()).filter(({ type }) => type.endsWith(":SignedArtifact"));
    assert.match(String(partial?.outputs?.["__provider"]), /^exports\.handler/);
    assert.ok((partial?.initErrors?.length ?? 0) > 0);
    place.registry?.setFaults([]);
    assert.deepEqual((await engine.up()).changes, { update: 1 });
    assert.equal(
      (await signaturesOf(place, "app", String(partial?.outputs?.["digest"]))).length,
      1,
    );
    assert.deepEqual((await engine.up()).changes, { same: 1 });
  },
);
