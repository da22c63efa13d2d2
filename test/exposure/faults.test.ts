// SPDX-License-Identifier: Apache-2.0
// One fault at a time, at every call to a store: no fault turns "affected" or "unknown" into clean.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ReadStore } from "../../provider/content/storage";
import { ConsignError, type ErrorCode } from "../../provider/errors";
import { plainDescriptor } from "../../provider/oci/descriptor";
import { parseManifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { ExposureArguments } from "../../provider/exposure/question";
import { tempDir } from "../harness/temp";
import { advisory, cyclonedx, document, ExposureWorld, LIVE, scanOf, vexOf } from "./world";

const CVE = "CVE-2026-1";
const VERBS = ["resolve", "manifest", "blob", "referrers", "tags", "has"] as const;
type Verb = (typeof VERBS)[number];

/** How a store fails that answers wrongly or not at all. */
const FAULTS: Record<string, { verbs: readonly Verb[]; code: ErrorCode }> = {
  "is not there": { verbs: ["resolve", "manifest"], code: "MANIFEST_UNKNOWN" },
  "has lost the content": { verbs: ["blob"], code: "BLOB_UNKNOWN" },
  "has other content": { verbs: ["manifest", "blob"], code: "DIGEST_MISMATCH" },
  "cannot tell what refers to it": { verbs: ["referrers"], code: "REFERRERS_UNKNOWN" },
  "does not answer": { verbs: VERBS, code: "REGISTRY_UNREACHABLE" },
};

/** Fails the call of this number, and each that asks the same. */
function failing(store: ReadStore, at: number, fault: { verbs: readonly Verb[]; code: ErrorCode }) {
  let calls = 0;
  let broken: string | undefined;
  const proxy = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const call = member as (...args: unknown[]) => unknown;
      if (!fault.verbs.some((verb) => verb === name)) return call.bind(target);
      return async (...args: unknown[]) => {
        const [asked] = args;
        const what = `${String(name)} ${typeof asked === "object" && asked !== null && "digest" in asked ? String(asked.digest) : String(asked)}`;
        if (calls === at) broken = what;
        calls += 1;
        if (what === broken) throw new ConsignError(fault.code, `${what} fails`);
        return call.apply(target, args);
      };
    },
  });
  return { proxy, used: () => broken !== undefined };
}

test("no single fault makes an answer clean", async () => {
  const osv = tempDir("osv");
  writeFileSync(join(osv, "a.json"), JSON.stringify(advisory("GHSA-1", "log4js", "2.1.0", [CVE])));
  const question: Partial<ExposureArguments> = {
    vulnerability: CVE,
    osv,
    environments: ["production"],
    from: "2025-01-01",
  };
  const scenes: Record<string, (world: ExposureWorld) => Promise<unknown>> = {
    "an SBOM": async (world) => {
      const subject = await world.publish("v1");
      await world.say({
        type: "deployment",
        subject,
        predicate: { environment: "production", from: "2025-01-01T00:00:00Z" },
      });
      await world.say({
        type: "sbom/cyclonedx",
        subject,
        document: document(cyclonedx("pkg:npm/log4js@2.0.0")),
      });
    },
    "a scan beside a clean SBOM": async (world) => {
      const subject = await world.publish("v1");
      await world.say({
        type: "deployment",
        subject,
        predicate: { environment: "production", from: "2025-01-01T00:00:00Z" },
      });
      await world.say({
        type: "sbom/cyclonedx",
        subject,
        document: document(cyclonedx("pkg:npm/a@2.0.0")),
      });
      await world.say({ type: "vulnerabilities", subject, predicate: scanOf(CVE) });
    },
    "an image of an index": async (world) => {
      const image = await world.publish("image", "image");
      const manifest = parseManifest(
        Buffer.from(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: MEDIA_TYPES.index,
            manifests: [{ ...image, platform: { os: "linux", architecture: "arm64" } }],
          }),
        ),
        MEDIA_TYPES.index,
      );
      const store = world.stores.at(LIVE);
      await store.pushManifest(manifest);
      await store.tag(manifest, "v1");
      await store.untag("image");
      const subject = plainDescriptor(manifest.descriptor);
      await world.say({
        type: "deployment",
        subject,
        predicate: { environment: "production", from: "2025-01-01T00:00:00Z" },
      });
      await world.say({
        type: "sbom/cyclonedx",
        subject: image,
        document: document(cyclonedx("pkg:npm/log4js@2.0.0")),
      });
    },
    "a VEX that is revoked": async (world) => {
      const subject = await world.publish("v1");
      await world.say({
        type: "deployment",
        subject,
        predicate: { environment: "production", from: "2025-01-01T00:00:00Z" },
      });
      await world.say({
        type: "sbom/cyclonedx",
        subject,
        document: document(cyclonedx("pkg:npm/log4js@2.0.0")),
      });
      const vex = await world.say({ type: "vex", subject, predicate: vexOf("not_affected", CVE) });
      await world.say({
        type: "revocation",
        subject,
        predicate: { target: vex.manifest.descriptor.digest, reason: "wrong" },
      });
    },
  };
  let probes = 0;
  for (const [scene, arrange] of Object.entries(scenes)) {
    const world = new ExposureWorld();
    await arrange(world);
    assert.equal((await world.ask(question)).status, "some", scene);
    for (const [name, fault] of Object.entries(FAULTS)) {
      for (let at = 0; ; at += 1) {
        const { proxy, used } = failing(world.stores.at(LIVE), at, fault);
        world.wrap = () => proxy;
        const { status, entries, faults } = await world.ask(question);
        if (!used()) break;
        probes += 1;
        assert.notEqual(
          status,
          "none",
          `${scene}, ${name}, call ${at}: ${JSON.stringify({ entries, faults })}`,
        );
      }
    }
  }
  assert.ok(probes > 150, `${probes} faults`);
});
