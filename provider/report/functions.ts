// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import {
  denyEntrySchema,
  followRedirectsSchema,
  issuersSchema,
  lifecycleIssuersSchema,
  readIssuers,
  requireEntrySchema,
  resolveType,
  sameType,
} from "../claims";
import { ConsignError } from "../errors";
import { openTrust, trustSchema } from "../notation";
import type { Annotations, Descriptor } from "../oci/descriptor";
import { artifactTypeOf } from "../oci/manifest";
import { formatLocation, parseReference } from "../oci/reference";
import { parseRegistriesSettings } from "../registry";
import { readArguments } from "./arguments";
import { verifyFollowing, type Verified } from "./following";
import { Inspector } from "./inspector";
import type { ClaimReport } from "./observation";
import { verificationOf, type VerificationReport } from "./verification";

/** Where a question is asked from. */
export interface Asking {
  /** As the stack configuration `consign:registries` has them. */
  registries?: unknown;
  /** What relative paths are relative to. */
  baseDir: string;
  now: Date;
}

export interface ArtifactAnswer {
  /** `repository@sha256:…` */
  reference: string;
  descriptor: Descriptor;
  artifactType?: string;
  annotations: Annotations;
}

/** `reference` is there only if the artifact is verified. */
export type VerificationAnswer = Omit<VerificationReport, "reference"> & { reference?: string };

export type ClaimAnswer = Omit<ClaimReport, "signatures" | "claims" | "related">;

const precedenceSchema = issuersSchema.optional();

const getArtifactSchema = z.strictObject({ reference: z.string() });
const getClaimsSchema = z.strictObject({
  artifact: z.string(),
  trust: trustSchema.optional(),
  types: z.array(z.string()).max(100).optional(),
  precedence: precedenceSchema,
});
const verifySchema = z.strictObject({
  artifact: z.string(),
  trust: trustSchema,
  require: z.array(requireEntrySchema).max(100).optional(),
  deny: z.array(denyEntrySchema).max(100).optional(),
  precedence: precedenceSchema,
  lifecycleIssuers: lifecycleIssuersSchema.optional(),
  followRedirects: followRedirectsSchema.optional(),
});

/**
 * What a reference names now. @throws ConsignError `INPUT_INVALID`, `REFERENCE_INVALID`,
 * `MANIFEST_UNKNOWN`, `REGISTRY_*`
 */
export async function askArtifact(args: unknown, asking: Asking): Promise<ArtifactAnswer> {
  const { reference } = readArguments(getArtifactSchema, args);
  return inspecting(asking, async (inspector) => {
    const { store, descriptor, scope } = await inspector.locate(reference);
    const manifest = await store.manifest(descriptor);
    const artifactType = artifactTypeOf(manifest);
    return {
      reference: `${scope}@${descriptor.digest}`,
      descriptor,
      ...(artifactType === undefined ? {} : { artifactType }),
      annotations: manifest.value.annotations ?? {},
    };
  });
}

/**
 * The claims about an artifact, sorted by type, time and digest; without `trust` none of them is
 * effective.
 * @throws ConsignError as {@link askArtifact}, and `TRUST_*`
 */
export async function askClaims(args: unknown, asking: Asking): Promise<ClaimAnswer[]> {
  const { artifact, trust, types, precedence } = readArguments(getClaimsSchema, args);
  const wanted = types?.map(resolveType);
  const observed = await inspecting(asking, async (inspector) =>
    inspector.observe(artifact, {
      trust:
        trust === undefined ? undefined : await openTrust(trust, scopeOf(artifact), asking.baseDir),
      now: asking.now,
      extent: "verdict",
      ...(await readIssuers({ precedence }, asking.baseDir)),
    }),
  );
  return observed.claims
    .filter(
      ({ type }) =>
        wanted === undefined || (type !== undefined && wanted.some((each) => sameType(each, type))),
    )
    .map(({ signatures: _signatures, claims: _claims, related: _related, ...claim }) => claim);
}

/**
 * Whether an artifact may be used. A no is an answer, not an error.
 * @throws ConsignError as {@link askArtifact}, `TRUST_*`, and what leaves it unknown because nobody
 * could be asked
 */
export async function askVerification(args: unknown, asking: Asking): Promise<VerificationAnswer> {
  const { artifact, trust, precedence, lifecycleIssuers, followRedirects, ...requirements } =
    readArguments(verifySchema, args);
  const issuers = await readIssuers({ precedence, lifecycleIssuers }, asking.baseDir);
  const { verification } = await inspecting(asking, async (inspector) => {
    const look = async (reference: string): Promise<Verified> => {
      const opened = await openTrust(trust, scopeOf(reference), asking.baseDir);
      const observed = await inspector.observe(reference, {
        trust: opened,
        now: asking.now,
        extent: "verdict",
        ...issuers,
      });
      const report = verificationOf(observed, requirements, asking.now);
      if (report === undefined)
        throw new ConsignError("INTERNAL", "verified without a trust policy");
      return { observed, verification: report };
    };
    return followRedirects === "verify"
      ? verifyFollowing(inspector, artifact, look)
      : look(artifact);
  });
  const { reference, ...answer } = verification;
  return answer.verified === "yes" ? { ...answer, reference } : answer;
}

const scopeOf = (artifact: string): string => formatLocation(parseReference(artifact).location);

async function inspecting<T>(
  { registries, baseDir }: Asking,
  ask: (inspector: Inspector) => Promise<T>,
): Promise<T> {
  const inspector = new Inspector({
    registries: parseRegistriesSettings(registries, "consign:registries"),
    baseDir,
  });
  try {
    return await ask(inspector);
  } finally {
    await inspector.close();
  }
}
