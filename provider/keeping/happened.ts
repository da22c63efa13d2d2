// SPDX-License-Identifier: Apache-2.0

/** What a run has done about something that has to be there. */
export type Happened = "made" | "adopted" | "present" | "restored";

export interface Deed {
  /** It was not there, and is now. */
  made: boolean;
  /** It was there, and a part of it that was not is now. */
  mended?: boolean;
  /** This resource had it before. */
  known: boolean;
}

export function happened({ made, mended = false, known }: Deed): Happened {
  if (made) return known ? "restored" : "made";
  if (mended) return "restored";
  return known ? "present" : "adopted";
}

/** What a run has done about the signatures of something; one that is made anew is another one. */
export function signatureDeed(
  signatures: readonly { digest: string }[],
  { before, made }: { before: readonly string[]; made: ReadonlySet<string> },
): Happened {
  const isMade = signatures.some(({ digest }) => made.has(digest));
  return happened({
    made: isMade,
    known: !isMade && signatures.some(({ digest }) => before.includes(digest)),
  });
}
