// SPDX-License-Identifier: Apache-2.0
import picomatch from "picomatch";
import { isTag } from "./reference";
import { fitsPattern } from "./value-pattern";

const GLOB = /[*?[\]{}!()]/;
const PLAIN_GLOB = /^[\w.*?-]+$/;
/** Picomatch wants something behind the dot of the first, and reads rows of stars in its own way. */
const WANTS_MORE = /^\*\.\*(?:\.\w+)*$|\*\*/;

/** Whether a text is a tag, or a glob that stands for several. */
export function isTagPattern(text: string): boolean {
  return isTag(text) || GLOB.test(text);
}

/** Whether one of these tags and globs takes a tag. */
export function tagMatcher(patterns: readonly string[]): (tag: string) => boolean {
  const exact = new Set(patterns.filter(isTag));
  const globs = patterns.filter((pattern) => !isTag(pattern)).map(compile);
  return (tag) => exact.has(tag) || globs.some((matches) => matches(tag));
}

function compile(pattern: string): (tag: string) => boolean {
  // Stars alone can make a pattern slow, and have a matcher whose time is bounded.
  if (PLAIN_GLOB.test(pattern) && !WANTS_MORE.test(pattern))
    return (tag) => fitsPattern(tag, pattern);
  return picomatch(pattern, { nonegate: true });
}
