// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { z } from "zod";
import { repositoryRoot } from "../harness/toolchain";

const propertiesSchema = z.record(z.string(), z.unknown());

const resourceSchema = z.strictObject({
  kind: z.enum(["SignedArtifact", "Claim", "Mirror", "Verification", "Promotion", "ArchivePolicy"]),
  /** What the program says. */
  args: propertiesSchema,
  id: z.string(),
  /** As the state has them. */
  inputs: propertiesSchema,
  outputs: propertiesSchema,
  /** Of what layouts hold, as {@link held} has it, what goes when the resource is removed. */
  removed: z.array(z.string()),
});
export type RecordedResource = z.infer<typeof resourceSchema>;

const sceneSchema = z.strictObject({
  /** The clock when the states were written. */
  at: z.iso.datetime(),
  /** Every file of the project's folder in base64: layouts, keys, certificates, what artifacts were made from. */
  files: z.record(z.string(), z.base64()),
  resources: z.record(z.string(), resourceSchema),
});
/** What a release recorded of some resources, and the world as they left it. */
export type RecordedScene = z.infer<typeof sceneSchema>;

export const stackSchema = z.strictObject({
  at: z.iso.datetime(),
  files: z.record(z.string(), z.base64()),
  /** What `pulumi stack export` wrote. */
  deployment: z.object({
    version: z.number(),
    deployment: z.looseObject({
      resources: z.array(
        z.looseObject({
          type: z.string(),
          inputs: propertiesSchema.optional(),
          outputs: propertiesSchema.optional(),
        }),
      ),
    }),
  }),
});
/** A stack as the real engine exported it. */
export type RecordedStack = z.infer<typeof stackSchema>;

const STATES = join(repositoryRoot, "test", "states");

/** Folders of the releases whose states are kept, oldest first. */
export function releases(): string[] {
  const folders = readdirSync(STATES, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return folders
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

export function scenesOf(release: string): string[] {
  return readdirSync(join(STATES, release))
    .filter((name) => name.endsWith(".json") && name !== "stack.json")
    .map((name) => name.slice(0, -".json".length))
    .sort();
}

export function readScene(release: string, scene: string): RecordedScene {
  return sceneSchema.parse(readJson(release, scene));
}

export function readStack(release: string): RecordedStack {
  return stackSchema.parse(readJson(release, "stack"));
}

function readJson(release: string, name: string): unknown {
  return JSON.parse(readFileSync(join(STATES, release, `${name}.json`), "utf8"));
}

/** What is there already is never written again: `EEXIST`. */
export function writeStates(
  release: string,
  name: string,
  states: RecordedScene | RecordedStack,
): void {
  mkdirSync(join(STATES, release), { recursive: true });
  writeFileSync(join(STATES, release, `${name}.json`), `${JSON.stringify(states, null, 1)}\n`, {
    flag: "wx",
  });
}

/** What a scene may have in its folder; an engine puts more there, as a link to installed packages. */
const PARTS = ["files", "keys", "places"];

/** Every file of a scene's folder, by its path with forward slashes. */
export function filesIn(folder: string): Record<string, string> {
  const found = PARTS.map((part) => join(folder, part)).filter((path) => existsSync(path));
  const files = found
    .flatMap((path) => readdirSync(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile());
  const named = files
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(folder, path).split(sep).join("/"), path] as const);
  return Object.fromEntries(
    named
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, path]) => [name, readFileSync(path).toString("base64")]),
  );
}

export function restoreFiles(files: Record<string, string>, folder: string): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, ...name.split("/"));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.from(content, "base64"), {
      mode: name.endsWith(".key") ? 0o600 : 0o644,
    });
  }
}

const indexSchema = z.object({
  manifests: z.array(
    z.object({ digest: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
  ),
});

/** What the layouts in a folder hold, sorted: `layout blob digest`, `layout manifest digest` and `layout tag name digest`. */
export function held(folder: string): string[] {
  const lines: string[] = [];
  const places = join(folder, "places");
  const paths = readdirSync(places, { recursive: true, encoding: "utf8" }).map((path) =>
    path.split(sep).join("/"),
  );
  for (const path of paths) {
    const blob = /^(.+)\/blobs\/sha256\/([0-9a-f]{64})$/.exec(path);
    if (blob !== null) lines.push(`${blob[1]} blob sha256:${blob[2]}`);
    if (!path.endsWith("/index.json")) continue;
    const index = indexSchema.parse(JSON.parse(readFileSync(join(places, path), "utf8")));
    for (const { digest, annotations } of index.manifests) {
      const tag = annotations?.["org.opencontainers.image.ref.name"];
      lines.push(`${dirname(path)} ${tag === undefined ? "manifest" : `tag ${tag}`} ${digest}`);
    }
  }
  return lines.sort();
}
