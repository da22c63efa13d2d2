// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { isConsignError } from "../../errors";
import {
  isSubsetName,
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
 * Whether a signer's subject is one of those that the identity names. A subject that is no identity
 * is named by `*` only.
 */
export function matchesIdentity(identity: string, subject: string): boolean {
  if (identity === "*") return true;
  const pattern = patternOf(identity);
  const name = nameOf(subject);
  return pattern !== undefined && name !== undefined && isSubsetName(pattern, name);
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
