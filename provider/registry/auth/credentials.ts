// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ConsignError } from "../../errors";
import { longestPath, type RegistrySettings } from "../settings";
import type { Credentials } from "./credential";
import { askCredentialHelper } from "./credential-helper";

const MAX_CONFIG_SIZE = 1024 * 1024;

/** @see https://docs.docker.com/reference/cli/docker/login/#credential-stores */
const dockerConfigSchema = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});
type DockerConfig = z.infer<typeof dockerConfigSchema>;

/**
 * Finds the credentials for a repository, `host/repository`, or for a host alone: the settings',
 * else those in `DOCKER_AUTH_CONFIG`, else Docker's (config.json in `DOCKER_CONFIG` or
 * `~/.docker`), else none. In each of Docker's, an entry of `auths` with the longest path that the
 * repository lies under goes first, then `credHelpers`, `credsStore`, and the host's in `auths`.
 * @throws ConsignError `CREDENTIALS_INVALID`, `CREDENTIAL_HELPER_FAILED`; neither ever holds a
 * value
 */
export async function credentialsFor(
  place: string,
  settings: Pick<RegistrySettings, "username" | "password">,
  env: NodeJS.ProcessEnv,
): Promise<Credentials> {
  if (settings.username !== undefined && settings.password !== undefined)
    return { kind: "password", username: settings.username, password: settings.password };
  const inline = env["DOCKER_AUTH_CONFIG"];
  if (inline !== undefined && inline.trim() !== "") {
    const found = await fromDocker(parseDockerConfig(inline, "DOCKER_AUTH_CONFIG"), place, env);
    if (found !== undefined) return found;
  }
  return (await fromDocker(await readDockerConfig(env), place, env)) ?? { kind: "anonymous" };
}

async function fromDocker(
  config: DockerConfig,
  place: string,
  env: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const [registry = place] = place.split("/");
  const auths = config.auths ?? {};
  const byPath = longestPath(auths, place);
  if (byPath !== undefined) return credentialsIn(byPath, registry);
  const keys = configKeys(registry);
  const helpers = config.credHelpers ?? {};
  for (const key of keys) {
    const helper = helpers[key];
    if (helper !== undefined)
      return (await askCredentialHelper(helper, key, env)) ?? { kind: "anonymous" };
  }
  if (config.credsStore !== undefined && config.credsStore !== "") {
    for (const key of keys) {
      const found = await askCredentialHelper(config.credsStore, key, env);
      if (found !== undefined) return found;
    }
  }
  const entry = entryFor(auths, keys);
  return entry === undefined ? undefined : credentialsIn(entry, registry);
}

/** Docker Hub goes by several names, and Docker files it under a URL. */
function configKeys(registry: string): string[] {
  const hub = ["docker.io", "index.docker.io", "registry-1.docker.io"];
  return hub.includes(registry) ? ["https://index.docker.io/v1/", ...hub] : [registry];
}

async function readDockerConfig(env: NodeJS.ProcessEnv): Promise<DockerConfig> {
  const path = join(
    env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker"),
    "config.json",
  );
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      (error.code === "ENOENT" || error.code === "ENOTDIR")
    )
      return {};
    // Neither this cause nor those below are kept: a parser's message quotes what it could not
    // parse.
    throw new ConsignError(
      "CREDENTIALS_INVALID",
      `${path} cannot be read; make it readable, or point DOCKER_CONFIG elsewhere`,
    );
  }
  if (text.length > MAX_CONFIG_SIZE)
    throw new ConsignError(
      "CREDENTIALS_INVALID",
      `${path} is larger than ${MAX_CONFIG_SIZE} bytes`,
    );
  return parseDockerConfig(text, path);
}

function parseDockerConfig(text: string, name: string): DockerConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConsignError(
      "CREDENTIALS_INVALID",
      `${name} is not JSON; repair it, or point DOCKER_CONFIG elsewhere`,
    );
  }
  const parsed = dockerConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new ConsignError(
    "CREDENTIALS_INVALID",
    `${name}: "${where}" has the wrong type; repair it, or point DOCKER_CONFIG elsewhere`,
  );
}

type Entry = NonNullable<DockerConfig["auths"]>[string];

function credentialsIn(entry: Entry, registry: string): Credentials {
  const [username, password] = entry.auth
    ? decodePair(entry.auth, registry)
    : [entry.username ?? "", entry.password ?? ""];
  if (entry.identitytoken) return { kind: "identityToken", username, token: entry.identitytoken };
  if (username === "" && password === "") return { kind: "anonymous" };
  return { kind: "password", username, password };
}

/**
 * The registry's own name goes before a URL of its API, and that before what was left by an older
 * login. What names a part of it is for that part alone.
 */
function entryFor<T>(auths: Readonly<Record<string, T>>, keys: readonly string[]): T | undefined {
  for (const reading of [(name: string) => name, apiOf, hostOfUrl]) {
    for (const key of keys) {
      const name = Object.keys(auths).find((each) => reading(each) === key);
      if (name !== undefined) return auths[name];
    }
  }
  return undefined;
}

function apiOf(name: string): string {
  return name.replace(/^https?:\/\//, "").replace(/\/(?:v[12]\/?)?$/, "");
}

function hostOfUrl(name: string): string {
  return name.includes("://") ? apiOf(name).replace(/\/.*$/, "") : name;
}

function decodePair(auth: string, registry: string): [string, string] {
  const text = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = text.indexOf(":");
  if (colon === -1)
    throw new ConsignError(
      "CREDENTIALS_INVALID",
      `the auth of ${registry} in Docker's config.json is not base64 of user:password; log in again`,
    );
  return [text.slice(0, colon), text.slice(colon + 1)];
}
