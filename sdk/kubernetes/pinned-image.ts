// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../provider/errors";

const HOST =
  "(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?=:)|\\[[0-9a-f:.]+\\])(?::[0-9]{1,5})?";
const REPOSITORY =
  "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:\\/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*";
const PINNED = new RegExp(`^${HOST}\\/${REPOSITORY}@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`);

/**
 * What a `Verification` gives as `reference`, as a container's `image`. Nodes pull from registries
 * and by digest: a directory (`oci:`), a tag, and a name without its registry are refused.
 * @see https://github.com/distribution/reference/blob/v0.6.0/reference.go
 * @throws ConsignError `REFERENCE_INVALID`; `VERIFICATION_UNMET` for what has no reference as it is
 * not verified
 */
export function pinnedImage(reference: string | undefined, whose = "the image"): string {
  if (reference === undefined)
    throw new ConsignError(
      "VERIFICATION_UNMET",
      `${whose} is not verified, so it has no reference, and nothing is deployed`,
    );
  if (reference.startsWith("oci:")) {
    throw new ConsignError(
      "REFERENCE_INVALID",
      `${whose} is "${reference}": a node cannot pull from a directory; mirror it to a registry and verify it there`,
      { reference },
    );
  }
  if (PINNED.test(reference)) return reference;
  const why = reference.includes("@")
    ? "is no registry/repository@sha256:… that a node can pull"
    : "is not pinned by digest; use the reference of a Verification";
  throw new ConsignError("REFERENCE_INVALID", `${whose} is "${reference}", which ${why}`, {
    reference,
  });
}
