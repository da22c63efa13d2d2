// SPDX-License-Identifier: Apache-2.0
import { asConsignError, isConsignError, type ErrorCode } from "../../errors";

/** What is asked about a registry, in the order in which it is told. */
export const CHECKS = [
  "reachable",
  "tls",
  "authorization",
  "credentials",
  "repository",
  "referrersApi",
  "fallbackTags",
  "listsCanHide",
  "quota",
  "conditionalRequests",
  "tagImmutability",
  "deletes",
  "tagDeletes",
  "sparseIndexes",
  "sha512",
] as const;
export type Check = (typeof CHECKS)[number];

/** `unknown`: it was asked and cannot be told. `unasked`: only a write, or a repository, shows it. */
export type Answer = "yes" | "no" | "unknown" | "unasked";

export interface Finding {
  check: Check;
  answer: Answer;
  /** What it rests on. Others may have written parts of it. */
  evidence: string;
  code?: ErrorCode;
}

export type Told = Pick<Finding, "answer" | "evidence"> & Partial<Pick<Finding, "code">>;

export const yes = (evidence: string): Told => ({ answer: "yes", evidence });
export const no = (evidence: string): Told => ({ answer: "no", evidence });
export const unknown = (evidence: string): Told => ({ answer: "unknown", evidence });

/** Asks one thing; what fails leaves it unknown. */
export async function ask(check: Check, look: () => Promise<Told>): Promise<Finding> {
  try {
    return { check, ...(await look()) };
  } catch (error) {
    const { code, message } = asConsignError(error);
    return { check, answer: "unknown", evidence: message, code };
  }
}

/**
 * Whether a registry refused a request for what it is: what concerns credentials, quotas and its
 * health says nothing about what it offers.
 */
export function isRefusal(error: unknown): boolean {
  if (isConsignError(error, "DIGEST_MISMATCH", "REGISTRY_UNSUPPORTED")) return true;
  if (!isConsignError(error) || error.status === undefined) return false;
  return error.status >= 400 && error.status < 500 && ![401, 403, 408, 429].includes(error.status);
}
