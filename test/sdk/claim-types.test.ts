// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { CLAIM_KINDS } from "../../provider/claims/index";
import type { KnownClaimType } from "../../sdk/index";

/** The compiler sees to it that these are all names of the SDK's, and only these. */
const NAMES: Record<KnownClaimType, true> = {
  "sbom/spdx": true,
  "sbom/cyclonedx": true,
  provenance: true,
  vulnerabilities: true,
  "test-result": true,
  vex: true,
  vsa: true,
  deployment: true,
  revocation: true,
  redirect: true,
  endOfLife: true,
  "derived-from": true,
  archived: true,
  "content-purged": true,
};

test("the SDK offers the types of claims that the provider knows", () => {
  assert.deepEqual(Object.keys(NAMES).sort(), CLAIM_KINDS.map(({ name }) => name).sort());
});
