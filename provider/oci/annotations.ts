// SPDX-License-Identifier: Apache-2.0

/** Annotation keys this project writes or reads. Ours are under `dev.consign`. */
export const ANNOTATIONS = {
  created: "org.opencontainers.image.created",
  title: "org.opencontainers.image.title",
  refName: "org.opencontainers.image.ref.name",
  /**
   * JSON array, as a string, of the SHA-256 thumbprints of a signature's certificate chain, leaf
   * first.
   */
  thumbprints: "io.cncf.notary.x509chain.thumbprint#S256",
  /**
   * Predicate type of a claim, so that a list of referrers can be filtered without fetching them.
   */
  claimType: "dev.consign.claim.type",
  /** `public` or `internal`. */
  claimAudience: "dev.consign.claim.audience",
  /** Digests of the claims that this one supersedes, joined by commas. */
  claimSupersedes: "dev.consign.claim.supersedes",
  lifecycleEndOfLife: "vnd.microsoft.artifact.lifecycle.end-of-life.date",
} as const;
