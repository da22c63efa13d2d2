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
    () =>
      (require("../resources/signed-artifact") as typeof import("../resources/signed-artifact"))
        .signedArtifact,
  ),
);
export const Claim = Object.freeze(
  dynamicProvider(
    () => (require("../resources/claim") as typeof import("../resources/claim")).claim,
  ),
);
export const Mirror = Object.freeze(
  dynamicProvider(
    () => (require("../resources/mirror") as typeof import("../resources/mirror")).mirror,
  ),
);
export const Verification = Object.freeze(
  dynamicProvider(
    () =>
      (require("../resources/verification") as typeof import("../resources/verification"))
        .verification,
  ),
);
export const Promotion = Object.freeze(
  dynamicProvider(
    () => (require("../resources/promotion") as typeof import("../resources/promotion")).promotion,
  ),
);
export const ArchivePolicy = Object.freeze(
  dynamicProvider(
    () => (require("../resources/archive") as typeof import("../resources/archive")).archivePolicy,
  ),
);
