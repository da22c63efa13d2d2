// SPDX-License-Identifier: Apache-2.0
import "./node-check";
import "./make-room";
import { dynamicProvider } from "./adapter";

/**
 * The permanent export `pulumi-consign/dynamic`: the text
 * `exports.handler=()=>require("pulumi-consign/dynamic").<Kind>` is recorded in every stack that
 * holds one of these resources, so neither this path nor these names may ever change. A kind is
 * loaded when it is first asked to do something: each run of Pulumi starts a process that would pay
 * for all of them.
 */
export const SignedArtifact = Object.freeze(
  dynamicProvider(
    () => (require("../artifact/artifact") as typeof import("../artifact/artifact")).signedArtifact,
  ),
);
export const Claim = Object.freeze(
  dynamicProvider(() => (require("../claim/claim") as typeof import("../claim/claim")).claim),
);
export const Mirror = Object.freeze(
  dynamicProvider(() => (require("../mirror/mirror") as typeof import("../mirror/mirror")).mirror),
);
export const Verification = Object.freeze(
  dynamicProvider(
    () =>
      (require("../verification/verification") as typeof import("../verification/verification"))
        .verification,
  ),
);
export const Promotion = Object.freeze(
  dynamicProvider(
    () => (require("../promotion/promotion") as typeof import("../promotion/promotion")).promotion,
  ),
);
export const ArchivePolicy = Object.freeze(
  dynamicProvider(
    () => (require("../archive/archive") as typeof import("../archive/archive")).archivePolicy,
  ),
);
export const Exposure = Object.freeze(
  dynamicProvider(
    () =>
      (require("../exposure/resource/exposure") as typeof import("../exposure/resource/exposure"))
        .exposure,
  ),
);
