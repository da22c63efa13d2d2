// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import {
  OciLayout,
  RegistryClient,
  formatLocation,
  isSignature,
  observeArtifact,
  parseReference,
  renderTree,
  resolveTrustPolicy,
  trustPolicySchema,
  type Digest,
  type Location,
  type Store,
} from "pulumi-consign/provider";

/**
 * Opens what an example calls a registry: a real one, or an OCI image layout in the example's
 * folder.
 */
async function open(
  folder: string,
  location: Location,
  registries: RegistryClient,
): Promise<Store> {
  if (location.kind === "registry")
    return registries.repository(location.registry, location.repository);
  return OciLayout.open(resolve(folder, location.path), { name: formatLocation(location) });
}

/**
 * Prints an artifact with its claims and signatures, and whether these are verified under the given
 * roots.
 */
export async function showTree(
  folder: string,
  reference: string,
  title: string,
  roots: readonly string[],
): Promise<void> {
  const { location, tag, digest } = parseReference(reference);
  const registries = new RegistryClient({ baseDir: folder });
  try {
    const store = await open(folder, location, registries);
    const policy = trustPolicySchema.parse({
      signatureVerification: { level: "strict" },
      roots: { ca: [...roots] },
      trustedIdentities: ["*"],
    });
    const trust = await resolveTrustPolicy(policy, { baseDir: folder });
    const observed = await observeArtifact(store, await store.resolve(digest ?? tag ?? ""), {
      trust,
      now: new Date(),
      baseDir: folder,
      scope: store.name,
    });
    process.stdout.write(
      `${renderTree(observed, { title, color: process.stdout.isTTY === true })}\n`,
    );
  } finally {
    await registries.close();
  }
}

/** Deletes a claim and what signs it, as somebody might who knows nothing of Pulumi. */
export async function deleteClaim(folder: string, reference: string): Promise<void> {
  await inRepository(folder, reference, deleteWithReferrers);
}

async function inRepository(
  folder: string,
  reference: string,
  work: (store: Store, digest: Digest) => Promise<void>,
): Promise<void> {
  const { location, digest } = parseReference(reference);
  if (digest === undefined) throw new Error(`${reference} has no digest`);
  const registries = new RegistryClient({ baseDir: folder });
  try {
    await work(await open(folder, location, registries), digest);
  } finally {
    await registries.close();
  }
}

async function deleteWithReferrers(store: Store, digest: Digest): Promise<void> {
  for (const referrer of await store.referrers(digest))
    await deleteWithReferrers(store, referrer.digest);
  await store.deleteManifest(await store.resolve(digest));
}

/** Deletes the signatures of an artifact or a claim and leaves the thing itself. */
export async function stripSignatures(folder: string, reference: string): Promise<void> {
  await inRepository(folder, reference, async (store, digest) => {
    for (const referrer of await store.referrers(digest))
      if (isSignature(referrer)) await deleteWithReferrers(store, referrer.digest);
  });
}

/** Points a tag of the same repository at something else. */
export async function moveTag(folder: string, reference: string, tag: string): Promise<void> {
  await inRepository(folder, reference, async (store, digest) =>
    store.tag(await store.manifest(await store.resolve(digest)), tag),
  );
}
