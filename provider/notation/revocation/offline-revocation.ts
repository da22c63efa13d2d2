// SPDX-License-Identifier: Apache-2.0
import { parseCertificate } from "../x509/certificates";
import type { RevocationChecker } from "./revocation";

/**
 * Asks nobody: where a certificate says whom to ask, the answer is unknown, and never that all is
 * well.
 */
export const offlineRevocation: RevocationChecker = {
  check: async (chain) => {
    const asking = chain
      .slice(0, -1)
      .map((der) => parseCertificate(der))
      .find(({ ocspUrls, crlUrls }) => ocspUrls.length + crlUrls.length > 0);
    return asking === undefined
      ? { result: "nonRevokable", reason: "no certificate says whom to ask" }
      : {
          result: "unknown",
          reason: `there is no way to the network, and "${asking.subject.text}" says whom to ask`,
        };
  },
};
