// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CLAIM_KINDS,
  archivedSchema,
  claimTypeOf,
  contentPurgedSchema,
  packClaim,
  typeKey,
} from "../../provider/claims/index";
import { isConsignError } from "../../provider/errors";
import {
  ARCHIVED,
  CONTENT_PURGED,
  packArchived,
  packContentPurged,
} from "../../provider/archive/record";
import type { Entry, Rules } from "../../provider/retention/index";

const subject = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${"ab".repeat(32)}` as const,
  size: 7,
};
const entry: Entry = {
  mediaType: subject.mediaType,
  size: subject.size,
  tags: { "registry.example/app": ["v1"], "edge.example/app": [] },
  at: ["registry.example/app"],
  evidence: {
    [`sha256:${"01".repeat(32)}`]:
      "deployment 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z registry.example/app:current production",
  },
  state: "expired",
  decision: "purge-content",
  reason: "over",
  leftAt: "2026-02-01T00:00:00Z",
};
const rules: Rules = {
  archiveAfter: { text: "30d", ms: 1 },
  since: "end-of-production",
  holds: [],
  onExpiry: "report",
  release: "never",
};

test("what an archive records has its place in the vocabulary, and the bytes that it always had", () => {
  const [archived, purged] = [
    packArchived(subject, entry, rules, "2026-04-01T00:00:00Z"),
    packContentPurged(subject, entry, "2027-04-01T00:00:00Z"),
  ];
  assert.equal(
    archived.manifest.descriptor.digest,
    "sha256:984f0f706bc080293524e9b0895580f54967968fa4eeed16b398e7bbdc6e890b",
  );
  assert.equal(
    purged.manifest.descriptor.digest,
    "sha256:ba484d2156da2e3867dd1b690019d2dd56597cbe504dae7d1f4eced422b35246",
  );
  assert.deepEqual(
    [ARCHIVED, CONTENT_PURGED],
    ["https://consign.dev/claims/archived/v1", "https://consign.dev/claims/content-purged/v1"],
  );
  assert.deepEqual(
    [archived, purged]
      .map(({ manifest }) =>
        claimTypeOf({ ...manifest.descriptor, annotations: manifest.value.annotations ?? {} }),
      )
      .map((type) => typeKey(type ?? "")),
    ["archived", "content-purged"],
  );
  assert.deepEqual(
    ["archived", "content-purged"].map((name) =>
      CLAIM_KINDS.find((kind) => kind.name === name)?.observedAt(
        name === "archived"
          ? { archivedAt: "2026-04-01T00:00:00Z" }
          : { purgedAt: "2027-04-01T00:00:00Z" },
      ),
    ),
    ["2026-04-01T00:00:00Z", "2027-04-01T00:00:00Z"],
  );
});

test("their predicates are checked like any other, and later members are let through", () => {
  const pack = (type: string, predicate: unknown) => () =>
    packClaim({ type, subject, predicate, audience: "internal" });
  const at = (path: string) => (error: unknown) =>
    isConsignError(error, "PREDICATE_INVALID") && error.path === path;
  assert.throws(pack("archived", { archivedAt: "yesterday" }), at("archivedAt"));
  assert.throws(
    pack("archived", {
      archivedAt: "2026-04-01T00:00:00Z",
      inUse: [{ environment: "production" }],
    }),
    at("inUse[0].from"),
  );
  assert.throws(pack("content-purged", {}), at("purgedAt"));
  assert.ok(
    archivedSchema.safeParse({ archivedAt: "2026-04-01T00:00:00Z", by: "a later version" }).success,
  );
  assert.ok(
    contentPurgedSchema.safeParse({ purgedAt: "2026-04-01T00:00:00Z", by: "a later version" })
      .success,
  );
});
