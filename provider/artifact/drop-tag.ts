// SPDX-License-Identifier: Apache-2.0
import type { Store } from "../content/storage";
import { ConsignError } from "../errors";
import { removeTags } from "../keeping/remove";
import type { ResourceContext } from "../world/context";

/** A tag that is no longer wanted, and where its resource had set it. */
export interface DroppedTag {
  tag: string;
  placed: string;
  /** Leave it, with a warning, where the registry does not remove a tag alone. */
  keep: boolean;
}

/** Takes away a tag that is no longer wanted, where it still is as this resource had set it. */
export async function dropTag(
  store: Store,
  { tag, placed, keep }: DroppedTag,
  context: Pick<ResourceContext, "warn">,
): Promise<void> {
  const { refusal } = await removeTags(store, new Map([[tag, [placed]]]));
  if (refusal === undefined) return;
  if (!keep)
    throw new ConsignError(
      "REGISTRY_UNSUPPORTED",
      `${store.name}:${tag} is no longer wanted, and this registry does not remove a tag alone: remove it by the registry's own means, or set onDelete to "retain" to leave it there`,
      { path: "tags", reference: `${store.name}:${tag}`, status: refusal.status },
    );
  context.warn(
    `${store.name}:${tag} stays, although it is no longer wanted: this registry does not remove a tag alone`,
  );
}
