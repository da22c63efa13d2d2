// SPDX-License-Identifier: Apache-2.0
import { archivePolicy } from "../../provider/resources/archive";
import { claim } from "../../provider/resources/claim";
import { mirror } from "../../provider/resources/mirror";
import { promotion } from "../../provider/resources/promotion";
import type { Reconciler } from "../../provider/resources/reconciler";
import { signedArtifact } from "../../provider/resources/signed-artifact";
import { verification } from "../../provider/resources/verification";
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
