// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { isConsignError } from "../../errors";
import {
  attributesOf,
  isSubsetName,
  numberOf,
  parseIdentityName,
  type IdentityName,
} from "../../notation/x509/distinguished-name";

const PREFIX = "x509.subject:";

/**
 * Names signers, as `trustedIdentities` of a Notary Project trust policy do: `x509.subject: C=US,
 * ST=WA, O=Wabbit Networks` is everyone whose certificate has these attributes, and maybe more; `*`
 * is everyone. C, ST (or S) and O are required, in any order.
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#trusted-identities-constraints
 */
export const identitySchema = z
  .string()
  .refine((text) => text === "*" || patternOf(text) !== undefined, {
    message: 'must be "*" or "x509.subject: C=…, ST=…, O=…", with each attribute once',
  });

/**
 * Whether a signer's subject is one of those that the identity names, for where that allows
 * something: as trust policies are read. A subject that is no identity, as one with an e-mail
 * address or two OUs is none, is named by `*` only.
 */
export function matchesIdentity(identity: string, subject: string): boolean {
  if (identity === "*") return true;
  const pattern = patternOf(identity);
  const name = nameOf(subject);
  return pattern !== undefined && name !== undefined && isSubsetName(pattern, name);
}

/** `unknown`: the subject cannot be compared. */
export type Match = "yes" | "no" | "unknown";

/**
 * The same for where it opens something that a subject is not named: what is there is compared, and
 * what is there besides, or more than once, makes no difference.
 */
export function mayMatchIdentity(identity: string, subject: string): Match {
  if (identity === "*") return "yes";
  const pattern = patternOf(identity);
  const attributes = attributesOf(subject);
  if (pattern === undefined || attributes === undefined) return "unknown";
  const answers = [...pattern].map(([type, value]): Match => {
    const found = attributes.filter((attribute) => typeOf(attribute.type) === type);
    if (found.some((attribute) => attribute.value === value)) return "yes";
    const number = numberOf(type);
    return attributes.some((attribute) => attribute.type === number) ? "unknown" : "no";
  });
  return (
    answers.find((answer) => answer === "no") ?? answers.find((answer) => answer !== "yes") ?? "yes"
  );
}

function typeOf(written: string): string {
  const type = written.toUpperCase();
  return type === "S" ? "ST" : type;
}

/** The subject in one spelling, so that two spellings of one name compare equal. */
export function canonicalSubject(subject: string): string {
  const name = nameOf(subject);
  return name === undefined
    ? subject
    : JSON.stringify([...name].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function patternOf(identity: string): IdentityName | undefined {
  return identity.startsWith(PREFIX) ? nameOf(identity.slice(PREFIX.length)) : undefined;
}

function nameOf(text: string): IdentityName | undefined {
  try {
    return parseIdentityName(text);
  } catch (error) {
    if (isConsignError(error, "TRUST_POLICY_INVALID")) return undefined;
    throw error;
  }
}
