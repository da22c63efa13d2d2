// SPDX-License-Identifier: Apache-2.0
import { MEDIA_TYPES } from "../oci/media-types";

export type ReferrersSupport = "unknown" | "supported" | "unsupported";

/** What one answer of the referrers endpoint proves. */
export interface ReferrersEvidence {
  support: ReferrersSupport;
  evidence: string;
}

/**
 * Statuses of the referrers endpoint that say something about it; 401, 403, 429 and 5xx never do.
 */
export const REFERRERS_STATUSES = [200, 400, 404, 405, 406] as const;

/**
 * Judges an answer of the referrers endpoint. A repository that does not exist proves nothing about
 * the endpoint.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export function judgeReferrers(
  status: number,
  contentType: string | undefined,
  serverCodes: readonly string[],
): ReferrersEvidence {
  if (status === 200) {
    const type = contentType?.split(";")[0]?.trim().toLowerCase();
    if (type === MEDIA_TYPES.index)
      return { support: "supported", evidence: "the referrers API answers with an index" };
    return {
      support: "unsupported",
      evidence: `the referrers API answers with ${type ?? "no content type"}`,
    };
  }
  if (status === 404 && serverCodes.includes("NAME_UNKNOWN"))
    return { support: "unknown", evidence: "the repository does not exist" };
  return { support: "unsupported", evidence: `the referrers API answers ${status}` };
}

/** What is known about one repository's referrers API, and from what. */
export class ReferrersCapability {
  #current: ReferrersEvidence = { support: "unknown", evidence: "not asked yet" };
  #beforeFirstPush = true;

  get support(): ReferrersSupport {
    return this.#current.support;
  }

  get evidence(): string {
    return this.#current.evidence;
  }

  #typesDoubtful = false;

  /**
   * Some lists give every referrer its config's media type as artifact type. The first sign of that
   * (the type of the empty config, or another one than what was just pushed) makes all types in the
   * repository's lists doubtful.
   */
  get typesDoubtful(): boolean {
    return this.#typesDoubtful;
  }

  doubtTypes(): void {
    this.#typesDoubtful = true;
  }

  #listsPushes = false;

  /** Whether a referrer that was pushed here has been seen in a list of the API. */
  get listsPushes(): boolean {
    return this.#listsPushes && this.support === "supported";
  }

  listed(): void {
    this.#listsPushes = true;
  }

  /** Proof of support stays: a later 404 is then about one subject, not about the API. */
  learn(found: ReferrersEvidence): void {
    if (found.support === "unknown" || this.#current.support === "supported") return;
    this.#current = found;
  }

  /** The API is there and answers, yet does not know what was pushed. */
  disprove(evidence: string): void {
    this.#listsPushes = false;
    this.#current = { support: "unsupported", evidence };
  }

  /** Now the repository exists for certain: what was answered before may have been about that. */
  pushed(): void {
    if (this.#beforeFirstPush && this.#current.support === "unsupported")
      this.#current = { support: "unknown", evidence: "asked before the repository existed" };
    this.#beforeFirstPush = false;
  }

  /** A 404 may have been a passing one, so it is not believed for ever. */
  forget(): void {
    if (this.#current.support === "unsupported")
      this.#current = { support: "unknown", evidence: "to be asked again" };
  }
}
