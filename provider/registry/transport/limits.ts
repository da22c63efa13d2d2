// SPDX-License-Identifier: Apache-2.0

/** Every bound on the way to a registry. All times are milliseconds, all sizes bytes. */
export interface Limits {
  /**
   * Requests in flight at once per registry, fewer for a while after it said that they are too
   * many. Blob downloads are counted apart, so that a copy inside one registry cannot block itself.
   */
  concurrency: number;
  connectTimeoutMs: number;
  /** How long a connection may be silent, before and inside a body. */
  idleTimeoutMs: number;
  /**
   * Deadline of one request, from dispatch to the last byte; transfers of blobs get more in
   * proportion to their size.
   */
  requestTimeoutMs: number;
  /** The rate below which a blob transfer is given up. */
  slowestBytesPerSecond: number;
  /** How often one request is made at most. */
  tries: number;
  backoffMs: number;
  backoffCapMs: number;
  /**
   * How long one request waits between its tries, all waits together. A longer `Retry-After` is an
   * error at once.
   */
  waitMs: number;
  pages: number;
  pageBytes: number;
  /** A list of referrers and a list of tags, all pages together. */
  referrers: number;
  referrersBytes: number;
  tags: number;
  tagsBytes: number;
  manifestCacheBytes: number;
  /**
   * How long a tag's target, a list of referrers or "this blob is there" is believed before it is
   * asked again.
   */
  mutableCacheMs: number;
  /** Blobs of at least this size are sent so that a broken connection does not lose all of them. */
  chunkedFromBytes: number;
  /** What is sent at a time once a connection has broken. */
  chunkBytes: number;
  /** How often a write is looked for before it is made again, and how often it is made again. */
  readBackTries: number;
  readBackMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  concurrency: 32,
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  requestTimeoutMs: 120_000,
  slowestBytesPerSecond: 64 * 1024,
  tries: 5,
  backoffMs: 250,
  backoffCapMs: 5_000,
  waitMs: 300_000,
  pages: 1_000,
  pageBytes: 8 * 1024 * 1024,
  referrers: 100_000,
  referrersBytes: 32 * 1024 * 1024,
  tags: 1_000_000,
  tagsBytes: 64 * 1024 * 1024,
  manifestCacheBytes: 64 * 1024 * 1024,
  mutableCacheMs: 30_000,
  chunkedFromBytes: 64 * 1024 * 1024,
  chunkBytes: 16 * 1024 * 1024,
  readBackTries: 4,
  readBackMs: 40,
};

/** Deadline of a transfer of `size` bytes. */
export function transferDeadline(size: number, limits: Limits): number {
  // setTimeout's own bound is 2^31 - 1 ms.
  return Math.min(
    limits.requestTimeoutMs + Math.ceil((size / limits.slowestBytesPerSecond) * 1000),
    2_147_483_647,
  );
}
