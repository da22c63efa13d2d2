// SPDX-License-Identifier: Apache-2.0
import type { ReadStore, Store } from "../content/storage";
import type { PromotionRecord } from "../deployments/record";
import type { Made } from "../keeping/made";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { RecordSigner } from "../signing/record-signing";
import type { HistoryQuestion, Promoted } from "./history";

/** What a promotion is about to do. */
export interface PromotionTask extends HistoryQuestion {
  store: Store;
  signing: RecordSigner;
  source: ReadStore;
  descriptor: Descriptor;
  tag: string;
  /** Where the tag may be found: as the plan saw it. */
  expected: Digest | undefined;
  promotedAt: string;
  record: PromotionRecord;
  before: Promoted | undefined;
  /** When the stay before ends, as the plan has told others. */
  endsBefore: string | undefined;
  history: readonly Promoted[];
  carries: Readonly<Record<Digest, string>>;
  /** What this promotion has put there, now and before. */
  made: Made;
  /** Why the artifact is revoked by now, at the source or where it goes, if it is. */
  revoked: () => Promise<string | undefined>;
}
