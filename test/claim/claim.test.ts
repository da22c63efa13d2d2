// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../provider/oci/digest";
import type { ImageManifest } from "../../provider/oci/manifest";
import { claim } from "../../provider/claim/claim";
import { pushImage } from "../harness/artifacts";
import { attachClaim } from "../harness/attach";
import { Life } from "../harness/life";
import {
  damageLayoutBlob,
  forEachPlace,
  removeManifest,
  signaturesOf,
  signerFiles,
  type Place,
} from "../harness/places";
import { codeOf, failsWith } from "../harness/failure";

const TEST_RESULT = (result: string) => ({ result, configuration: [{ name: "unit" }] });

async function arrange(place: Place) {
  const image = await pushImage(place.store("app"), { tag: "v1" });
  const signer = signerFiles();
  const subject = {
    reference: `${place.location("app")}@${image.descriptor.digest}`,
    descriptor: image.descriptor,
  };
  const args = {
    subject,
    type: "test-result",
    predicate: TEST_RESULT("PASSED"),
    signer: signer.args,
  };
  return { image, signer, subject, args, life: new Life(claim, { folder: place.folder }) };
}

const digestOf = (life: Life): string => String(life.outputs["digest"]);
const claimsOf = async (place: Place, subject: string): Promise<string[]> =>
  (await place.store("app").referrers(subject as Digest))
    .filter(({ artifactType }) => artifactType === "application/vnd.in-toto+json")
    .map(({ digest }) => digest);

forEachPlace("a claim's whole life", async (place) => {
  const { args, life, subject, image, signer } = await arrange(place);
  const planned = await life.preview(args);
  assert.equal(planned.op, "create");
  assert.equal(await life.up(args), "create");
  const digest = digestOf(life);
  assert.equal(digest, planned.planned["digest"], "the digest is known before anything is pushed");
  assert.equal(life.outputs["issuer"], (life.outputs["signedBy"] as { subject: string }).subject);
  assert.match(String(life.outputs["issuedAt"]), /Z$/);

  place.clear();
  assert.equal(await life.up(args), "same");
  assert.deepEqual(await life.refresh(), []);
  assert.equal(await life.up(args), "same");
  assert.equal(
    await life.up({ ...args, subject: subject.reference }),
    "same",
    "the same subject, by reference",
  );
  assert.equal(place.writes(), 0);

  const copied = signerFiles("copied", { key: signer.issued.key });
  writeFileSync(copied.args.certificateChainFile, signer.issued.chainPem);
  assert.equal(await life.up({ ...args, signer: copied.args }), "same");
  const other = signerFiles("other");
  assert.equal(await life.up({ ...args, signer: other.args }), "update");
  assert.equal((await signaturesOf(place, "app", digest)).length, 2);
  assert.equal(await life.up(args), "update", "back to the first, which has signed already");
  assert.equal((await signaturesOf(place, "app", digest)).length, 2);

  assert.equal(await life.up({ ...args, predicate: TEST_RESULT("FAILED") }), "update");
  assert.deepEqual(
    await claimsOf(place, image.descriptor.digest),
    [digestOf(life)],
    "a corrected claim takes the place of the one before",
  );
  const corrected = digestOf(life);

  const next = await pushImage(place.store("app"), { layers: ["v2"], tag: "v2" });
  const about2 = {
    ...args,
    subject: {
      reference: `${place.location("app")}@${next.descriptor.digest}`,
      descriptor: next.descriptor,
    },
  };
  assert.equal(await life.up(about2), "update");
  assert.deepEqual(
    await claimsOf(place, image.descriptor.digest),
    [corrected],
    "what was said about the earlier artifact is still true",
  );

  await pushImage(place.store("app2"), { layers: ["v2"] });
  assert.equal(
    await life.up({
      ...args,
      subject: {
        reference: `${place.location("app2")}@${next.descriptor.digest}`,
        descriptor: next.descriptor,
      },
    }),
    "replace",
  );
  assert.deepEqual(await claimsOf(place, next.descriptor.digest), []);
  await life.destroy();
  assert.deepEqual(await place.store("app2").referrers(next.descriptor.digest), []);
  await life.destroy();
});

