// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { ResourceContext } from "../world/context";
import type { Properties } from "../world/reconciler";
import { recordedSignatures } from "../signing/signing";

/** State holds no more than these. */
const MAX_MADE = 2_000;

/** Digests of manifests that a resource has put where they are, as state records them. */
export const madeSchema = z.array(z.string());

/** Signatures that newer ones had taken the place of, as states without marks record them. */
const formerSchema = z.object({ formerSignatures: z.array(z.string()).default([]) });

/**
 * What a resource has made, and not found there. Whatever looks like its own, by its content or by
 * its signer's certificate, may be somebody else's all the same.
 */
export class Made {
  private constructor(
    private readonly digests: Set<string>,
    /** States of old have no marks: of what they record only signatures count as made. */
    readonly isMarked: boolean,
  ) {}

  static of(state: Properties | undefined): Made {
    if (state === undefined) return new Made(new Set(), true);
    const marked = madeSchema.safeParse(state["made"]);
    if (marked.success) return new Made(new Set(marked.data), true);
    const { formerSignatures } = formerSchema.safeParse(state).data ?? { formerSignatures: [] };
    return new Made(new Set([...recordedSignatures(state), ...formerSignatures]), false);
  }

  has(digest: string): boolean {
    return this.digests.has(digest);
  }

  add(digest: string): void {
    this.digests.delete(digest);
    this.digests.add(digest);
  }

  /** The newest of them, as state has them. */
  record(): string[] {
    return [...this.digests].slice(-MAX_MADE);
  }
}

/** Said once a resource, where something stays for want of a mark. */
export function warnOfUnmarked(
  made: Made,
  what: string,
  context: Pick<ResourceContext, "warn">,
): void {
  context.warn(
    made.isMarked
      ? `${what} stays: it was there before this resource, which has only adopted it`
      : `${what} stays: its state was recorded by 0.1.0, which did not tell what it had made from what it had found`,
  );
}
