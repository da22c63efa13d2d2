// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { UNKNOWN } from "../../provider/protocol/unknowns";
import { claim } from "../../provider/claim/claim";
import { pushImage } from "../harness/artifacts";
import { Life } from "../harness/life";
import { openPlace, signerFiles } from "../harness/places";

test("a claim whose subject is not known yet in the preview is an update, not a replacement", async (context) => {
  const place = await openPlace("layout", context);
  const image = await pushImage(place.store("app"), { tag: "v1" });
  const reference = `${place.location("app")}@${image.descriptor.digest}`;
  const args = {
    subject: reference,
    type: "test-result",
    predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
    signer: signerFiles().args,
  };
  const life = new Life(claim, { folder: place.folder });
  await life.up(args);
  // As `subject: artifact.signedReference` is whenever the artifact is updated.
  assert.equal((await life.preview({ ...args, subject: UNKNOWN })).op, "update");
  assert.equal(
    (await life.preview({ ...args, subject: { reference, descriptor: UNKNOWN } })).op,
    "update",
  );
  assert.equal(
    (await life.preview({ ...args, subject: { reference: UNKNOWN, descriptor: image.descriptor } }))
      .op,
    "update",
  );
});
