// SPDX-License-Identifier: Apache-2.0
import { CONTENT_THERE, type RequirementResult } from "../claims/index";
import { absentMembers } from "../content/members";
import type { ReadStore } from "../content/storage";
import type { Descriptor } from "../oci/descriptor";
import { withObjections, type Judgement } from "./judgement";

const MAX_NAMED = 3;

const CONTENT_PATH = "content";

/** Whether what a verdict says against an artifact is that there is nothing to use. */
export function lacksContent({ verdict: { requirements } }: Judgement): boolean {
  return [CONTENT_PATH, "lifecycle.content-purged"].some(
    (path) => requirements[path] !== undefined,
  );
}

/**
 * A good verdict is no use where there is nothing to use: an index of which no manifest is there any
 * more. Blobs may come from elsewhere, as in a pull-through cache.
 * @throws ConsignError where it cannot be told
 */
export async function withContent(
  judgement: Judgement,
  store: ReadStore,
  artifact: Descriptor,
): Promise<Judgement> {
  if (!judgement.verified) return judgement;
  const { gone, all } = await absentMembers(store, artifact);
  if (gone.length === 0) return judgement;
  const named = gone
    .slice(0, MAX_NAMED)
    .map(({ digest, platform }) =>
      platform === undefined ? digest : `${digest} (${platform.os}/${platform.architecture})`,
    );
  const which = `${named.join(", ")}${gone.length > MAX_NAMED ? ` and ${gone.length - MAX_NAMED} more` : ""}`;
  const result: RequirementResult = {
    path: CONTENT_PATH,
    requirement: CONTENT_THERE,
    met: !all,
    reason: all
      ? `none of its manifests is there any more: ${which}`
      : `not all of it is there: ${which}`,
    claims: [],
    ...(all ? {} : { warning: `is not here as a whole: ${which}` }),
  };
  return withObjections(judgement, [result]);
}
