// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { identitySchema, matchesIdentity, mayMatchIdentity, type Match } from "./identity";

/** Who has signed: what a certificate says, and under which trust anchor it says so. */
export interface Signer {
  /** Subject of the signer's certificate. */
  subject: string;
  /** Thumbprint of the chain's trust anchor; absent where it is not known. */
  root?: string | undefined;
}

/**
 * An entry of `precedence` and of `lifecycleIssuers` as it is written: an identity; or one with the
 * roots under which it is meant, as PEM text or as the path of a file, so that a namesake under
 * another root is somebody else, and one issuer may have certificates under several.
 */
export type IssuerEntry = string | { identity: string; roots: string[] };

/** The same with the roots read. */
export type KnownIssuer = string | { identity: string; thumbprints: readonly string[] };

const rootedSchema = z.strictObject({
  identity: identitySchema,
  roots: z
    .array(z.string().min(1, "must be PEM text, or the path of a certificate file"))
    .min(1)
    .max(100),
});

/** Which form it has is decided first, so that what is wrong is reported where it stands. */
const entrySchema = z.custom<IssuerEntry>().check((context) => {
  const { value } = context;
  const schema: z.ZodType<IssuerEntry> =
    typeof value === "object" && value !== null ? rootedSchema : identitySchema;
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    for (const issue of parsed.error.issues)
      context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
});

export const issuersSchema = z.array(entrySchema).max(100);

/**
 * Identities that may issue each type of lifecycle claim. A type without a list is open to every
 * verified signer; an empty list, to none.
 */
export const lifecycleIssuersSchema = z.strictObject({
  revocation: issuersSchema.optional(),
  redirect: issuersSchema.optional(),
  endOfLife: issuersSchema.optional(),
});

export interface LifecycleIssuers {
  revocation?: readonly KnownIssuer[] | undefined;
  redirect?: readonly KnownIssuer[] | undefined;
  endOfLife?: readonly KnownIssuer[] | undefined;
}

/** The identity of an entry, and the roots where it names them. */
export function partsOf(entry: KnownIssuer): {
  identity: string;
  thumbprints?: readonly string[];
} {
  return typeof entry === "string" ? { identity: entry } : entry;
}

/** Whether an entry names a signer, where to be named allows him something. */
export function names(entry: KnownIssuer, { subject, root }: Signer): boolean {
  const { identity, thumbprints } = partsOf(entry);
  return (
    matchesIdentity(identity, subject) &&
    (thumbprints === undefined || (root !== undefined && thumbprints.includes(root)))
  );
}

/**
 * Whether an entry names a signer, where it would open something if it did not: what a certificate
 * says besides, and under which root, makes nobody's word less.
 */
export function mayName(entry: KnownIssuer, { subject }: Signer): Match {
  return mayMatchIdentity(partsOf(entry).identity, subject);
}

/** Whether any of them does. Without a list, everybody is named. */
export function anyMayName(entries: readonly KnownIssuer[] | undefined, signer: Signer): Match {
  if (entries === undefined) return "yes";
  const matches = entries.map((entry) => mayName(entry, signer));
  return (
    matches.find((match) => match === "yes") ?? matches.find((match) => match !== "no") ?? "no"
  );
}