forEachPlace("drift of a claim: one line a fact, and up mends it", async (place) => {
  const { args, life, image, signer } = await arrange(place);
  await life.up(args);
  const digest = digestOf(life);

  await removeManifest(place, "app", (await signaturesOf(place, "app", digest))[0] ?? "");
  assert.deepEqual(await life.refresh(), ["status"]);
  assert.equal(life.outputs["status"], "unsigned");
  assert.deepEqual((await life.preview(args)).changed, ["status"]);
  assert.equal(await life.up(args), "update");
  assert.deepEqual(await life.refresh(), []);

  await removeManifest(place, "app", digest);
  assert.equal(await life.refresh(), "gone");
  assert.equal(await life.up(args), "create");
  assert.deepEqual(
    [await life.refresh(), (await signaturesOf(place, "app", digest)).length > 0],
    [[], true],
  );

  // Replaced by name: on purpose, so it is recorded and left at that.
  const byName = await attachClaim(place, "app", image.descriptor, signer.issued, {
    predicate: TEST_RESULT("FAILED"),
    supersedes: [digest],
  });
  assert.deepEqual(await life.refresh(), ["status"]);
  assert.equal(life.outputs["status"], `superseded by ${byName}`);
  assert.equal(await life.up(args), "same");
  assert.deepEqual(await life.refresh(), []);
  assert.equal(
    await life.up({ ...args, userMetadata: { build: "7" } }),
    "update",
    "other changes are still made",
  );
  assert.equal(life.outputs["status"], `superseded by ${byName}`);
  assert.equal(await life.up(args), "update");
  await removeManifest(place, "app", byName);
  assert.deepEqual(
    await life.refresh(),
    ["status"],
    "what superseded it is gone, so it counts again",
  );
  assert.equal(life.outputs["status"], "valid");

  // Somebody's later claim: nothing that up could repair.
  const later = await attachClaim(place, "app", image.descriptor, signer.issued, {
    predicate: TEST_RESULT("WARNED"),
    signingTime: new Date(Date.now() + 5_000),
  });
  assert.deepEqual(await life.refresh(), ["status"]);
  assert.match(
    String(life.outputs["status"]),
    new RegExp(`^superseded: ${later} is a later claim`),
  );
  await assert.rejects(life.up(args), codeOf("CLAIM_SUPERSEDED", /name that one in supersedes/));
  await assert.rejects(life.up(args), failsWith("CLAIM_SUPERSEDED"));
  assert.equal(
    await life.up({ ...args, supersedes: [later] }),
    "update",
    "the way out that the message names",
  );
  assert.equal(life.outputs["status"], "valid");
  assert.deepEqual(await life.refresh(), []);

  const revoking = await attachClaim(place, "app", image.descriptor, signer.issued, {
    type: "revocation",
    predicate: { target: digestOf(life), reason: "wrong machine" },
  });
  assert.deepEqual(await life.refresh(), ["status"]);
  assert.equal(life.outputs["status"], `revoked by ${revoking}`);
  assert.equal(await life.up({ ...args, supersedes: [later] }), "same");
});

forEachPlace(
  "another signer's claims, and claims of another type, are no drift",
  async (place) => {
    const { args, life, image, signer } = await arrange(place);
    await life.up(args);
    await attachClaim(
      place,
      "app",
      image.descriptor,
      signerFiles("stranger", { subject: { C: "US", ST: "WA", O: "Stranger", CN: "s" } }).issued,
      { predicate: TEST_RESULT("FAILED"), supersedes: [digestOf(life)] },
    );
    await attachClaim(place, "app", image.descriptor, signer.issued, {
      type: "https://example.com/other/v1",
      predicate: { a: 1 },
    });
    assert.deepEqual(await life.refresh(), []);
  },
  ["olareg", "distribution", "layout"],
);

forEachPlace(
  "a tampered claim is mended where a push does it, else refused",
  async (place) => {
    const { args, life } = await arrange(place);
    await life.up(args);
    const { value } = await place.store("app").manifest(digestOf(life));
    const [layer] = (value as ImageManifest).layers;
    damageLayoutBlob(place, "app", layer?.digest ?? "", "gone");
    assert.deepEqual(await life.refresh(), ["status"]);
    assert.match(String(life.outputs["status"]), /^tampered: .*BLOB_UNKNOWN/);
    assert.equal(await life.up(args), "update");
    assert.deepEqual(await life.refresh(), []);
    damageLayoutBlob(place, "app", layer?.digest ?? "", "altered");
    assert.deepEqual(await life.refresh(), ["status"]);
    assert.match(String(life.outputs["status"]), /^tampered: .*DIGEST_MISMATCH/);
    await assert.rejects(
      life.up(args),
      codeOf("READ_BACK_FAILED", /DIGEST_MISMATCH.*delete it there/),
    );
  },
  ["layout"],
);

