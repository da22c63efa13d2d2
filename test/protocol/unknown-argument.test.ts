// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { UNKNOWN, checkInputs } from "../../provider/protocol/unknowns";
import { claim } from "../../provider/claim/claim";
import { signedArtifact } from "../../provider/artifact/artifact";
import { verification } from "../../provider/verification/verification";

const failing = (kind: { schema: never }, news: Record<string, unknown>) =>
  checkInputs(kind.schema, news).failures.map(({ property }) => property);
const signer = { keyFile: "k.pem", certificateChainFile: "c.pem" };

test("an argument that does not exist is told also while another is unknown", () => {
  assert.deepEqual(
    failing(signedArtifact as never, { repository: UNKNOWN, files: ["a"], signer, tag: ["v1"] }),
    ["tag"],
  );
  assert.deepEqual(
    failing(claim as never, {
      subject: UNKNOWN,
      type: "vex",
      predicate: {},
      signer,
      valdFor: "30d",
    }),
    ["valdFor"],
  );
  assert.deepEqual(
    failing(signedArtifact as never, {
      repository: "oci:x",
      files: ["a"],
      signer: { ...signer, keyFile: UNKNOWN, passphrase: "s" },
    }),
    ["signer.passphrase"],
  );
});
test("verification", () => {
  const trust = {
    signatureVerification: { level: "strict" },
    roots: { ca: [UNKNOWN] },
    trustedIdentities: ["*"],
  };
  assert.deepEqual(
    failing(verification as never, {
      artifact: UNKNOWN,
      trust,
      require: [{ type: "vex" }],
      denies: [],
    }),
    ["denies"],
  );
});
test("verification: in trust", () => {
  const trust = {
    signatureVerification: { level: "strict" },
    roots: { ca: [UNKNOWN] },
    trustedIdentities: ["*"],
  };
  assert.deepEqual(
    failing(verification as never, {
      artifact: UNKNOWN,
      trust: { ...trust, registryScope: ["x"] },
    }),
    ["trust.registryScope"],
  );
  assert.deepEqual(
    failing(verification as never, {
      artifact: "r.example/a:v1",
      trust: { ...trust, signatureVerification: { level: "strickt" } },
    }),
    ["trust.signatureVerification.level"],
  );
});
test("what else", () => {
  const trust = {
    signatureVerification: { level: "strict" },
    roots: { ca: ["x"] },
    trustedIdentities: ["*"],
  };
  assert.deepEqual(
    failing(verification as never, {
      artifact: "r.example/a:v1",
      trust,
      require: [{ type: "vex", issuer: UNKNOWN, maxage: "7d" }],
    }),
    ["require[0].maxage"],
  );
});
