// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFailure, engineMissing } from "../harness/engine";
import { pushImage } from "../harness/artifacts";
import { authority } from "../harness/certificates";
import { makeCrl, serve } from "../harness/pki";
import { registryMissing } from "../harness/registries";
import { attachClaim } from "../harness/attach";
import { removeManifest, signaturesOf, signerFiles } from "../harness/places";
import { openWorld, program, shown, type Resources } from "./world";

const predicate = (name: string) => ({ result: "PASSED", configuration: [{ name }] });
const SECONDS = 1_000;

/**
 * Every kind of drift at once, each on a resource of its own: what a person reads in one `pulumi
 * preview --refresh`.
 */
test(
  "each kind of drift is one line that says it, up mends what it can and refuses the rest",
  { skip: engineMissing() || registryMissing("olareg") },
  async (context) => {
    const { engine, place } = await openWorld("olareg", context);
    const revokingCa = authority({
      subject: { C: "US", ST: "WA", O: "Wabbit Networks", CN: "Revoking CA" },
    });
    let crl = await makeCrl({ authority: revokingCa });
    const crlServer = await serve(async () => ({ type: "application/pkix-crl", body: crl }));
    context.after(() => crlServer.close());
    const signer = signerFiles();
    const revocable = signerFiles("revocable", { crl: `${crlServer.url}/list.crl` }, revokingCa);
    const renewed = signerFiles("renewed");

    const artifact = (name: string, o: object = {}) => ({
      repository: place.location(name),
      tags: ["v1"],
      files: ["files/app.sh"],
      signer: signer.args,
      ...o,
    });
    const statement = (name: string, o: object = {}) => ({
      subject: "base",
      type: "test-result",
      predicate: predicate(name),
      signer: signer.args,
      ...o,
    });
    // The shortest that outlives a create on a busy machine, so that it is over when the drift is
    // looked at.
    const soon = { validFor: "45s" };
    const resources = (o: { certificate?: typeof signer.args } = {}): Resources => ({
      artifacts: {
        base: artifact("base"),
        "moved-tag": artifact("moved-tag"),
        "lost-tag": artifact("lost-tag"),
        unsigned: artifact("unsigned"),
        gone: artifact("gone"),
        expired: artifact("expired", soon),
        revoked: artifact("revoked", { signer: revocable.args }),
        certificate: artifact("certificate", { signer: o.certificate ?? signer.args }),
      },
      claims: {
        "claim-unsigned": statement("unsigned"),
        "claim-gone": statement("gone"),
        "claim-expired": statement("expired", soon),
        "claim-revoked": statement("revoked", { signer: revocable.args }),
        "claim-replaced": statement("replaced"),
        "claim-overtaken": statement("overtaken"),
        "claim-well": statement("well"),
      },
    });
    const began = Date.now();
    const up = await engine.up({ program: program(resources()) });
    assert.deepEqual(up.changes, { create: 15 });
    const digest = (name: string): string => String(up.outputs[name]);

    const stranger = await pushImage(place.store("moved-tag"), { layers: ["other"] });
    await place.store("moved-tag").tag(stranger, "v1");
    await place.store("lost-tag").untag("v1");
    await removeManifest(
      place,
      "unsigned",
      (await signaturesOf(place, "unsigned", digest("unsigned")))[0] ?? "",
    );
    await removeManifest(
      place,
      "base",
      (await signaturesOf(place, "base", digest("claim-unsigned")))[0] ?? "",
    );
    await removeManifest(place, "gone", digest("gone"));
    await removeManifest(place, "base", digest("claim-gone"));
    crl = await makeCrl({
      authority: revokingCa,
      revoked: [{ certificate: revocable.issued, reason: "keyCompromise" }],
      number: 2,
    });
    const base = await place.store("base").resolve(digest("base"));
    const later = new Date(Date.now() + 5 * SECONDS);
    const byName = await attachClaim(place, "base", base, signer.issued, {
      predicate: predicate("replaced by name"),
      supersedes: [digest("claim-replaced")],
    });
    const overtaking = await attachClaim(place, "base", base, signer.issued, {
      predicate: { ...predicate("overtaken"), result: "FAILED" },
      signingTime: later,
    });
    await new Promise((done) => setTimeout(done, Math.max(0, began + 75 * SECONDS - Date.now())));

    const drift = await engine.previewRefresh({
      program: program(resources({ certificate: renewed.args })),
    });
    const refreshed = Object.fromEntries(
      drift.steps
        .filter(({ op }) => op === "refresh")
        .map((step) => [step.name, step.newOutputs ?? {}]),
    );
    const read = (name: string, property: string): string => String(refreshed[name]?.[property]);
    const told = Object.entries(shown(drift));
    const made = told.filter(([step]) => step.endsWith(": create")).map(([step]) => step);
    assert.deepEqual(made.sort(), ["claim-gone: create", "gone: create"]);
    assert.deepEqual(
      Object.fromEntries(
        told.filter(
          ([step]) => /: (?:refresh|update)$/.test(step) && !/^(?:claim-)?gone: refresh/.test(step),
        ),
      ),
      {
        "moved-tag: refresh": ["tagged.v1"],
        "lost-tag: refresh": ["tagged.v1"],
        "unsigned: refresh": ["signature"],
        "expired: refresh": ["signature"],
        "revoked: refresh": ["signature"],
        "claim-unsigned: refresh": ["status"],
        "claim-expired: refresh": ["status"],
        "claim-revoked: refresh": ["status"],
        "claim-replaced: refresh": ["status"],
        "claim-overtaken: refresh": ["status"],
        "moved-tag: update": ["tagged.v1"],
        "lost-tag: update": ["tagged.v1"],
        "unsigned: update": ["signature"],
        "expired: update": ["signature"],
        "revoked: update": ["signature"],
        "certificate: update": [
          "signedBy.thumbprint",
          "signer.certificateChainFile",
          "signer.keyFile",
        ],
        "claim-unsigned: update": ["status"],
        "claim-expired: update": ["status"],
        "claim-revoked: update": ["status"],
        "claim-overtaken: update": ["status"],
      },
    );
    assert.equal(
      (refreshed["moved-tag"]?.["tagged"] as Record<string, string>)["v1"],
      stranger.descriptor.digest,
    );
    assert.equal((refreshed["lost-tag"]?.["tagged"] as Record<string, string>)["v1"], "absent");
    assert.equal(read("unsigned", "signature"), "missing");
    assert.match(read("expired", "signature"), /^expired: since .*SIGNATURE_EXPIRED/);
    assert.match(read("revoked", "signature"), /^revoked: .*SIGNATURE_REVOKED/);
    assert.equal(read("claim-unsigned", "status"), "unsigned");
    assert.match(read("claim-expired", "status"), /^expired: since/);
    assert.match(read("claim-revoked", "status"), /^revoked: .*SIGNATURE_REVOKED/);
    assert.equal(read("claim-replaced", "status"), `superseded by ${byName}`);
    assert.match(
      read("claim-overtaken", "status"),
      new RegExp(`^superseded: ${overtaking} is a later claim`),
    );

    const repaired = program(resources({ certificate: renewed.args }));
    await assert.rejects(
      engine.up({ refresh: true, program: repaired }),
      (error: unknown) =>
        error instanceof EngineFailure &&
        /\[(?:SIGNATURE_REVOKED|CLAIM_SUPERSEDED)\]/.test(error.message),
    );
    const urnOf = new Map(
      (await engine.state()).map(({ urn }) => [urn.slice(urn.lastIndexOf("::") + 2), urn]),
    );
    for (const [name, code] of [
      ["revoked", "SIGNATURE_REVOKED"],
      ["claim-revoked", "SIGNATURE_REVOKED"],
      ["claim-overtaken", "CLAIM_SUPERSEDED"],
    ] as const) {
      await assert.rejects(
        engine.up({ program: repaired, target: [urnOf.get(name) ?? ""] }),
        new RegExp(`\\[${code}\\]`),
        name,
      );
    }
    // What cannot be repaired is taken out of the program, and the rest is mended.
    const { artifacts, claims } = resources({ certificate: renewed.args });
    const without = <T>(all: Record<string, T> = {}): Record<string, T> =>
      Object.fromEntries(
        Object.entries(all).filter(
          ([name]) => !["revoked", "claim-revoked", "claim-overtaken"].includes(name),
        ),
      );
    await engine.up({
      program: program({ artifacts: without(artifacts), claims: without(claims) }),
    });
    assert.equal((await place.store("moved-tag").resolve("v1")).digest, digest("moved-tag"));
    assert.equal((await place.store("lost-tag").resolve("v1")).digest, digest("lost-tag"));
    for (const name of ["unsigned", "gone", "expired"])
      assert.ok((await signaturesOf(place, name, digest(name))).length > 0, name);
    for (const name of ["claim-unsigned", "claim-gone"])
      assert.equal((await signaturesOf(place, "base", digest(name))).length, 1, name);
    const status = (await engine.state()).find(({ urn }) => urn.endsWith("::claim-replaced"))
      ?.outputs?.["status"];
    assert.equal(
      status,
      `superseded by ${byName}`,
      "replaced by name: recorded, and no drift any more",
    );
  },
);
