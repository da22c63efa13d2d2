// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JudgedClaim, ObservedClaim } from "../../provider/claims/index";
import { againstIn } from "../../provider/judging/against";
import { digestOf } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";

const TYPE = "https://acme.example/hold/v1";
const subject = digestOf(Buffer.from("artifact"));

function recorded(count: number) {
  const digests = Array.from({ length: count }, (_, at) => digestOf(Buffer.from(String(at))));
  const observed = digests.map((digest): ObservedClaim => {
    const descriptor = { mediaType: MEDIA_TYPES.manifest, digest, size: 1 };
    const broken = { code: "MANIFEST_UNKNOWN", reason: "it is not there" } as const;
    const claim = { digest, descriptor, type: TYPE, listedUnder: subject, broken };
    return { claim, verdict: { outcome: "verified", signatures: [] } };
  });
  const claims = digests.map((digest): JudgedClaim => {
    return { digest, type: TYPE, scope: "", status: "inconclusive", reason: "it is lost" };
  });
  const denied = { path: "deny[0]", requirement: "none", met: false, reason: "", claims: digests };
  return againstIn("registry.example/app", observed, { subject, claims, vex: [] }, [denied]);
}

test("what is not remembered, as there is too much of it, has a line", () => {
  const all = recorded(500);
  assert.deepEqual([Object.keys(all.against).length, all.warning], [500, undefined]);
  const most = recorded(501);
  assert.equal(Object.keys(most.against).length, 500);
  assert.match(most.warning ?? "", /501 claims.*registry\.example\/app/);
});
