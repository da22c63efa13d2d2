// SPDX-License-Identifier: Apache-2.0
import picomatch from "picomatch";
import { isTag } from "./reference";

const GLOB = /[*?[\]{}!()]/;

/** Whether a text is a tag, or a glob that stands for several. */
export function isTagPattern(text: string): boolean {
  return isTag(text) || GLOB.test(text);
}

/** Whether one of these tags and globs takes a tag. */
export function tagMatcher(patterns: readonly string[]): (tag: string) => boolean {
  const exact = new Set(patterns.filter(isTag));
  const globs = patterns
    .filter((pattern) => !isTag(pattern))
    .map((pattern) => picomatch(pattern, { nonegate: true }));
  return (tag) => exact.has(tag) || globs.some((matches) => matches(tag));
}