forEachPlace(
  "altered on the way from a registry: status says so, and nothing is written",
  async (place) => {
    const { args, life } = await arrange(place);
    await life.up(args);
    place.registry?.setFaults([{ method: "GET", path: /\/blobs\//, fault: { kind: "corrupt" } }]);
    assert.deepEqual(await life.refresh(), ["status"]);
    assert.match(String(life.outputs["status"]), /^tampered: .*DIGEST_MISMATCH/);
    await assert.rejects(life.up(args), codeOf("READ_BACK_FAILED", /DIGEST_MISMATCH/));
    assert.equal(
      (await signaturesOf(place, "app", digestOf(life))).length,
      1,
      "what cannot be read is not signed again",
    );
    place.registry?.setFaults([]);
    assert.equal(await life.up(args), "update");
    assert.deepEqual(await life.refresh(), []);
  },
  ["olareg", "distribution"],
);

forEachPlace(
  "killed half-way: the next run finishes, with nothing twice",
  async (place) => {
    const { args, image } = await arrange(place);
    const { registry } = place;
    assert.ok(registry !== undefined);
    for (let nth = 1; nth < 40; nth++) {
      const attempt = {
        ...args,
        predicate: { result: "PASSED", configuration: [{ name: `unit ${nth}` }] },
      };
      const one = new Life(claim, { folder: place.folder });
      registry.setFaults([
        {
          method: "PUT|POST|PATCH",
          nth: Array.from({ length: 60 }, (_, index) => nth + index),
          fault: { kind: "status", status: 403 },
        },
      ]);
      const failed = await one.up(attempt).then(
        () => false,
        () => true,
      );
      registry.setFaults([]);
      if (!failed) return assert.ok(nth > 3);
      assert.equal(await one.up(attempt), "update");
      assert.equal(await one.up(attempt), "same");
      assert.equal(
        (await signaturesOf(place, "app", digestOf(one))).length,
        1,
        `broken at write ${nth}`,
      );
      assert.equal(
        (await claimsOf(place, image.descriptor.digest)).filter(
          (digest) => digest === digestOf(one),
        ).length,
        1,
      );
      assert.deepEqual(await one.refresh(), []);
    }
    assert.fail("it never got through");
  },
  ["distribution", "olareg"],
);

forEachPlace(
  "an unreachable registry never drops a claim",
  async (place) => {
    const { args, life } = await arrange(place);
    await life.up(args);
    const before = life.outputs;
    for (const status of [401, 403, 500]) {
      place.registry?.setFaults([{ path: /\/v2\/.+/, fault: { kind: "status", status } }]);
      await assert.rejects(life.refresh(), /REGISTRY_/);
    }
    await place.registry?.stop();
    await assert.rejects(life.refresh(), failsWith("REGISTRY_UNREACHABLE"));
    assert.equal(life.outputs, before);
  },
  ["olareg"],
);

forEachPlace(
  "documents, retained claims, and subjects by tag that are not there yet",
  async (place) => {
    const { args, life } = await arrange(place);
    writeFileSync(
      join(place.folder, "sbom.json"),
      JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 }),
    );
    const { predicate: _, ...others } = args;
    const sbom = {
      ...others,
      type: "sbom/cyclonedx",
      document: "sbom.json",
      subject: `${place.location("late")}:v1`,
      onDelete: "retain",
    };
    const early = await life.preview(sbom);
    assert.equal(early.planned["digest"], undefined, "not known, and not made up");
    assert.match(life.warnings.join(), /does not exist yet/);
    await assert.rejects(life.up(sbom), codeOf("MANIFEST_UNKNOWN", /does not exist/));
    assert.equal(life.id, undefined, "nothing is there, so nothing is recorded");
    const image = await pushImage(place.store("late"), { tag: "v1" });
    assert.equal(await life.up(sbom), "create");
    await life.destroy();
    const kept = await place.store("late").referrers(image.descriptor.digest);
    assert.deepEqual(
      kept.map(({ digest, artifactType }) => [digest, artifactType]),
      [[digestOf(life), "application/vnd.cyclonedx+json"]],
    );
  },
  ["olareg", "layout"],
);
