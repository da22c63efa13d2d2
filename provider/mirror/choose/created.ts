// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import type { ReadStore } from "../../content/storage";
import { readSmall } from "../../content/verify";
import { isConsignError } from "../../errors";
import { ANNOTATIONS } from "../../oci/annotations";
import type { Descriptor } from "../../oci/descriptor";
import type { Manifest } from "../../oci/manifest";
import { MEDIA_TYPES, isManifestType } from "../../oci/media-types";
import type { TakesChild } from "./platforms";

const MAX_CONFIG = 4 * 1024 * 1024;
const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
const configSchema = z.looseObject({ created: z.string().optional() });

/**
 * When an artifact says it was created, in milliseconds since 1970: its annotation
 * `org.opencontainers.image.created`, else its image configuration; an index says what the first of
 * its images says that is taken and there. undefined where nothing says it.
 * @see
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
export async function createdAt(
  store: ReadStore,
  target: Descriptor | undefined,
  takes: TakesChild,
  depth = 0,
): Promise<number | undefined> {
  if (target === undefined || depth > 2) return undefined;
  const manifest = await store.manifest(target);
  const annotated = parse(manifest.value.annotations?.[ANNOTATIONS.created]);
  if (annotated !== undefined) return annotated;
  if (manifest.kind === "index") return createdBelow(store, manifest, takes, depth);
  const { config } = manifest.value;
  if (config.mediaType !== MEDIA_TYPES.config && config.mediaType !== DOCKER_CONFIG)
    return undefined;
  const parsed = configSchema.safeParse(json(await readSmall(store, config, MAX_CONFIG)));
  return parsed.success ? parse(parsed.data.created) : undefined;
}

/**
 * As {@link createdAt}, asked of the first of several places that has it. Where none does and one
 * could not be asked it counts as new, so that it stays.
 */
export async function createdAtPlaces(
  places: readonly (() => Promise<ReadStore>)[],
  target: Descriptor,
  takes: TakesChild,
): Promise<number | undefined> {
  let isUncertain = false;
  for (const open of places) {
    try {
      return await createdAt(await open(), target, takes);
    } catch (error) {
      if (!isConsignError(error)) throw error;
      isUncertain ||= !isConsignError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN");
    }
  }
  return isUncertain ? Number.POSITIVE_INFINITY : undefined;
}

async function createdBelow(
  store: ReadStore,
  index: Extract<Manifest, { kind: "index" }>,
  takes: TakesChild,
  depth: number,
): Promise<number | undefined> {
  for (const child of index.value.manifests) {
    if (!isManifestType(child.mediaType) || !takes(child, index)) continue;
    try {
      return await createdAt(store, child, takes, depth + 1);
    } catch (error) {
      // Where the store is a sparse mirror itself, the next one may be there.
      if (!isConsignError(error, "MANIFEST_UNKNOWN")) throw error;
    }
  }
  return undefined;
}

function parse(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
