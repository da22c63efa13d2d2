// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { planLines } from "../../provider/retention/line";
import type { Entry } from "../../provider/retention/entry";

const DIGEST = `sha256:${"ab".repeat(32)}` as const;
const entry = (o: Partial<Entry>): Entry => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  size: 10,
  tags: {},
  at: [],
  evidence: {},
  state: "expired",
  decision: "keep",
  reason: "kept for 30d: that was over before it was archived",
  ...o,
});
const line = (o: Partial<Entry>): string => planLines({ [DIGEST]: entry(o) })[DIGEST] ?? "";

test("what was never archived is not said to have expired; what has is", () => {
  assert.match(line({}), /^KEEP .* never archived; /);
  assert.match(
    line({ archivedAt: "2026-01-01T00:00:00Z", decision: "mark" }),
    /^MARK .* expired; .*archived 2026-01-01/,
  );
});
