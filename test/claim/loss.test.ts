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
      1,
      "only the old signer's signature went",
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
  "two who say the same share a claim: each takes away its own signature, the last one the claim",
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
    assert.deepEqual(await referrersOf(place, image.descriptor.digest), []);
    await two.destroy();
  },
);

forEachPlace(
  "a claim goes with all signatures that it had from its program, and with nobody else's words about it",
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
    assert.deepEqual([await isThere(place, digest), await isThere(place, revoking)], [false, true]);
    assert.deepEqual(
      await signaturesOf(place, "app", digest),
      [],
      "neither the first signer's nor the second's is left",
    );
    assert.equal((await signaturesOf(place, "app", revoking)).length, 1);
    assert.deepEqual(
      await referrersOf(place, digest),
      [revoking],
      "a revocation outlives what it revokes",
    );

    await one.up(args);
    assert.ok(
      (await referrersOf(place, digest)).includes(revoking),
      "and is there when that comes back",
    );
    await one.destroy();
    assert.ok(await isThere(place, revoking));
    assert.deepEqual(await referrersOf(place, image.descriptor.digest), []);
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
  "onDelete: retain, said together with a correction, keeps the claim before",
  async (place) => {
    const { args, life, image } = await arrange(place);
    const one = life();
    await one.up(args);
    const old = digestOf(one);
    await one.up({ ...args, onDelete: "retain", predicate: TEST_RESULT("FAILED") });
    assert.deepEqual(
      (await referrersOf(place, image.descriptor.digest)).sort(),
      [old, digestOf(one)].sort(),
    );
  },
  ["olareg", "layout"],
);
