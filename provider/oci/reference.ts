// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";
import { isDigest, type Digest } from "./digest";

/**
 * Where content lives: a repository of a registry, or an OCI image layout directory (`oci:path`,
 * kept as it was written).
 */
export type Location =
  { kind: "registry"; registry: string; repository: string } | { kind: "layout"; path: string };

/**
 * A location and what is meant in it. With a digest, the digest decides; a tag beside it is only
 * for people.
 */
export interface Reference {
  location: Location;
  tag?: string;
  digest?: Digest;
}

const HOST = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?$/;
const REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export const tagSchema = z
  .string()
  .regex(TAG, "must be a tag: up to 128 letters, digits, dots, dashes and underscores");

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * True for `host` or `host:port` that a URL can have: a port up to 65535, numbers only as an
 * address.
 */
export function isHost(text: string): boolean {
  return HOST.test(text) && URL.canParse(`https://${text}`);
}

/** True for a repository's name, or the beginning of one. */
export function isRepository(text: string): boolean {
  return REPOSITORY.test(text);
}

export const locationSchema = z
  .string()
  .check((context) => reportInto(context, () => parseLocation(context.value)));
export const referenceSchema = z
  .string()
  .check((context) => reportInto(context, () => parseReference(context.value)));

function reportInto(
  context: { value: string; issues: z.core.$ZodRawIssue[] },
  parse: () => unknown,
): void {
  try {
    parse();
  } catch (error) {
    context.issues.push({
      code: "custom",
      input: context.value,
      message: (error as Error).message,
      params: { code: "REFERENCE_INVALID" },
    });
  }
}

/**
 * Parses `host[:port]/repository` or `oci:path`. The host is never guessed: `nginx` is an error,
 * not Docker Hub.
 * @throws ConsignError `REFERENCE_INVALID`
 */
export function parseLocation(text: string): Location {
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw invalid(text, "it names a repository, so it must not have a tag or digest");
  }
  return reference.location;
}

/**
 * Parses `host[:port]/repository[:tag][@digest]` or `oci:path[:tag][@digest]`.
 * @throws ConsignError `REFERENCE_INVALID`
 */
export function parseReference(text: string): Reference {
  if (text.length > 4096)
    throw invalid(text.slice(0, 64) + "…", "it is longer than 4096 characters");
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(text))
    throw invalid(text, "it is a URL; write host/repository, or oci:/path for a layout");
  const layout = text.startsWith("oci:");
  // A directory's name may have an @ in it.
  const at = layout && text.lastIndexOf("@") < text.lastIndexOf("/") ? -1 : text.lastIndexOf("@");
  const digestText = at === -1 ? undefined : text.slice(at + 1);
  if (digestText !== undefined && !isDigest(digestText))
    throw invalid(text, "what follows @ is not a digest");
  const rest = at === -1 ? text : text.slice(0, at);
  const colon = rest.lastIndexOf(":");
  const hasTag = colon > rest.lastIndexOf("/") && !(layout && colon === 3);
  const tag = hasTag ? rest.slice(colon + 1) : undefined;
  if (tag !== undefined && !isTag(tag)) throw invalid(text, `"${tag}" is not a tag`);
  const name = hasTag ? rest.slice(0, colon) : rest;
  return {
    location: layout ? layoutLocation(name.slice(4), text) : registryLocation(name, text),
    ...(tag === undefined ? {} : { tag }),
    ...(digestText === undefined ? {} : { digest: digestText }),
  };
}

function layoutLocation(path: string, text: string): Location {
  if (path.length === 0 || path.includes("\0"))
    throw invalid(text, "oci: must be followed by a directory's path");
  return { kind: "layout", path };
}

function registryLocation(name: string, text: string): Location {
  const slash = name.indexOf("/");
  const registry = slash === -1 ? "" : name.slice(0, slash);
  const repository = name.slice(slash + 1);
  const named = registry.includes(".") || registry.includes(":") || registry === "localhost";
  if (!named)
    throw invalid(
      text,
      "it must begin with a registry's host, as registry.example/repository; none is assumed",
    );
  if (/^[a-z]+:$/.test(registry) && repository.startsWith("/"))
    throw invalid(text, `a reference is written without "${registry}//"; leave it out`);
  if (!isHost(registry))
    throw invalid(text, `"${registry}" is not a host, as registry.example or localhost:5000`);
  if (!REPOSITORY.test(repository) || repository.length > 255)
    throw invalid(
      text,
      `"${repository}" is not a repository name: lower-case letters, digits, and . _ - between them`,
    );
  return {
    kind: "registry",
    registry,
    // As every other client has it; there is no repository of one name there.
    repository:
      registry === "docker.io" && !repository.includes("/") ? `library/${repository}` : repository,
  };
}

function invalid(text: string, why: string): ConsignError {
  return new ConsignError("REFERENCE_INVALID", `"${text}" is not a reference: ${why}`);
}

export function formatLocation(location: Location): string {
  return location.kind === "layout"
    ? `oci:${location.path}`
    : `${location.registry}/${location.repository}`;
}

export function formatReference({ location, tag, digest }: Reference): string {
  return (
    formatLocation(location) +
    (tag === undefined ? "" : `:${tag}`) +
    (digest === undefined ? "" : `@${digest}`)
  );
}

/** `repository@digest`, the only form in which outputs name an artifact. */
export function pinned(location: Location, digest: Digest): string {
  return formatReference({ location, digest });
}

export function sameLocation(a: Location, b: Location): boolean {
  return formatLocation(a) === formatLocation(b);
}
