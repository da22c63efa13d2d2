// SPDX-License-Identifier: Apache-2.0
import "./node-check";
import { archivePolicy, claim, mirror, promotion, signedArtifact, verification } from "../resources/kinds";
import { dynamicProvider } from "./adapter";

/**
 * The permanent export `pulumi-consign/dynamic`: the text `exports.handler=()=>require("pulumi-consign/dynamic").<Kind>` is recorded in
 * every stack that holds one of these resources, so neither this path nor these names may ever change.
 */
export const SignedArtifact = Object.freeze(dynamicProvider(signedArtifact));
export const Claim = Object.freeze(dynamicProvider(claim));
export const Mirror = Object.freeze(dynamicProvider(mirror));
export const Verification = Object.freeze(dynamicProvider(verification));
export const Promotion = Object.freeze(dynamicProvider(promotion));
export const ArchivePolicy = Object.freeze(dynamicProvider(archivePolicy));
