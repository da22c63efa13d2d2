// SPDX-License-Identifier: Apache-2.0

/** What destinations are to hold, and at whose word. */
export interface MirrorPlan {
  tags: Record<string, string>;
  /**
   * `related` says, by digest, what refers to the artifact: `"vulnerabilities public"`, `"signature
   * of 0123456789ab"`; `platforms`, of an index of which some images stay behind, those that go
   * along.
   */
  artifacts: Record<
    string,
    {
      mediaType: string;
      size: number;
      related?: Record<string, string>;
      derivedFrom?: string;
      platforms?: string[];
      without?: string[];
    }
  >;
  /** Cosign's tags of what is mirrored. */
  cosignTags?: Record<string, string>;
  /** Tags, cosign's among them, claims and signatures that are gone at the source and kept. */
  withdrawn?: string[];
  /** By tag, digest or claim, why it is not copied. */
  refused?: Record<string, string>;
  missing?: string[];
  /** Of what is refused, what fails `up` once all the rest is done. */
  failing?: string[];
  /** Where lists of referrers were read of which nobody can tell that they are complete. */
  unproven?: string[];
  /**
   * Instead of the lists, where they would be long: counts, and the digest of the inventory that
   * lies at each destination and says all.
   */
  summary?: { inventory: string; tags: number; artifacts: number; related: Record<string, number> };
  /** What bringing one destination from the plan before to this one is expected to take. */
  budget?: { requests: number; bytes: number };
}
