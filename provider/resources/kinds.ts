// SPDX-License-Identifier: Apache-2.0
export { archivePolicy } from "./archive";
export { claim } from "./claim";
export { mirror } from "./mirror";
export { promotion } from "./promotion";
export { signedArtifact } from "./signed-artifact";
export { verification } from "./verification";
