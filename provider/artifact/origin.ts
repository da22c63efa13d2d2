// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { copy } from "../content/copy";
import {
  bytesBlob,
  fileBlob,
  packManifest,
  pushArtifact,
  type PackedArtifact,
} from "../content/pack";
import type { ReadStore, Store } from "../content/storage";
import { ConsignError } from "../errors";
import { ANNOTATIONS } from "../oci/annotations";
import { annotationsSchema, plainDescriptor, type Descriptor } from "../oci/descriptor";
import { MEDIA_TYPES, mediaTypeSchema } from "../oci/media-types";
import { parseReference, referenceSchema } from "../oci/reference";
import { argumentPath, at, type ResourceContext } from "../world/context";

const fileSchema = z.union([
  z.string().min(1),
  z.strictObject({
    path: z.string().min(1),
    mediaType: mediaTypeSchema.optional(),
    title: z.string().min(1).optional(),
    annotations: annotationsSchema.optional(),
  }),
]);

/** The arguments that say what an artifact is. */
export const originShape = {
  files: z.array(fileSchema).min(1).max(1000).optional(),
  layout: referenceSchema.optional(),
  from: referenceSchema.optional(),
  artifactType: mediaTypeSchema.optional(),
  annotations: annotationsSchema.optional(),
};
const originSchema = z.object(originShape);
type OriginArguments = z.infer<typeof originSchema>;

const WAYS = ["files", "layout", "from"] as const;

/** What is to be pushed: packed from files, or a graph that lies somewhere already. */
export type Origin =
  { packed: PackedArtifact; root: Descriptor } | { store: ReadStore; root: Descriptor };

/**
 * Whether the arguments tell everything about the origin already. @throws ConsignError
 * `INPUT_INVALID` if no way or more than one is given
 */
export function originKnown(known: OriginArguments, unknown: ReadonlySet<string>): boolean {
  const given = WAYS.filter((name) => known[name] !== undefined || unknown.has(name));
  if (given.length !== 1) {
    throw new ConsignError(
      "INPUT_INVALID",
      `give exactly one of files, layout and from; given are ${given.length === 0 ? "none" : given.join(" and ")}`,
      { path: given[1] ?? "files" },
    );
  }
  if (given[0] !== "files") {
    const misplaced = (["artifactType", "annotations"] as const).find(
      (name) => known[name] !== undefined,
    );
    if (misplaced !== undefined)
      throw new ConsignError(
        "INPUT_INVALID",
        `${misplaced} belongs to files; what a build wrote, or is pushed already, is taken as it is`,
        { path: misplaced },
      );
  }
  return !Object.keys(originShape).some((name) => unknown.has(name));
}

/**
 * @throws ConsignError `FILE_*`, `MANIFEST_UNKNOWN`, `INPUT_INVALID`, `LAYOUT_INVALID`,
 * `REGISTRY_*`, each with the property's path
 */
export async function openOrigin(args: OriginArguments, context: ResourceContext): Promise<Origin> {
  if (args.files !== undefined) {
    const packed = await packFiles(args, context);
    return { packed, root: plainDescriptor(packed.manifest.descriptor) };
  }
  const property = args.layout === undefined ? "from" : "layout";
  return at(property, async () => {
    const reference = parseReference(args.layout ?? args.from ?? "");
    if (property === "layout" && reference.location.kind !== "layout") {
      throw new ConsignError(
        "INPUT_INVALID",
        `"${args.layout}" is in a registry: give it as \`from\`; layout takes oci:path:tag`,
      );
    }
    const name = reference.digest ?? reference.tag;
    if (name === undefined)
      throw new ConsignError("INPUT_INVALID", "say which artifact is meant: add :tag or @digest");
    const store = await context.stores.open(reference.location);
    return { store, root: plainDescriptor(await store.resolve(name)) };
  });
}

async function packFiles(args: OriginArguments, context: ResourceContext): Promise<PackedArtifact> {
  const layers = [];
  for (const [index, file] of (args.files ?? []).entries()) {
    const { path, mediaType, title, annotations } =
      typeof file === "string" ? ({ path: file } as Exclude<typeof file, string>) : file;
    const property = `files[${index}]`;
    const resolved = await argumentPath(context, path, property);
    const name = title ?? path.split(/[\\/]/).at(-1) ?? path;
    layers.push(
      await at(property, () =>
        fileBlob(resolved, mediaType ?? MEDIA_TYPES.octetStream, {
          [ANNOTATIONS.title]: name,
          ...annotations,
        }),
      ),
    );
  }
  return packManifest({
    artifactType: args.artifactType ?? "application/vnd.dev.consign.artifact.v1",
    config: bytesBlob(new TextEncoder().encode("{}"), MEDIA_TYPES.empty),
    layers,
    ...(args.annotations === undefined ? {} : { annotations: args.annotations }),
  });
}

/**
 * Brings it to the store. `deep`: look into what is there already, and send what it lacks.
 * @returns whether it was not there before, or something of it
 */
export async function pushOrigin(
  origin: Origin,
  store: Store,
  deep: boolean,
): Promise<{ made: boolean; mended: boolean }> {
  if ("packed" in origin) {
    const { made, blobsPushed } = await pushArtifact(store, origin.packed, { deep });
    return { made, mended: blobsPushed > 0 };
  }
  const { root } = origin;
  let isMade = false;
  let mended = false;
  if (origin.store.name !== store.name)
    await copy(origin.store, store, root, {
      referrers: async () => [],
      deep,
      certain: true,
      prove: true,
      onProgress: (event) => {
        mended ||= event.kind !== "bytes" && event.action === "copied";
        isMade ||=
          event.kind === "manifest" &&
          event.action === "copied" &&
          event.descriptor.digest === root.digest;
      },
    });
  return { made: isMade, mended };
}
