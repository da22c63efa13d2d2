// SPDX-License-Identifier: Apache-2.0

export type ReferrersSupport = "unknown" | "supported" | "unsupported";

/** Where a registry's lists of referrers are: behind its API, or under fallback tags. */
export type ReferrersWay = "api" | "tag";

/** What is known of a referrers API, and from what. */
export interface ReferrersEvidence {
  support: ReferrersSupport;
  evidence: string;
}

/**
 * What one registry has shown of its referrers API, in whichever of its repositories. It is found
 * out once: an API that has answered with an index is there from then on, and one that is not there
 * is not looked for again.
 */
export class RegistryReferrers {
  /** A decision about one repository of this registry that is under way. */
  deciding: Promise<unknown> | undefined;
  #proven = false;
  #none = false;

  /** @param way what the registry's settings say, or what is known of its host */
  constructor(readonly way?: ReferrersWay) {}

  /** An index was answered. */
  get proven(): boolean {
    return this.#proven;
  }

  /** In a repository that exists there was no such API, asked three times. */
  get none(): boolean {
    return this.#none && !this.#proven;
  }

  prove(): void {
    this.#proven = true;
  }

  disprove(): void {
    this.#none = true;
  }
}

const BY_WAY: Record<ReferrersWay, ReferrersEvidence> = {
  api: { support: "supported", evidence: "the registry's settings say that it has the API" },
  tag: { support: "unsupported", evidence: "it is settled that this registry has no such API" },
};

const UNKNOWN: ReferrersEvidence = { support: "unknown", evidence: "not asked yet" };

/** What is known about one repository's referrers API, and from what. */
export class ReferrersCapability {
  #found: ReferrersEvidence = UNKNOWN;
  /** What was found out in a repository that may not exist says nothing of the next one there. */
  #lasting = false;
  #exists = false;
  #nowhere = false;

  constructor(readonly registry: RegistryReferrers) {}

  get support(): ReferrersSupport {
    return this.#current.support;
  }

  get evidence(): string {
    return this.#current.evidence;
  }

  get #current(): ReferrersEvidence {
    const { way } = this.registry;
    return way === undefined ? this.#found : BY_WAY[way];
  }

  /** Something was pushed here, or found. */
  get exists(): boolean {
    return this.#exists;
  }

  /** The repository surely did not exist when it was last looked for. */
  get nowhere(): boolean {
    return this.#nowhere;
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

  /** The API answered with an index. That proof stays. */
  answered(): void {
    this.registry.prove();
    this.#exists = true;
    this.#doubt = undefined;
    if (this.#found.support !== "supported" && !this.#isDisproved)
      this.#found = { support: "supported", evidence: "the referrers API answers with an index" };
  }

  /** There is no API. @param lasting the repository exists, or the registry has none anywhere */
  refused(status: number, lasting: boolean): void {
    if (lasting) this.registry.disprove();
    this.#lasting = lasting;
    this.#found = {
      support: "unsupported",
      evidence: `the referrers API answers ${status}, twice and for another digest`,
    };
  }

  absent(): void {
    this.#nowhere = true;
  }

  /** An index was answered, here or elsewhere at this registry, or its settings vouch for the API. */
  get isProven(): boolean {
    return this.support === "supported" || this.registry.proven;
  }

  #doubt: string | undefined;

  /** Why it cannot be told whether there is an API, where the registry answers all else. */
  get doubt(): string | undefined {
    return this.#doubt;
  }

  doubted(why: string): void {
    this.#doubt = why;
  }

  #isDisproved = false;

  /** The API is there and answers, yet does not know what was pushed. */
  disprove(evidence: string): void {
    this.#listsPushes = false;
    this.#isDisproved = true;
    this.#lasting = true;
    this.#found = { support: "unsupported", evidence };
  }

  found(): void {
    this.#exists = true;
    this.#nowhere = false;
  }

  /** Now the repository exists for certain: what was answered before may have been about that. */
  pushed(): void {
    this.found();
    this.forget();
  }

  forget(): void {
    this.#nowhere = false;
    this.#doubt = undefined;
    if (this.#found.support === "unsupported" && !this.#lasting)
      this.#found = { support: "unknown", evidence: "to be asked again" };
  }
}
