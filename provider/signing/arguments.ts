// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { durationSchema, parseDuration } from "../claims/index";
import { ConsignError } from "../errors";
import { parseCertificate, type Certificate, type SignatureForm } from "../notation/index";
import { readCertificates, readInput } from "../notation/sign/signer";
import { annotationsSchema, type Annotations } from "../oci/descriptor";
import { argumentPath, at, type ResourceContext } from "../world/context";
import type { OwnSignature } from "./own-signatures";
import type { Properties } from "../world/reconciler";
import { signerSchema } from "./signer";

const timestampSchema = z.strictObject({
  url: z.url({
    protocol: /^https?$/,
    error: "must be the http or https address of a timestamp authority",
  }),
  roots: z.array(z.string().min(1)).min(1).max(20).optional(),
});

const metadataSchema = annotationsSchema.refine(
  (metadata) => !Object.keys(metadata).some((key) => key.startsWith("io.cncf.notary")),
  {
    error: "names that begin with io.cncf.notary are the Notary Project's own",
  },
);

/** The arguments about signing, the same for every kind that signs. */
export const signingShape = {
  signer: signerSchema,
  /** How long a signature holds. */
  validFor: durationSchema.optional(),
  /** How long before its end a signature is made anew. */
  renewBefore: durationSchema.optional(),
  timestamp: timestampSchema.optional(),
  userMetadata: metadataSchema.optional(),
  /**
   * Asked for only where it is given: what is there already in the other form is good otherwise.
   */
  signatureForm: z.enum(["current", "legacy"]).optional(),
};

const signingSchema = z.object(signingShape);
export type SigningArguments = z.infer<typeof signingSchema>;

/** What is wrong with the arguments as a whole. @throws ConsignError `INPUT_INVALID` */
export function checkSigningArguments({
  validFor,
  renewBefore,
  timestamp,
}: Partial<SigningArguments>): void {
  // Not in the schema, by which states of old are read as well.
  if (timestamp !== undefined && hasUserInfo(timestamp.url)) {
    throw new ConsignError(
      "INPUT_INVALID",
      "must have no user name or password: it would be recorded as it is; use an authority that asks for none",
      { path: "timestamp.url" },
    );
  }
  if (
    validFor === undefined ||
    renewBefore === undefined ||
    parseDuration(renewBefore) < parseDuration(validFor)
  )
    return;
  throw new ConsignError(
    "INPUT_INVALID",
    `renewBefore (${renewBefore}) must be shorter than validFor (${validFor}), or every run signs again`,
    { path: "renewBefore" },
  );
}

function hasUserInfo(text: string): boolean {
  const { username, password } = new URL(text);
  return username !== "" || password !== "";
}

/**
 * The roots of the timestamp authority: PEM text or paths. @throws ConsignError `FILE_*`,
 * `CERTIFICATE_INVALID` at `timestamp.roots[i]`
 */
export async function timestampRoots(
  timestamp: SigningArguments["timestamp"],
  context: ResourceContext,
): Promise<Certificate[]> {
  const roots: Certificate[] = [];
  for (const [index, root] of (timestamp?.roots ?? []).entries()) {
    const property = `timestamp.roots[${index}]`;
    const bytes = root.includes("-----BEGIN")
      ? Buffer.from(root)
      : await readInput(await argumentPath(context, root, property), property);
    roots.push(...(await at(property, () => readCertificates(bytes).map(parseCertificate))));
  }
  return roots;
}

/** What a signature has to have beyond being valid. */
export interface Wanted {
  lifetimeMs?: number | undefined;
  /** It must not end by itself: an argument that asked for an end was taken away. */
  endless: boolean;
  userMetadata?: Annotations | undefined;
  timestamped: boolean;
  form?: SignatureForm | undefined;
}

/**
 * `previous`: the recorded properties, if what was asked for then and no longer is must go from the
 * signature.
 */
export function wantedSignature(
  { validFor, userMetadata, timestamp, signatureForm }: SigningArguments,
  previous?: Properties,
): Wanted {
  const withdrawn = (name: "validFor" | "userMetadata") => previous?.[name] !== undefined;
  return {
    lifetimeMs: validFor === undefined ? undefined : parseDuration(validFor),
    endless: validFor === undefined && withdrawn("validFor"),
    userMetadata: userMetadata ?? (withdrawn("userMetadata") ? {} : undefined),
    timestamped: timestamp !== undefined,
    form: signatureForm,
  };
}

/**
 * An expiry is written in whole seconds, and a signing service may count from a clock of its own.
 */
const LIFETIME_TOLERANCE_MS = 60_000;

/**
 * Why a valid signature is not the wanted one; empty if it is. The form is last, as it can be
 * changed without signing again.
 */
export function shortcomings(
  signature: OwnSignature,
  wanted: Wanted,
): ("validFor" | "userMetadata" | "timestamp" | "signatureForm")[] {
  const { lifetimeMs } = wanted;
  const wrongEnd =
    lifetimeMs === undefined
      ? wanted.endless && signature.expiresAt !== undefined
      : Math.abs((signature.lifetimeMs ?? Infinity) - lifetimeMs) > LIFETIME_TOLERANCE_MS;
  const wrongMetadata =
    wanted.userMetadata !== undefined &&
    !isDeepStrictEqual({ ...signature.userMetadata }, { ...wanted.userMetadata });
  return [
    ...(wrongEnd ? (["validFor"] as const) : []),
    ...(wrongMetadata ? (["userMetadata"] as const) : []),
    ...(wanted.timestamped && signature.timestamp === "none" ? (["timestamp"] as const) : []),
    ...(wanted.form !== undefined && wanted.form !== signature.form
      ? (["signatureForm"] as const)
      : []),
  ];
}
