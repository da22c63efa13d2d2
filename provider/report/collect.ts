// SPDX-License-Identifier: Apache-2.0
import { foreignClaims } from "../claims";
import { absentMembers } from "../content/members";
import { manifestIfThere } from "../content/presence";
import type { ReadStore } from "../content/storage";
import { ConsignError, isConsignError } from "../errors";
import { plainDescriptor, type Descriptor } from "../oci/descriptor";
import { artifactTypeOf, type Manifest } from "../oci/manifest";
import { isAttestation } from "../oci/attestation";
import { isManifestType } from "../oci/media-types";
import { observeClaims, relatedAmong } from "./claims";
import type { ObservedArtifact, ObserveOptions } from "./observation";
import { loggedFailures, observeSignatures } from "./signatures";

/** Manifests of indexes that are looked at, over all levels. */
const MAX_MANIFESTS = 1_000;
const MAX_DEPTH = 8;

/**
 * Observes one artifact: its signatures, its claims with theirs, what else refers to it; who
 * signed, and what counts under a trust policy. Reads, never writes. The clock is the caller's. A
 * bad signature or claim is part of the answer, never an error.
 * @throws ConsignError `MANIFEST_UNKNOWN` if the artifact is not there;
 * `TRUST_POLICY_NOT_APPLICABLE`; `GRAPH_TOO_LARGE`, `GRAPH_TOO_DEEP`; whatever the store answers
 * when it cannot be asked
 */
export async function observeArtifact(
  store: ReadStore,
  root: Descriptor,
  o: ObserveOptions,
): Promise<ObservedArtifact> {
  return observe(store, root, o, { left: MAX_MANIFESTS }, 0);
}

async function observe(
  store: ReadStore,
  descriptor: Descriptor,
  o: ObserveOptions,
  budget: { left: number },
  depth: number,
): Promise<ObservedArtifact> {
  const { extent = "everything" } = o;
  const artifact = plainDescriptor(descriptor);
  const manifest =
    depth === 0 ? await manifestIfThere(store, artifact) : await store.manifest(artifact);
  const referrers = await store.referrers(artifact.digest);
  const { verdict, reports: signatures } = await observeSignatures(store, artifact, referrers, o);
  const findings = await observeClaims(store, artifact.digest, referrers, o);
  const { outcome, code, reason } = verdict;
  const said = {
    outcome,
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    warnings: loggedFailures(verdict.checks),
  };
  return {
    ...(manifest === undefined ? gone(store, artifact) : about(store, descriptor, manifest)),
    ...(depth === 0 && manifest?.kind === "index" ? await absentFrom(store, artifact) : {}),
    ...(o.trust === undefined ? {} : { policy: o.trust.name, verdict: said }),
    signatures,
    ...findings,
    foreign: extent !== "verdict" ? await foreignClaims(store, artifact) : [],
    related: relatedAmong(referrers),
    manifests:
      extent === "everything" && manifest !== undefined
        ? await observeMembers(store, manifest, o, budget, depth + 1)
        : [],
  };
}

/** What is claimed of content that was taken away is history, and is told. */
function gone(
  store: ReadStore,
  { digest, mediaType, size }: Descriptor,
): Pick<ObservedArtifact, "reference" | "digest" | "mediaType" | "size" | "problem"> {
  const reference = `${store.name}@${digest}`;
  const reason = `${reference} is not there any more; what refers to it still is`;
  return { reference, digest, mediaType, size, problem: { code: "MANIFEST_UNKNOWN", reason } };
}

async function absentFrom(
  store: ReadStore,
  artifact: Descriptor,
): Promise<Pick<ObservedArtifact, "absent">> {
  const { gone: members, all } = await absentMembers(store, artifact);
  if (members.length === 0) return {};
  return { absent: { digests: members.map(({ digest }) => digest), all } };
}

function about(store: ReadStore, descriptor: Descriptor, manifest: Manifest) {
  const { digest, mediaType, size } = manifest.descriptor;
  const { platform } = descriptor;
  const artifactType = artifactTypeOf(manifest);
  const { annotations } = manifest.value;
  return {
    reference: `${store.name}@${digest}`,
    digest,
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform === undefined
      ? {}
      : {
          platform: [platform.os, platform.architecture, platform.variant]
            .filter((part) => part !== undefined)
            .join("/"),
        }),
    size,
    ...(manifest.kind === "index"
      ? {}
      : {
          contentSize: [manifest.value.config, ...manifest.value.layers].reduce(
            (sum, blob) => sum + blob.size,
            0,
          ),
        }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

async function observeMembers(
  store: ReadStore,
  manifest: Manifest,
  o: ObserveOptions,
  budget: { left: number },
  depth: number,
): Promise<ObservedArtifact[]> {
  if (manifest.kind !== "index") return [];
  const members = manifest.value.manifests.filter(
    (member) => isManifestType(member.mediaType) && !isAttestation(member),
  );
  budget.left -= members.length;
  const name = `${store.name}@${manifest.descriptor.digest}`;
  if (budget.left < 0)
    throw new ConsignError(
      "GRAPH_TOO_LARGE",
      `more than ${MAX_MANIFESTS} manifests belong to ${name}`,
    );
  if (depth > MAX_DEPTH)
    throw new ConsignError("GRAPH_TOO_DEEP", `more than ${MAX_DEPTH} indexes lead to ${name}`);
  const observed: ObservedArtifact[] = [];
  for (const member of members) observed.push(await observeMember(store, member, o, budget, depth));
  return observed;
}

/**
 * An index may name manifests that were never copied here, and that hides nothing of the others.
 */
async function observeMember(
  store: ReadStore,
  member: Descriptor,
  o: ObserveOptions,
  budget: { left: number },
  depth: number,
): Promise<ObservedArtifact> {
  try {
    return await observe(store, member, o, budget, depth);
  } catch (error) {
    if (
      !isConsignError(
        error,
        "MANIFEST_UNKNOWN",
        "MANIFEST_INVALID",
        "MANIFEST_TOO_LARGE",
        "DIGEST_MISMATCH",
        "SIZE_MISMATCH",
      )
    )
      throw error;
    const { digest, mediaType, size } = member;
    const nothing = {
      signatures: [],
      claims: [],
      vex: [],
      foreign: [],
      related: [],
      manifests: [],
    };
    return {
      reference: `${store.name}@${digest}`,
      digest,
      mediaType,
      size,
      ...nothing,
      problem: { code: error.code, reason: error.message },
    };
  }
}
