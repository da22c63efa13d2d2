// SPDX-License-Identifier: Apache-2.0
import path from "node:path";
import { z } from "zod";
import { effectiveClaims, evaluateRequirements, gatherClaims, type LifecycleIssuers, type Requirements } from "../claims";
import type { ReadStore } from "../content/storage";
import { notationConfigDir, policyFromNotation, resolveTrustPolicy, trustPolicySchema, verifyArtifact, type ResolvedTrustPolicy } from "../notation";
import type { Descriptor } from "../oci/descriptor";
import { digestSchema } from "../oci/digest";
import { at, type ResourceContext } from "./context";

/** A trust policy statement given outright, or the one that applies in a notation configuration directory. */
export const trustSchema = z.union([trustPolicySchema, z.strictObject({ notationConfig: z.string().min(1) })]);
export type Trust = z.infer<typeof trustSchema>;

/** `notationConfig: "default"` is notation's own directory. @throws ConsignError `TRUST_*`, `FILE_*`, under `trust` */
export async function openTrust(trust: Trust, scope: string, context: ResourceContext): Promise<ResolvedTrustPolicy> {
  return at("trust", async () => {
    if (!("notationConfig" in trust)) return resolveTrustPolicy(trust, { baseDir: context.baseDir });
    const directory = trust.notationConfig === "default" ? notationConfigDir() : path.resolve(context.baseDir, trust.notationConfig);
    return resolveTrustPolicy(await policyFromNotation(directory, scope), { baseDir: context.baseDir, notationConfigDir: directory });
  });
}

/** Why an artifact may be used, or not. Holds no time of its own, so that the same world gives the same verdict tomorrow. */
export const verdictSchema = z.object({
  verified: z.boolean(),
  digest: digestSchema.optional(),
  signature: z.string(),
  requirements: z.record(z.string(), z.string()),
  warnings: z.array(z.string()).optional(),
});
export type Verdict = z.infer<typeof verdictSchema>;

export interface JudgedClaimSummary {
  type: string;
  issuer?: string;
  status: string;
  by?: string;
}

export interface Judgement {
  verdict: Verdict;
  /** By digest. */
  claims: Record<string, JudgedClaimSummary>;
}

export interface Question extends Requirements {
  precedence?: readonly string[] | undefined;
  lifecycleIssuers?: LifecycleIssuers | undefined;
}

/** Verifies signature and claims of an artifact. Bad is an answer; what cannot be told, because a store cannot be asked, is an error. */
export async function judge(store: ReadStore, artifact: Descriptor, trust: ResolvedTrustPolicy, question: Question, context: ResourceContext): Promise<Judgement> {
  const verifyContext = { now: context.now(), baseDir: context.baseDir, scope: store.name, revocation: context.revocation };
  const signature = await verifyArtifact(store, artifact, trust, verifyContext);
  const effective = effectiveClaims({
    subject: artifact.digest,
    now: verifyContext.now,
    claims: await gatherClaims(store, artifact, trust, verifyContext),
    precedence: question.precedence,
    lifecycleIssuers: question.lifecycleIssuers,
  });
  const results = evaluateRequirements(question, effective, verifyContext.now);
  const warnings = results.flatMap(({ warning }) => (warning === undefined ? [] : [warning]));
  return {
    verdict: {
      verified: signature.outcome === "verified" && results.every(({ met }) => met),
      digest: artifact.digest,
      signature: signature.outcome === "verified" ? `verified, by ${signature.signer?.subject ?? "a trusted signer"}` : `${signature.outcome}: ${signature.reason ?? ""} [${signature.code ?? "SIGNATURE_INVALID"}]`,
      requirements: Object.fromEntries(results.map(({ path: where, requirement, met, reason }) => [`${where}: ${requirement}`, met ? "met" : `unmet: ${reason}`])),
      ...(warnings.length === 0 ? {} : { warnings }),
    },
    claims: Object.fromEntries(
      effective.claims.map(({ digest, type, issuer, status, by }) => [
        digest,
        { type: type ?? "unknown", ...(issuer === undefined ? {} : { issuer }), status, ...(by === undefined ? {} : { by }) },
      ]),
    ),
  };
}

/** What is not met, one line each. */
export function unmet(verdict: Verdict): string[] {
  const requirements = Object.entries(verdict.requirements).filter(([, answer]) => answer !== "met");
  return [...(verdict.signature.startsWith("verified") ? [] : [`signature ${verdict.signature}`]), ...requirements.map(([requirement, answer]) => `${requirement}: ${answer}`)];
}
