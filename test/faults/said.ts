// SPDX-License-Identifier: Apache-2.0
// What a recorded state says is there, or is not, held against the registry.
import { z } from "zod";
import { recordedSignatures } from "../../provider/signing/signing";
import type { Properties } from "../../provider/world/reconciler";
import { HOST, type Place } from "./place";
import { holes, targetOf } from "./snapshot";

const repositoryOf = (location: string): string => location.replace(`${HOST}/`, "");

const mirrorSchema = z.object({
  plan: z.object({
    tags: z.record(z.string(), z.string()),
    artifacts: z.record(
      z.string(),
      z.object({ related: z.record(z.string(), z.string()).optional() }),
    ),
  }),
  status: z.record(z.string(), z.record(z.string(), z.string())),
});
const archiveSchema = z.object({
  archive: z.string(),
  sources: z.array(z.string()),
  entries: z.record(
    z.string(),
    z.object({
      state: z.string(),
      at: z.array(z.string()),
      inArchive: z.boolean().optional(),
    }),
  ),
});
const artifactSchema = z.object({
  repository: z.string(),
  digest: z.string(),
  content: z.string(),
  signature: z.string(),
  tagged: z.record(z.string(), z.string()),
});
const promotionSchema = z.object({
  to: z.string(),
  tag: z.string(),
  digest: z.string(),
  record: z.string().optional(),
});
const claimSchema = z.object({ reference: z.string(), digest: z.string() });

/** @returns what is said and not so, a line each */
export async function untrue(
  kind: string,
  outputs: Properties,
  succeeded: boolean,
  place: Place,
): Promise<string[]> {
  const lines: string[] = [];
  const whole = async (what: string, location: string, digest: string): Promise<void> => {
    const found = await holes(place, repositoryOf(location), digest);
    if (found.length > 0)
      lines.push(`${what}: ${location}@${digest} lacks ${found.length} (${found[0]})`);
  };
  const tagged = async (location: string, tag: string, digest: string): Promise<void> => {
    const now = await targetOf(place, repositoryOf(location), tag);
    if (now !== digest) lines.push(`tagged: ${location}:${tag} is ${now ?? "not there"}`);
  };
  const signed = async (location: string): Promise<void> => {
    for (const digest of recordedSignatures(outputs)) await whole("signed", location, digest);
  };
  if (Object.keys(outputs).length === 0) return lines;
  if (kind === "SignedArtifact") {
    const said = artifactSchema.parse(outputs);
    if (said.content === "complete") await whole("complete", said.repository, said.digest);
    if (said.signature === "valid") await signed(said.repository);
    if (succeeded)
      for (const [tag, digest] of Object.entries(said.tagged))
        await tagged(said.repository, tag, digest);
  } else if (kind === "Claim" && succeeded) {
    const said = claimSchema.parse(outputs);
    const location = said.reference.slice(0, said.reference.indexOf("@"));
    await whole("there", location, said.digest);
    await signed(location);
  } else if (kind === "Mirror" && succeeded) {
    const said = mirrorSchema.parse(outputs);
    for (const [destination, differing] of Object.entries(said.status)) {
      if (Object.keys(differing).length > 0) continue;
      for (const [tag, digest] of Object.entries(said.plan.tags))
        await tagged(destination, tag, digest);
      for (const [digest, { related = {} }] of Object.entries(said.plan.artifacts))
        for (const each of [digest, ...Object.keys(related)])
          await whole("mirrored", destination, each);
    }
  } else if (kind === "Promotion" && succeeded) {
    const said = promotionSchema.parse(outputs);
    await tagged(said.to, said.tag, said.digest);
    await whole("promoted", said.to, said.digest);
    if (said.record !== undefined) await whole("recorded", said.to, said.record);
  } else if (kind === "ArchivePolicy") await archiveSays(outputs, place, lines, whole);
  return lines;
}

async function archiveSays(
  outputs: Properties,
  place: Place,
  lines: string[],
  whole: (what: string, location: string, digest: string) => Promise<void>,
): Promise<void> {
  const said = archiveSchema.parse(outputs);
  for (const [digest, entry] of Object.entries(said.entries)) {
    if (entry.inArchive === true && ["archived", "held"].includes(entry.state))
      await whole(entry.state, said.archive, digest);
    if (
      entry.state === "purged" &&
      (await holes(place, repositoryOf(said.archive), digest))[0] !== digest
    )
      lines.push(`purged: ${said.archive}@${digest} is there`);
    for (const source of said.sources)
      if (
        entry.inArchive === true &&
        !entry.at.includes(source) &&
        (await holes(place, repositoryOf(source), digest))[0] !== digest
      )
        lines.push(`released: ${source}@${digest} is there`);
  }
}
