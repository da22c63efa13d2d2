// SPDX-License-Identifier: Apache-2.0
// Imported first, so that it speaks before what does not load on an older Node.
import { nodeComplaint } from "../node-version";

const complaint = nodeComplaint(process.versions.node);
if (complaint !== undefined) {
  const error = new Error(`${complaint}: put a newer one on the PATH that pulumi runs with`);
  // Where it was thrown is of no interest to anybody.
  error.stack = error.message;
  throw error;
}
