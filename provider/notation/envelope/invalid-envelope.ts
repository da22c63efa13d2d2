// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../errors";

export function invalidEnvelope(why: string): ConsignError {
  return new ConsignError(
    "ENVELOPE_INVALID",
    `the signature envelope breaks the Notary Project's format: ${why}`,
  );
}
