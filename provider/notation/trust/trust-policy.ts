// SPDX-License-Identifier: Apache-2.0
import { normalize } from "node:path";
import { z } from "zod";
import { ConsignError } from "../../errors";
import { locationSchema } from "../../oci/reference";
import { isSubsetName, parseIdentityName } from "../x509/distinguished-name";

/**
 * What is checked, in the order in which it is. Plugins of verifiers are not run, so a signature
 * that asks for one is inconclusive.
 */
export const CHECKS = [
  "integrity",
  "authenticity",
  "expiry",
  "authenticTimestamp",
  "revocation",
  "pluginVerification",
] as const;
export type CheckName = (typeof CHECKS)[number];

/** What a failure does: end the verification, be reported, or the check is not made at all. */
export type Action = "enforce" | "log" | "skip";

export type VerificationLevel = "strict" | "permissive" | "audit" | "skip";

const LEVELS: Readonly<Record<VerificationLevel, Readonly<Record<CheckName, Action>>>> = {
  strict: level("enforce", "enforce", "enforce", "enforce"),
  permissive: level("enforce", "log", "log", "log"),
  audit: level("log", "log", "log", "log"),
  skip: {
    integrity: "skip",
    authenticity: "skip",
    expiry: "skip",
    authenticTimestamp: "skip",
    revocation: "skip",
    pluginVerification: "skip",
  },
};

function level(
  authenticity: Action,
  expiry: Action,
  authenticTimestamp: Action,
  revocation: Action,
): Record<CheckName, Action> {
  return {
    integrity: "enforce",
    authenticity,
    expiry,
    authenticTimestamp,
    revocation,
    pluginVerification: "enforce",
  };
}

export const STORE_TYPES = ["ca", "signingAuthority", "tsa"] as const;
export type StoreType = (typeof STORE_TYPES)[number];

const rootsSchema = z
  .array(z.string().min(1, "must be PEM text, or the path of a certificate file"))
  .optional();
const storeSchema = z
  .string()
  .regex(
    /^(?:ca|signingAuthority|tsa):(?!\.{1,2}$)[a-zA-Z0-9_.-]+$/,
    "must be ca:, signingAuthority: or tsa: and the name of a trust store",
  );

const verificationSchema = z.strictObject({
  level: z.enum(["strict", "permissive", "audit", "skip"]),
  override: z
    .strictObject({
      authenticity: z.enum(["enforce", "log"]).optional(),
      authenticTimestamp: z.enum(["enforce", "log"]).optional(),
      expiry: z.enum(["enforce", "log"]).optional(),
      revocation: z.enum(["enforce", "log", "skip"]).optional(),
    })
    .optional(),
  verifyTimestamp: z.enum(["always", "afterCertExpiry"]).optional(),
});

/**
 * A trust policy statement as notation writes it, with certificates given inline in `roots` as a
 * second way beside `trustStores`.
 * @see
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#trust-policy
 */
export const trustPolicySchema = z
  .strictObject({
    name: z.string().min(1).optional(),
    registryScopes: z.array(z.string()).min(1).default(["*"]),
    signatureVerification: verificationSchema,
    trustStores: z.array(storeSchema).optional(),
    roots: z
      .strictObject({ ca: rootsSchema, signingAuthority: rootsSchema, tsa: rootsSchema })
      .optional(),
    trustedIdentities: z.array(z.string()).default([]),
  })
  .check((context) => {
    const report = (message: string, ...path: PropertyKey[]) =>
      context.issues.push({ code: "custom", input: context.value, message, path });
    checkScopes(context.value, report);
    checkLevel(context.value, report);
    checkIdentities(context.value.trustedIdentities, report);
  });

export type TrustPolicy = z.infer<typeof trustPolicySchema>;
export type TrustPolicyInput = z.input<typeof trustPolicySchema>;

type Report = (message: string, ...path: PropertyKey[]) => void;

function checkScopes({ registryScopes }: TrustPolicy, report: Report): void {
  if (registryScopes.length > 1 && registryScopes.includes("*"))
    report(`"*" stands alone; remove the other scopes or "*"`, "registryScopes");
  registryScopes.forEach((scope, index) => {
    if (registryScopes.indexOf(scope) !== index)
      report(`the scope "${scope}" is there twice`, "registryScopes", index);
    if (
      scope !== "*" &&
      (scope.includes("*") || !locationSchema.safeParse(scope).success) &&
      !LOCAL_SCOPE.test(scope)
    ) {
      report(
        `"${scope}" is not a scope: write registry.example/repository without tag and wildcard, oci:path, or "*" alone`,
        "registryScopes",
        index,
      );
    }
  });
}

/** Notation names OCI layouts by a made-up `local/name`, which is no location here. */
const LOCAL_SCOPE = /^[a-zA-Z0-9-]+\/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;

function checkLevel(policy: TrustPolicy, report: Report): void {
  const { level, override } = policy.signatureVerification;
  const roots = Object.values(policy.roots ?? {}).flat();
  const stores = policy.trustStores ?? [];
  if (level === "skip") {
    if (override !== undefined && Object.keys(override).length > 0)
      report(`level "skip" cannot be overridden`, "signatureVerification", "override");
    if (stores.length > 0) report(`level "skip" takes no trust stores`, "trustStores");
    if (roots.length > 0) report(`level "skip" takes no roots`, "roots");
    if (policy.trustedIdentities.length > 0)
      report(`level "skip" takes no trusted identities`, "trustedIdentities");
    if (policy.registryScopes.includes("*"))
      report(`level "skip" must name the repositories that it is for, not "*"`, "registryScopes");
    return;
  }
  const signers = [
    ...stores.filter((store) => !store.startsWith("tsa:")),
    ...(policy.roots?.ca ?? []),
    ...(policy.roots?.signingAuthority ?? []),
  ];
  if (signers.length === 0) {
    report(
      "who signs must be trusted through a ca or signingAuthority: give roots, or trustStores",
      stores.length > 0 ? "trustStores" : "roots",
    );
  }
  if (policy.trustedIdentities.length === 0)
    report(
      `name at least one identity as "x509.subject: C=…, ST=…, O=…", or "*" for any`,
      "trustedIdentities",
    );
}

