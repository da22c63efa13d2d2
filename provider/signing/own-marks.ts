// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ANNOTATIONS } from "../oci/annotations";
import type { Descriptor } from "../oci/descriptor";
import type { Properties } from "../world/reconciler";
import type { SignedBy } from "./signer";
import { recordedSignatures, type SignatureRecord } from "./signing";

/** State holds no more than these: who signs more often has had the registry clean up. */
const MAX_FORMER = 100;

const formerSchema = z.array(z.string()).max(MAX_FORMER);

/** What tells a resource's own signatures from those of others beside them. */
export interface OwnMarks {
  /** Manifests of signatures that it made or adopted, now or before. */
  recorded: readonly string[];
  /** Of its signing certificate; empty if a plugin does not tell. */
  thumbprint: string;
}

export function ownMarks(state: Properties | undefined, signedBy: SignedBy): OwnMarks {
  return {
    recorded: [...recordedSignatures(state), ...formerOf(state)],
    thumbprint: signedBy.thumbprint,
  };
}

/**
 * A signature by this certificate counts as made by who signs with it, as it would have been
 * adopted.
 */
export function isOwnSignature(
  { digest, annotations }: Descriptor,
  { recorded, thumbprint }: OwnMarks,
): boolean {
  return (
    recorded.includes(digest) ||
    (thumbprint !== "" &&
      leafOf(annotations?.[ANNOTATIONS.thumbprints])?.toLowerCase() === thumbprint)
  );
}

/**
 * What a state records of signatures that newer ones have taken the place of: they are still there,
 * and to be removed some day.
 */
export function formerSignatures(
  previous: Properties | undefined,
  made: readonly SignatureRecord[],
): string[] | undefined {
  const current = made.map(({ digest }) => digest);
  const former = [...new Set([...recordedSignatures(previous), ...formerOf(previous)])].filter(
    (digest) => !current.includes(digest),
  );
  return former.length === 0 ? undefined : former.slice(0, MAX_FORMER);
}

function formerOf(state: Properties | undefined): string[] {
  return formerSchema.safeParse(state?.["formerSignatures"]).data ?? [];
}

/**
 * The annotation lists a chain's certificates, the signer's first. Anyone may write it, so it may
 * be anything.
 */
function leafOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return z.tuple([z.string()], z.string()).safeParse(JSON.parse(text)).data?.[0];
  } catch {
    return undefined;
  }
}
