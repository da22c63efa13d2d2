// SPDX-License-Identifier: Apache-2.0
import { archivePolicy } from "../../provider/archive/archive";
import { claim } from "../../provider/claim/claim";
import { mirror } from "../../provider/mirror/mirror";
import { promotion } from "../../provider/promotion/promotion";
import type { Reconciler } from "../../provider/world/reconciler";
import { signedArtifact } from "../../provider/artifact/artifact";
import { verification } from "../../provider/verification/verification";
import type { RecordedResource } from "./recorded";

/** The reconciler of each kind of resource. */
export const KINDS: Readonly<Record<RecordedResource["kind"], Reconciler>> = {
  SignedArtifact: signedArtifact,
  Claim: claim,
  Mirror: mirror,
  Verification: verification,
  Promotion: promotion,
  ArchivePolicy: archivePolicy,
};
