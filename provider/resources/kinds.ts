// SPDX-License-Identifier: Apache-2.0
export { claim } from "./claim";
export { mirror } from "./mirror";
export { signedArtifact } from "./signed-artifact";
export { verification } from "./verification";
