// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { claim } from "../../provider/claim/claim";
import { pushImage } from "../harness/artifacts";
import { attachClaim } from "../harness/attach";
import { Life } from "../harness/life";
import { forEachPlace, signaturesOf, signerFiles, type Place } from "../harness/places";
import { codeOf, failsWith } from "../harness/failure";

const TEST_RESULT = (result: string) => ({ result, configuration: [{ name: "unit" }] });
const OFFICER = { subject: { C: "US", ST: "WA", O: "Officer", CN: "officer" } };

async function arrange(place: Place) {
  const image = await pushImage(place.store("app"), { tag: "v1" });
  const signer = signerFiles();
  const subject = `${place.location("app")}@${image.descriptor.digest}`;
  const args = {
    subject,
    type: "test-result",
    predicate: TEST_RESULT("PASSED"),
    signer: signer.args,
  };
  const life = (): Life => new Life(claim, { folder: place.folder });
  return { image, signer, subject, args, life };
}

const digestOf = (life: Life): string => String(life.outputs["digest"]);
const referrersOf = async (place: Place, digest: string): Promise<string[]> =>
  (await place.store("app").referrers(digest as Digest)).map((each: Descriptor) => each.digest);
const isThere = (place: Place, digest: string): Promise<boolean> =>
  place
    .store("app")
    .resolve(digest as Digest)
    .then(
      () => true,
      () => false,
    );

forEachPlace(
  "a claim under another name, or replaced by what says the same, is not taken away",
  async (place) => {
    const { args, life } = await arrange(place);
    const [old, renamed] = [life(), life()];
    await old.up(args);
    assert.equal(await renamed.up(args, old), "create");
    assert.deepEqual(await renamed.refresh(), []);
    assert.equal(renamed.outputs["status"], "valid");
    assert.equal((await signaturesOf(place, "app", digestOf(renamed))).length, 1);

    assert.equal(
      await renamed.up(args, old),
      "same",
      "killed before the old one was deleted: the next run does that, and only that",
    );
    assert.deepEqual(await renamed.refresh(), []);

    const byAnother = life();
    const other = signerFiles("other", OFFICER);
    await byAnother.up({ ...args, signer: other.args }, renamed);
    assert.deepEqual(await byAnother.refresh(), []);
    assert.equal(
      (await signaturesOf(place, "app", digestOf(byAnother))).length,
      2,
      "the old signer's signature was adopted, by a resource without an alias",
    );
  },
);

forEachPlace(
  "another spelling of the same place replaces nothing, and loses nothing",
  async (place) => {
    const { args, life, image } = await arrange(place);
    const one = life();
    await one.up({ ...args, subject: `oci:layouts/app@${image.descriptor.digest}` });
    assert.equal(
      await one.up({ ...args, subject: `oci:./layouts//app/@${image.descriptor.digest}` }),
      "update",
    );
    assert.deepEqual(await one.refresh(), []);
    assert.equal(
      await one.up({
        ...args,
        subject: `oci:${place.folder}/layouts/app@${image.descriptor.digest}`,
      }),
      "replace",
      "that an absolute path leads to the same place, a diff cannot tell",
    );
    assert.deepEqual(await one.refresh(), []);
  },
  ["layout"],
);

forEachPlace(
  "two who say the same share a claim: who made it takes away its own signature; who adopted it, nothing that would leave it unsigned",
  async (place) => {
    const { args, life, image } = await arrange(place);
    const [one, two] = [life(), life()];
    await one.up(args);
    await two.up({ ...args, signer: signerFiles("two", OFFICER).args });
    assert.equal(digestOf(one), digestOf(two));
    await one.destroy();
    assert.match(one.warnings.join(), /others have signed it too/);
    assert.deepEqual(await two.refresh(), []);
    assert.equal((await signaturesOf(place, "app", digestOf(two))).length, 1);
    await two.destroy();
    assert.match(two.warnings.join(), /it was there before this resource/);
    assert.deepEqual(await referrersOf(place, image.descriptor.digest), [digestOf(two)]);
    assert.equal((await signaturesOf(place, "app", digestOf(two))).length, 1);
  },
);

