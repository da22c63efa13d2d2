// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";

const name = z.string().regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/);
const quantities = z.partialRecord(z.enum(["cpu", "memory"]), z.string());
const reference = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("Literal"), literal: z.strictObject({ value: z.string() }) }),
  z.strictObject({
    type: z.literal("Secret"),
    secret: z.strictObject({ name, key: z.string().min(1) }),
  }),
]);

/**
 * The operator's `Stack`, as far as it is used here, written down from its documentation. The
 * operator's own schema (a CustomResourceDefinition) comes from no package registry, so this is a
 * check of names and types, not the operator's word.
 * @see https://github.com/pulumi/pulumi-kubernetes-operator/blob/v2.9.0/docs/stacks.md
 */
export const stackSchema = z.strictObject({
  apiVersion: z.literal("pulumi.com/v1"),
  kind: z.literal("Stack"),
  metadata: z.strictObject({
    name,
    namespace: name.optional(),
    labels: z.record(z.string(), z.string()),
  }),
  spec: z
    .strictObject({
      stack: z.string().min(1),
      backend: z.string().optional(),
      secretsProvider: z.string().optional(),
      projectRepo: z.string().optional(),
      commit: z.string().optional(),
      branch: z.string().optional(),
      repoDir: z.string().optional(),
      programRef: z.strictObject({ name }).optional(),
      config: z.record(z.string(), z.unknown()).optional(),
      envRefs: z.record(z.string(), reference).optional(),
      serviceAccountName: name.optional(),
      refresh: z.boolean().optional(),
      preview: z.boolean().optional(),
      expectNoRefreshChanges: z.boolean().optional(),
      continueResyncOnCommitMatch: z.boolean().optional(),
      resyncFrequencySeconds: z.int().min(60).optional(),
      retryMaxBackoffDurationSeconds: z.int().optional(),
      destroyOnFinalize: z.boolean().optional(),
      prerequisites: z
        .array(
          z.strictObject({
            name,
            requirement: z.strictObject({ succeededWithinDuration: z.string() }).optional(),
          }),
        )
        .optional(),
      workspaceTemplate: z.strictObject({
        spec: z.strictObject({
          image: z.string(),
          securityProfile: z.enum(["baseline", "restricted"]),
          resources: z.strictObject({ requests: quantities, limits: quantities }),
        }),
      }),
    })
    .refine(
      ({ projectRepo, programRef }) => (projectRepo === undefined) !== (programRef === undefined),
      "one source",
    ),
});
