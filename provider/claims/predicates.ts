// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";

/** RFC 3339, with `Z` or an offset. */
export const timestampSchema = z.iso.datetime({
  offset: true,
  message: "must be an RFC 3339 time, as 2026-01-31T12:00:00Z",
});

const digestSetSchema = z.record(z.string().min(1), z.string().min(1));

/** @see https://github.com/in-toto/attestation/blob/v1.1.1/spec/v1/resource_descriptor.md */
export const resourceDescriptorSchema = z.looseObject({
  name: z.string().optional(),
  uri: z.string().optional(),
  digest: digestSetSchema.optional(),
  downloadLocation: z.string().optional(),
  mediaType: z.string().optional(),
});

/**
 * @see https://spdx.github.io/spdx-spec/v2.3/document-creation-information/ (2.x),
 * https://spdx.github.io/spdx-spec/v3.0.1/serializations/ (3.x)
 */
export const spdxSchema = z.union([
  z.looseObject({
    spdxVersion: z.string().startsWith("SPDX-"),
    SPDXID: z.string(),
    name: z.string(),
  }),
  z.looseObject({
    "@context": z.unknown().refine((value) => value !== undefined, "is required"),
    "@graph": z.array(z.unknown()),
  }),
]);

/** @see https://cyclonedx.org/docs/1.6/json/ */
export const cyclonedxSchema = z.looseObject({
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.string(),
});

/** @see https://slsa.dev/spec/v1.0/provenance */
export const provenanceSchema = z.looseObject({
  buildDefinition: z.looseObject({
    buildType: z.string().min(1),
    externalParameters: z.record(z.string(), z.unknown()),
    internalParameters: z.record(z.string(), z.unknown()).optional(),
    resolvedDependencies: z.array(resourceDescriptorSchema).optional(),
  }),
  runDetails: z.looseObject({
    builder: z.looseObject({ id: z.string().min(1) }),
    metadata: z
      .looseObject({
        invocationId: z.string().optional(),
        startedOn: timestampSchema.optional(),
        finishedOn: timestampSchema.optional(),
      })
      .optional(),
    byproducts: z.array(resourceDescriptorSchema).optional(),
  }),
});

/** @see https://github.com/in-toto/attestation/blob/v1.1.1/spec/predicates/vulns_02.md */
export const vulnerabilitiesSchema = z.looseObject({
  scanner: z.looseObject({
    uri: z.string().min(1),
    version: z.string().optional(),
    db: z.looseObject({
      uri: z.string().optional(),
      version: z.string().optional(),
      lastUpdate: timestampSchema,
    }),
    result: z.array(
      z.looseObject({
        id: z.string().min(1),
        severity: z.array(z.looseObject({ method: z.string(), score: z.string() })),
      }),
    ),
  }),
  metadata: z.looseObject({ scanStartedOn: timestampSchema, scanFinishedOn: timestampSchema }),
});

/** @see https://github.com/in-toto/attestation/blob/v1.1.1/spec/predicates/test-result.md */
export const testResultSchema = z.looseObject({
  result: z.enum(["PASSED", "WARNED", "FAILED"]),
  configuration: z.array(resourceDescriptorSchema),
  url: z.string().optional(),
  passedTests: z.array(z.string()).optional(),
  warnedTests: z.array(z.string()).optional(),
  failedTests: z.array(z.string()).optional(),
});

/** @see https://slsa.dev/spec/v1.0/verification_summary */
export const verificationSummarySchema = z.looseObject({
  verifier: z.looseObject({ id: z.string().min(1) }),
  timeVerified: timestampSchema.optional(),
  resourceUri: z.string().min(1),
  policy: resourceDescriptorSchema,
  inputAttestations: z.array(resourceDescriptorSchema).optional(),
  verificationResult: z.enum(["PASSED", "FAILED"]),
  verifiedLevels: z.array(z.string()),
  dependencyLevels: z.record(z.string(), z.number().int().nonnegative()).optional(),
  slsaVersion: z.string().optional(),
});

const vexComponentSchema = z.looseObject({
  "@id": z.string().optional(),
  identifiers: z.record(z.string(), z.string()).optional(),
});

/** The five reasons OpenVEX knows for not being affected. */
export const VEX_JUSTIFICATIONS = [
  "component_not_present",
  "vulnerable_code_not_present",
  "vulnerable_code_not_in_execute_path",
  "vulnerable_code_cannot_be_controlled_by_adversary",
  "inline_mitigations_already_exist",
] as const;

const vexStatementSchema = z
  .looseObject({
    "@id": z.string().optional(),
    vulnerability: z.union([z.string().min(1), z.looseObject({ name: z.string().min(1) })]),
    products: z
      .array(vexComponentSchema.extend({ subcomponents: z.array(vexComponentSchema).optional() }))
      .optional(),
    status: z.enum(["not_affected", "affected", "fixed", "under_investigation"]),
    justification: z.enum(VEX_JUSTIFICATIONS).optional(),
    impact_statement: z.string().optional(),
    action_statement: z.string().optional(),
    timestamp: timestampSchema.optional(),
  })
  .refine(
    (s) =>
      s.status !== "not_affected" ||
      s.justification !== undefined ||
      s.impact_statement !== undefined,
    {
      message: "not_affected needs a justification or an impact_statement",
    },
  )
  .refine((s) => s.status !== "affected" || s.action_statement !== undefined, {
    message: "affected needs an action_statement",
  });

/** @see https://github.com/openvex/spec/blob/v0.2.0/OPENVEX-SPEC.md */
export const vexSchema = z.looseObject({
  "@context": z.string().startsWith("https://openvex.dev/ns"),
  "@id": z.string().min(1),
  author: z.string().min(1),
  timestamp: timestampSchema,
  version: z.number().int().positive(),
  statements: z.array(vexStatementSchema).min(1).max(100_000),
});
export type VexDocument = z.infer<typeof vexSchema>;
export type VexStatement = z.infer<typeof vexStatementSchema>;
export type VerificationSummary = z.infer<typeof verificationSummarySchema>;