forEachPlace(
  "a claim goes with all signatures that it had from its program, and not while somebody has said something about it",
  async (place) => {
    const { args, life, image } = await arrange(place);
    const one = life();
    await one.up(args);
    await one.up({ ...args, signer: signerFiles("next", OFFICER).args });
    const digest = digestOf(one);
    const officer = signerFiles("officer", OFFICER);
    const revoking = await attachClaim(
      place,
      "app",
      one.outputs["descriptor"] as Descriptor,
      officer.issued,
      { type: "revocation", predicate: { target: digest, reason: "forged" } },
    );

    assert.equal(await one.up({ ...args, predicate: TEST_RESULT("FAILED") }), "update");
    assert.deepEqual([await isThere(place, digest), await isThere(place, revoking)], [true, true]);
    assert.equal((await signaturesOf(place, "app", digest)).length, 2, "it stays as it is");
    assert.match(one.warnings.join(), new RegExp(`${revoking}, which stays, refers to it`));

    await one.destroy();
    assert.deepEqual(await referrersOf(place, image.descriptor.digest), [digest]);
    const two = life();
    const unrevoked = { ...args, predicate: TEST_RESULT("WARNED") };
    await two.up(unrevoked);
    await two.up({ ...unrevoked, signer: signerFiles("next", OFFICER).args });
    await two.destroy();
    assert.equal(await isThere(place, digestOf(two)), false);
    assert.deepEqual(
      await signaturesOf(place, "app", digestOf(two)),
      [],
      "neither the first signer's nor the second's is left",
    );
  },
);

forEachPlace(
  "a correction that breaks off half-way still takes the old claim away, whatever comes next",
  async (place) => {
    const { args, life, image } = await arrange(place);
    const { registry } = place;
    assert.ok(registry !== undefined);
    for (const next of ["the same", "the old one", "another", "nothing"] as const) {
      const one = life();
      await one.up(args);
      const old = digestOf(one);
      registry.setFaults([{ method: "PUT|POST|PATCH", fault: { kind: "status", status: 403 } }]);
      await assert.rejects(
        one.up({ ...args, predicate: TEST_RESULT("FAILED") }),
        failsWith("REGISTRY_DENIED"),
      );
      registry.setFaults([]);
      if (next === "nothing") await one.destroy();
      else
        await one.up({
          ...args,
          predicate: TEST_RESULT(
            next === "the same" ? "FAILED" : next === "another" ? "WARNED" : "PASSED",
          ),
        });
      assert.deepEqual(
        await referrersOf(place, image.descriptor.digest),
        next === "nothing" ? [] : [digestOf(one)],
        next,
      );
      assert.equal(await isThere(place, old), next === "the old one", next);
      if (next === "nothing") continue;
      assert.deepEqual(await one.refresh(), [], next);
      assert.equal(one.outputs["replaces"], undefined, next);
      await one.destroy();
    }
  },
  ["olareg", "distribution"],
);

forEachPlace(
  "where nothing can be deleted a correction says that the old claim is still there, and remembers it",
  async (place) => {
    const { args, life, image } = await arrange(place);
    const one = life();
    await one.up(args);
    const old = digestOf(one);
    place.registry?.setFaults([{ method: "DELETE", fault: { kind: "status", status: 405 } }]);
    assert.equal(await one.up({ ...args, predicate: TEST_RESULT("FAILED") }), "update");
    assert.match(one.warnings.join(), new RegExp(`${old} has been replaced and is still there`));
    assert.deepEqual(
      (one.outputs["replaces"] as { descriptor: Descriptor }[]).map(
        ({ descriptor }) => descriptor.digest,
      ),
      [old],
    );
    assert.deepEqual(await one.refresh(), []);
    await assert.rejects(
      one.destroy(),
      codeOf("REGISTRY_UNSUPPORTED", /set onDelete to "retain" and run up first/),
    );
    place.registry?.setFaults([]);
    await one.destroy();
    assert.deepEqual(await referrersOf(place, image.descriptor.digest), [], "both go");
  },
  ["olareg", "distribution"],
);

forEachPlace(
  "a correction takes the place of the claim before, whatever onDelete says",
  async (place) => {
    const { args, life, image } = await arrange(place);
    const one = life();
    await one.up(args);
    await one.up({ ...args, onDelete: "retain", predicate: TEST_RESULT("FAILED") });
    assert.deepEqual(await referrersOf(place, image.descriptor.digest), [digestOf(one)]);
  },
  ["olareg", "layout"],
);