const SUBJECT = "x509.subject:";

function checkIdentities(identities: readonly string[], report: Report): void {
  if (identities.length > 1 && identities.includes("*"))
    report(`"*" stands alone; remove the other identities or "*"`, "trustedIdentities");
  const names = identities.map((identity, index) => {
    if (identity === "*") return undefined;
    if (!identity.startsWith(SUBJECT)) {
      report(
        `"${identity}" is not an identity: write "x509.subject: C=…, ST=…, O=…"`,
        "trustedIdentities",
        index,
      );
      return undefined;
    }
    try {
      return parseIdentityName(identity.slice(SUBJECT.length));
    } catch (error) {
      report((error as Error).message, "trustedIdentities", index);
      return undefined;
    }
  });
  names.forEach((name, index) => {
    if (name === undefined) return;
    const other = names.findIndex(
      (candidate, at) => at !== index && candidate !== undefined && isSubsetName(candidate, name),
    );
    if (other !== -1)
      report(
        `"${identities[index]}" overlaps with "${identities[other]}"; keep the wider one`,
        "trustedIdentities",
        index,
      );
  });
}

/** The identities as names, or "any". The policy has passed its schema. */
export function trustedNames(policy: TrustPolicy): "any" | ReturnType<typeof parseIdentityName>[] {
  return policy.trustedIdentities.includes("*")
    ? "any"
    : policy.trustedIdentities.map((identity) => parseIdentityName(identity.slice(SUBJECT.length)));
}

/** What each check does under a policy: its level, and the overrides. */
export function actionsOf({
  signatureVerification: { level, override },
}: TrustPolicy): Record<CheckName, Action> {
  const overridden = Object.fromEntries(
    Object.entries(override ?? {}).filter(([, action]) => action !== undefined),
  );
  return { ...LEVELS[level], ...overridden };
}

/**
 * Validates a policy.
 * @param path where it stands among the arguments
 * @throws ConsignError `TRUST_POLICY_INVALID` with the path of the first thing that is wrong
 */
export function parseTrustPolicy(value: unknown, path = ""): TrustPolicy {
  const parsed = trustPolicySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = [path, formatPath(issue?.path ?? [])].filter((part) => part !== "").join(".");
  throw new ConsignError(
    "TRUST_POLICY_INVALID",
    `the trust policy is not valid${at === "" ? "" : ` at ${at}`}: ${issue?.message}`,
    { path: at || undefined },
  );
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number"
        ? `${text}[${key}]`
        : text === ""
          ? String(key)
          : `${text}.${String(key)}`,
    "",
  );
}

/**
 * Whether a policy speaks about a repository: `host[:port]/repository` or `oci:path`, compared
 * exactly.
 */
export function appliesTo(
  { registryScopes }: { readonly registryScopes: readonly string[] },
  scope: string,
): "exactly" | "generally" | "no" {
  if (registryScopes.includes(scope)) return "exactly";
  return registryScopes.includes("*") ? "generally" : "no";
}

/**
 * The one statement that applies to a repository; one that names it goes before one for "*". One
 * that names it in other letters must not give way to the one for "*", which may ask for less.
 * @throws ConsignError `TRUST_POLICY_NOT_APPLICABLE`
 */
export function applicablePolicy<P extends { readonly registryScopes: readonly string[] }>(
  policies: readonly P[],
  scope: string,
): P {
  const exactly = policies.find((policy) => appliesTo(policy, scope) === "exactly");
  if (exactly !== undefined) return exactly;
  const alias = policies
    .flatMap(({ registryScopes }) => registryScopes)
    .find((each) => each !== "*" && sameRepository(each, scope));
  if (alias !== undefined)
    throw new ConsignError(
      "TRUST_POLICY_NOT_APPLICABLE",
      `the trust policy has ${scope} under another name, ${alias}, and scopes are compared letter by letter: write one as the other`,
      { reference: scope },
    );
  const found = policies.find((policy) => appliesTo(policy, scope) === "generally");
  if (found !== undefined) return found;
  const message = `no trust policy applies to ${scope}: add it to a policy's registryScopes, or use "*"`;
  throw new ConsignError("TRUST_POLICY_NOT_APPLICABLE", message, { reference: scope });
}

const DOCKER_HUB = /^(?:index\.|registry-1\.)?docker\.io$/;

/** Whether two scopes are two names of one place, as far as the names tell. */
function sameRepository(one: string, two: string): boolean {
  return place(one) === place(two);
}

function place(scope: string): string {
  if (scope.startsWith("oci:")) return `oci:${normalize(scope.slice(4)).replace(/[/\\]+$/, "")}`;
  const slash = scope.indexOf("/");
  const host = scope
    .slice(0, slash)
    .toLowerCase()
    .replace(/:0*(?:80|443)$/, "")
    .replace(/\.$/, "");
  const name = scope.slice(slash + 1);
  return DOCKER_HUB.test(host) ? `docker.io/${name.replace(/^library\//, "")}` : `${host}/${name}`;
}
