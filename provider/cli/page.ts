// SPDX-License-Identifier: Apache-2.0
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConsignError } from "../errors";
import type { Digest } from "../oci/digest";
import { parseReference } from "../oci/reference";
import { renderHtml, type HtmlOptions } from "../report/html/html";
import type { ObservedArtifact } from "../report/observation";
import { parseRetention, type Retention } from "../report/timeline";
import type { Flags } from "./command-line";
import { readJsonFile } from "./json-file";
import type { World } from "./world";

/** An artifact at a place that may have a name. */
export interface Placed {
  observed: ObservedArtifact;
  label?: string | undefined;
}

/**
 * Writes a page, whole. @throws ConsignError `INPUT_INVALID`, and what {@link retentionFrom} throws
 */
export async function writePage(
  file: string,
  places: readonly Placed[],
  options: Pick<HtmlOptions, "title" | "first">,
  flags: Flags,
  world: World,
): Promise<void> {
  const retention = await retentionFrom(flags, world);
  const page = renderHtml(
    places.map(({ observed }) => observed),
    { ...options, labels: places.map(({ label }) => label), retention, now: world.now },
  );
  try {
    await writeFile(resolve(world.cwd, file), page);
  } catch (cause) {
    throw new ConsignError(
      "INPUT_INVALID",
      `--html ${file} cannot be written: ${(cause as Error).message}`,
      { cause },
    );
  }
  world.tell(`consign: wrote ${file}`);
}

/** @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `INPUT_INVALID` */
export async function retentionFrom(
  { retention }: Flags,
  { cwd }: World,
): Promise<Map<Digest, Retention>> {
  return retention === undefined
    ? new Map()
    : parseRetention(await readJsonFile(cwd, retention, "INPUT_INVALID"));
}

/** What people call an artifact: the last part of its repository, and its tag. */
export function nameOf(reference: string): string {
  const { location, tag } = parseReference(reference);
  const path = location.kind === "layout" ? location.path : location.repository;
  const name = path.replace(/\/+$/, "").split("/").at(-1) ?? path;
  return tag === undefined ? name : `${name}:${tag}`;
}
