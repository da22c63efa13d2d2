// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { isTag } from "../oci/reference";
import type { TagOptions } from "./storage";

const FALLBACK_TAG = /^sha(?:256|512)-[0-9a-f]{64}$/;

/**
 * True for a tag that stands in for the referrers list of a digest in registries without a
 * referrers API; it names no version of anything.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export function isFallbackTag(tag: string): boolean {
  return FALLBACK_TAG.test(tag);
}

const LEASE_TAG = /^consign-lease-[0-9a-f]{32}$/;

/**
 * True for a tag that says for a while that somebody relies on what is there; it names no version
 * of anything.
 */
export function isLeaseTag(tag: string): boolean {
  return LEASE_TAG.test(tag);
}

/** @throws ConsignError `REFERENCE_INVALID` */
export function checkTag(tag: string): void {
  if (!isTag(tag))
    throw new ConsignError(
      "REFERENCE_INVALID",
      `"${tag}" is not a tag: use up to 128 letters, digits, dots, dashes and underscores`,
    );
}

/**
 * Decides a conditional tag move: fine if the tag is where the caller expects it, or already where
 * it is to go.
 * @throws ConsignError `TAG_MOVED`
 */
export function checkExpected(
  store: string,
  tag: string,
  current: Digest | undefined,
  next: Digest,
  options: TagOptions,
): void {
  if (!("expected" in options) || current === options.expected || current === next) return;
  throw new ConsignError(
    "TAG_MOVED",
    `tag ${tag} in ${store} was left alone: it was expected at ${options.expected ?? "nothing (absent)"} and is at ${current ?? "nothing (absent)"}; plan again`,
    { reference: `${store}:${tag}` },
  );
}
