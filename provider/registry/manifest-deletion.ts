// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import type { Manifest } from "../oci/manifest";
import type { Manifests } from "./manifests";
import type { Referrers } from "./referrers";

/**
 * Deletes a manifest by digest. Its entry in a fallback index goes first: in this order a run that
 * was interrupted can be repeated, as the manifest that names the subject is still there. If the
 * registry then refuses, the entry is put back.
 */
export class ManifestDeletion {
  constructor(
    readonly manifests: Manifests,
    readonly referrers: Referrers,
  ) {}

  /** @throws ConsignError `REGISTRY_UNSUPPORTED` */
  async run(
    digest: Digest,
    read: () => Promise<Manifest | undefined>,
    options: CallOptions,
  ): Promise<void> {
    const putBack = await this.#removeEntry(read, options);
    try {
      const status = await this.manifests.delete(digest, { ...options, ok: [400, 405, 501] });
      const reference = this.manifests.reference(digest);
      if (status === 404 && (await this.manifests.isThere(digest, options)))
        throw new ConsignError(
          "REGISTRY_RESPONSE_INVALID",
          `${reference} is there, and its removal was answered as if it were not: run again`,
          { reference, status },
        );
      if (status >= 400 && status !== 404) {
        throw new ConsignError(
          "REGISTRY_UNSUPPORTED",
          `${reference}: this registry does not delete manifests (answer ${status}); allow it in the registry, or delete by its own means`,
          {
            reference,
            status,
          },
        );
      }
    } catch (error) {
      if (isConsignError(error, "REGISTRY_UNSUPPORTED", "REGISTRY_DENIED", "REGISTRY_UNAUTHORIZED"))
        await putBack?.();
      throw error;
    }
  }

  async #removeEntry(
    read: () => Promise<Manifest | undefined>,
    options: CallOptions,
  ): Promise<(() => Promise<void>) | undefined> {
    if (this.referrers.capability.support === "supported") return undefined;
    const manifest = await readable(read);
    const subject = manifest?.value.subject?.digest;
    return manifest === undefined || subject === undefined
      ? undefined
      : this.referrers.remove(manifest, subject, options);
  }
}

/** What cannot be parsed names no subject, and may be deleted all the same. */
async function readable(read: () => Promise<Manifest | undefined>): Promise<Manifest | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isConsignError(error, "MANIFEST_INVALID", "MANIFEST_TOO_LARGE", "DIGEST_MISMATCH"))
      return undefined;
    throw error;
  }
}
