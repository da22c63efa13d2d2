// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ConsignError } from "../../errors";
import type { RegistrySettings } from "../settings";
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
 * Finds a registry's credentials: the settings', else Docker's (`credHelpers`, then `credsStore`,
 * then `auths` of config.json in `DOCKER_CONFIG` or `~/.docker`), else none.
 * @throws ConsignError `CREDENTIALS_INVALID`, `CREDENTIAL_HELPER_FAILED`; neither ever holds a
 * value
 */
export async function credentialsFor(
  registry: string,
  settings: RegistrySettings,
  env: NodeJS.ProcessEnv,
): Promise<Credentials> {
  if (settings.username !== undefined && settings.password !== undefined) {
    return { kind: "password", username: settings.username, password: settings.password };
  }
  const config = await readDockerConfig(env);
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
  return fromAuths(config, registry, keys);
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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConsignError(
      "CREDENTIALS_INVALID",
      `${path} is not JSON; repair it, or point DOCKER_CONFIG elsewhere`,
    );
  }
  const parsed = dockerConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new ConsignError(
    "CREDENTIALS_INVALID",
    `${path}: "${where}" has the wrong type; repair it, or point DOCKER_CONFIG elsewhere`,
  );
}

function fromAuths(config: DockerConfig, registry: string, keys: string[]): Credentials {
  const entry = entryFor(config.auths ?? {}, keys);
  if (entry === undefined) return { kind: "anonymous" };
  const [username, password] = entry.auth
    ? decodePair(entry.auth, registry)
    : [entry.username ?? "", entry.password ?? ""];
  if (entry.identitytoken) return { kind: "identityToken", username, token: entry.identitytoken };
  if (username === "" && password === "") return { kind: "anonymous" };
  return { kind: "password", username, password };
}

/**
 * The registry's own name goes before a URL of its API, and that before what names a part of it or
 * was left by an older login.
 */
function entryFor<T>(auths: Readonly<Record<string, T>>, keys: readonly string[]): T | undefined {
  for (const reading of [(name: string) => name, apiOf, hostOf]) {
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

function hostOf(name: string): string {
  return apiOf(name).replace(/\/.*$/, "");
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
