// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Digest } from "../oci/digest";

/** What a retention period is counted from. */
export type Since = "end-of-production" | "end-of-support" | "archived";

/** What happens to an artifact whose time is over. */
export type OnExpiry = "report" | "purge-content" | "purge";

/** A duration as it was written, for people, and in milliseconds. */
export interface Period {
  text: string;
  ms: number;
}

export interface Rules {
  /** Environments whose end starts the clock. @default every environment */
  environments?: readonly string[] | undefined;
  /** Grace: how long after its end in production an artifact is left where it is. */
  archiveAfter: Period;
  /** How long an archived artifact is kept. @default for ever */
  retain?: Period | undefined;
  since: Since;
  /** Per source, the artifacts that left production last are kept, however old. @default none */
  last?: number | undefined;
  /** Digests on legal hold. Holds by claim are evidence of the artifact. */
  holds: readonly Digest[];
  onExpiry: OnExpiry;
  /** Whether a source is rid of an artifact once the archive is proven to have it. */
  release: "never" | "after-archive";
  /** Which tags at a source do not keep there what is released. @default none */
  releaseTags?: ((tag: string) => boolean) | undefined;
  /** How long ago something was marked before its blobs go. @default they may go at once */
  purgeGrace?: Period | undefined;
  /** Where blobs of what is purged are removed; undefined: its registry collects them itself. */
  frees?: "layout" | "registry" | undefined;
  /** Whether the real clock counts beside the policy's: the archive is a registry. */
  isShared?: boolean | undefined;
}

/**
 * Refuses rules that contradict each other.
 * @throws ConsignError `INPUT_INVALID` at the argument's path
 */
export function checkRules(rules: Rules): void {
  const { retain, archiveAfter, since, onExpiry, last } = rules;
  if (retain === undefined) {
    if (onExpiry !== "report")
      throw refused(
        "onExpiry",
        `"${onExpiry}" never comes, as nothing expires: say how long to keep, as retain: { for: "7y" }`,
      );
    if (since !== "end-of-production")
      throw refused(
        "retain.from",
        `it says from when a period is counted, and there is none: add retain.for`,
      );
    if (last !== undefined)
      throw refused(
        "retain.last",
        "everything is kept for ever, so there are no last ones to keep longer: add retain.for",
      );
    return;
  }
  if (since === "end-of-production" && retain.ms < archiveAfter.ms) {
    throw refused(
      "retain.for",
      `${retain.text} from the end of production is over before the grace period, archiveAfter ${archiveAfter.text}, is: nothing would ever be archived`,
    );
  }
}

function refused(path: string, message: string): ConsignError {
  return new ConsignError("INPUT_INVALID", message, { path });
}

/** In a sentence, how long is kept. */
export function describeRetention({ retain, since }: Rules): string {
  return retain === undefined ? "kept for ever" : `kept ${retain.text} from ${WORDS[since]}`;
}

const WORDS: Readonly<Record<Since, string>> = {
  "end-of-production": "end of production",
  "end-of-support": "end of support",
  archived: "archiving",
};
