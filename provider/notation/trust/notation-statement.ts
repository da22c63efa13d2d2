// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../../errors";
import { isSubsetName, parseIdentityName, type IdentityName } from "../x509/distinguished-name";
import { refuseOtherCase } from "../other-case";
import { parseTrustPolicy, type TrustPolicy } from "./trust-policy";

const CHECKED = ["authenticity", "authenticTimestamp", "expiry", "revocation"] as const;

const listSchema = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

/** A `host[:port]/name` as notation's own regular expressions have it. */
const SCOPE =
  /^(?:\*|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)$/;
const STORE = /^(?:ca|signingAuthority|tsa):[a-zA-Z0-9_.-]+$/;
const SUBJECT = "x509.subject:";

const verificationMembers = {
  level: z.enum(["strict", "permissive", "audit", "skip"]),
  override: z.partialRecord(z.enum(CHECKED), z.enum(["enforce", "log", "skip"])).nullish(),
  verifyTimestamp: z.enum(["", "always", "afterCertExpiry"]).nullish(),
};
const statementMembers = {
  name: z.string().min(1, "has no name"),
  registryScopes: z.array(z.string().regex(SCOPE, "is no registry scope of notation's")).min(1),
  signatureVerification: z.looseObject(verificationMembers),
  trustStores: listSchema,
  trustedIdentities: listSchema,
};
const statementSchema = z.looseObject(statementMembers).superRefine((statement, context) => {
  const why = brokenRule(statement);
  if (why !== undefined) context.addIssue({ code: "custom", message: why });
});
type Statement = z.infer<z.ZodObject<typeof statementMembers>>;

/**
 * Notation's rules beyond the types of members.
 * @see https://github.com/notaryproject/notation-go/blob/v1.3.2/verifier/trustpolicy/trustpolicy.go
 */
function brokenRule(statement: Statement): string | undefined {
  const { signatureVerification, registryScopes, trustStores, trustedIdentities } = statement;
  const override = Object.entries(signatureVerification.override ?? {});
  if (registryScopes.length > 1 && registryScopes.includes("*"))
    return `the scope "*" stands alone`;
  if (override.some(([check, action]) => check !== "revocation" && action === "skip"))
    return "only revocation can be skipped";
  if (signatureVerification.level === "skip")
    return override.length + trustStores.length + trustedIdentities.length > 0
      ? `level "skip" takes no override, trust stores or identities`
      : undefined;
  if (trustStores.length === 0 || trustedIdentities.length === 0)
    return "trust stores and trusted identities must both be given";
  if (!trustStores.every((store) => STORE.test(store))) return "a trust store has no such name";
  return brokenIdentity(trustedIdentities);
}

function brokenIdentity(identities: readonly string[]): string | undefined {
  if (identities.length > 1 && identities.includes("*")) return `the identity "*" stands alone`;
  const names: IdentityName[] = [];
  for (const identity of identities) {
    if (identity === "*") continue;
    if (!identity.includes(":")) return `the identity "${identity}" has no prefix`;
    if (!identity.startsWith(SUBJECT)) continue;
    try {
      names.push(parseIdentityName(identity.slice(SUBJECT.length), "matched or not"));
    } catch (error) {
      return (error as Error).message;
    }
  }
  return names.some((one, at) => names.some((two, other) => other !== at && isSubsetName(one, two)))
    ? "two trusted identities overlap"
    : undefined;
}

/** A statement of notation's document that breaks none of notation's rules. */
export interface NotationStatement {
  readonly name: string;
  readonly registryScopes: readonly string[];
  /**
   * The statement as it is used here, where it is the one that applies.
   * @throws ConsignError `TRUST_POLICY_INVALID` for what notation passes over and Consign does not
   */
  policy(): TrustPolicy;
}

/**
 * Reads a statement by notation's rules alone: what breaks them makes notation refuse the whole
 * document, and what does not must not, as long as another statement applies.
 * @throws ConsignError `TRUST_POLICY_INVALID`
 */
export function parseNotationStatement(value: unknown, at: string): NotationStatement {
  refuseCase(value, Object.keys(statementMembers), at);
  const parsed = statementSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = [at, ...(issue?.path ?? [])].join(".");
    throw invalid(path, issue?.message ?? "");
  }
  const statement = parsed.data;
  const { signatureVerification: verification } = statement;
  refuseCase(verification, Object.keys(verificationMembers), `${at}.signatureVerification`);
  return {
    name: statement.name,
    registryScopes: statement.registryScopes,
    policy: () => usedPolicy(statement, at),
  };
}

function usedPolicy(statement: Statement, at: string): TrustPolicy {
  const { signatureVerification, trustStores, trustedIdentities } = statement;
  const { level, override, verifyTimestamp } = signatureVerification;
  const unknown = [
    ...unknownMembers(statement, statementMembers),
    ...unknownMembers(signatureVerification, verificationMembers),
  ];
  if (unknown.length > 0)
    throw invalid(at, `the member "${unknown[0]}" is not known, and may ask for something`);
  const understood = trustedIdentities.filter(
    (identity) => identity === "*" || identity.startsWith(SUBJECT),
  );
  if (understood.length === 0 && trustedIdentities.length > 0)
    throw invalid(
      `${at}.trustedIdentities`,
      `none is an x509.subject, or "*"; others are for verifiers with a plugin`,
    );
  return parseTrustPolicy(
    {
      name: statement.name,
      registryScopes: statement.registryScopes,
      signatureVerification: {
        level,
        ...(override ? { override } : {}),
        ...(verifyTimestamp ? { verifyTimestamp } : {}),
      },
      trustStores,
      trustedIdentities: understood,
    },
    at,
  );
}

function unknownMembers(value: object, known: object): string[] {
  return Object.keys(value).filter((member) => !Object.hasOwn(known, member));
}

/** @throws ConsignError `TRUST_POLICY_INVALID` */
export function refuseCase(value: unknown, known: readonly string[], at: string): void {
  try {
    refuseOtherCase(value, known);
  } catch (error) {
    throw invalid(at, (error as Error).message);
  }
}

function invalid(path: string, why: string): ConsignError {
  return new ConsignError(
    "TRUST_POLICY_INVALID",
    `the trust policy is not valid at ${path}: ${why}`,
    { path },
  );
}
