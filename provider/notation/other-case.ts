// SPDX-License-Identifier: Apache-2.0

/**
 * Notation reads a member in any case as the one that is meant, and of two the last; so one that
 * would be passed over here is refused.
 * @throws Error saying which
 */
export function refuseOtherCase(value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null) return;
  for (const member of Object.keys(value)) {
    const meant = known.find((each) => each !== member && fold(each) === fold(member));
    if (meant !== undefined) throw new Error(`write "${meant}" for "${member}"`);
  }
}

/** Letters that Go takes for the same: with the long s and the Kelvin sign. */
function fold(text: string): string {
  return text.toUpperCase().toLowerCase();
}
