// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError } from "../errors";
import { isHost, isRepository } from "../oci/reference";
import type { ReferrersWay } from "./capabilities";

const fileSchema = z.string().min(1, "must be a file's path");

/**
 * How to reach one registry. Stack configuration `consign:registries` maps a registry's
 * `host[:port]` to these settings. Relative file paths count from the Pulumi project's folder.
 */
export const registrySettingsSchema = z
  .strictObject({
    /**
     * `true`: HTTP without TLS. @default true for loopback hosts without `caFile` and `certFile`,
     * else false
     */
    plainHttp: z.boolean().optional(),
    /** PEM certificates to trust for this registry, beside the default roots. */
    caFile: fileSchema.optional(),
    /** PEM client certificate chain; needs `keyFile`. */
    certFile: fileSchema.optional(),
    keyFile: fileSchema.optional(),
    username: z.string().min(1, "must not be empty").optional(),
    password: z.string().min(1, "must not be empty").optional(),
    /** URL of an HTTP proxy, `http://` or `https://`; user info in it is sent to the proxy only. */
    proxy: z
      .string()
      .refine(isProxyUrl, "must be a URL that begins with http:// or https://")
      .optional(),
    /**
     * `host[:port]` to connect to instead; the Host header and the TLS name stay the registry's.
     */
    address: z.string().refine(isHost, "must be host or host:port, without a scheme").optional(),
    /**
     * Requests in flight at once; fewer for a while after the registry said that they are too many.
     * @default 32
     */
    concurrency: z.number().int().min(1).max(64).optional(),
    /** Requests started per second. @default no limit */
    requestsPerSecond: z.number().positive().max(10_000).optional(),
    /**
     * Where lists of referrers are: `api` behind the registry's referrers API, `tag` under fallback
     * tags. @default what is known of the host, else what the registry shows
     */
    referrers: z.enum(["api", "tag"]).optional(),
  })
  .check((context) => {
    const { username, password, certFile, keyFile, plainHttp, caFile } = context.value;
    const report = (path: string, message: string): void => {
      // The value is left out: it may be a secret.
      context.issues.push({ code: "custom", input: undefined, path: [path], message });
    };
    if (username !== undefined && password === undefined)
      report("password", "is needed beside username");
    if (password !== undefined && username === undefined)
      report("username", "is needed beside password");
    if (certFile !== undefined && keyFile === undefined)
      report("keyFile", "is needed beside certFile");
    if (keyFile !== undefined && certFile === undefined)
      report("certFile", "is needed beside keyFile");
    if (plainHttp === true && (caFile !== undefined || certFile !== undefined))
      report("plainHttp", "cannot be true beside caFile or certFile");
  });

export type RegistrySettings = z.infer<typeof registrySettingsSchema>;

/** By `host[:port]`, or `host[:port]/path` for credentials of what lies under that path. */
export type RegistriesSettings = Readonly<Record<string, RegistrySettings>>;

/**
 * Reads `consign:registries`, or a file of the same form, whole, so that what is misspelt is not
 * passed over.
 * @param name what messages call it
 * @throws ConsignError `CREDENTIALS_INVALID`, which never holds a value
 */
export function parseRegistriesSettings(value: unknown, name: string): RegistriesSettings {
  const invalid = (why: string): ConsignError =>
    new ConsignError("CREDENTIALS_INVALID", `${name}: ${why}`);
  const parsed = z.record(z.string(), registrySettingsSchema).safeParse(value ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join(".") || "(root)"}: ${issue?.message}`);
  }
  for (const [key, settings] of Object.entries(parsed.data)) {
    const slash = key.indexOf("/");
    const host = slash === -1 ? key : key.slice(0, slash);
    const path = slash === -1 ? undefined : key.slice(slash + 1);
    if (!isHost(host) || (path !== undefined && !isRepository(path)))
      throw invalid(`"${key}" is neither host[:port] nor host[:port]/path`);
    const others = Object.keys(settings).filter((each) => !/^(?:username|password)$/.test(each));
    if (path !== undefined && others.length > 0)
      throw invalid(`"${key}": ${others.join(", ")} is for the whole host: put it under "${host}"`);
  }
  return parsed.data;
}

/** Of the entries that name a path which a repository lies under, the one with the longest. */
export function longestPath<Entry>(
  entries: Readonly<Record<string, Entry>>,
  place: string,
): Entry | undefined {
  for (let at = place.length; at > 0; at = place.lastIndexOf("/", at - 1)) {
    const path = place.slice(0, at);
    if (!path.includes("/")) return undefined;
    const entry = Object.hasOwn(entries, path) ? entries[path] : undefined;
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** Of several settings, the first that have credentials for a repository; none if none have. */
export function settingsCredentials(
  layers: readonly RegistriesSettings[],
  place: string,
): Pick<RegistrySettings, "username" | "password"> {
  const [host = place] = place.split("/");
  for (const layer of layers) {
    const found = [longestPath(layer, place), layer[host]].find(
      (entry) => entry?.username !== undefined,
    );
    if (found !== undefined) return found;
  }
  return {};
}

/** Registries of which it is known, with who reported it. */
const KNOWN_REFERRERS: ReadonlyMap<string, ReferrersWay> = new Map([
  // No API, and `sha256-<hex>` is read as the digest: https://github.com/oras-project/oras-go/issues/1396
  ["registry.gitlab.com", "tag"],
  // The API's route leads to web pages: https://github.com/artifacthub/hub/issues/4785,
  // https://github.com/oras-project/oras-java/issues/773
  ["ghcr.io", "tag"],
]);

/** Where a registry's lists of referrers are, as far as that is settled before it is asked. */
export function referrersWayOf(
  registry: string,
  settings: RegistrySettings,
): ReferrersWay | undefined {
  return settings.referrers ?? KNOWN_REFERRERS.get(registry);
}

function isProxyUrl(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}

/**
 * @throws ConsignError `INPUT_INVALID`, `path` names the property as `registries["host"].property`
 */
export function parseRegistrySettings(registry: string, value: unknown): RegistrySettings {
  const parsed = registrySettingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [`registries["${registry}"]`, ...(issue?.path ?? [])].join(".");
  throw new ConsignError("INPUT_INVALID", `${path}: ${issue?.message ?? "is not valid"}`, { path });
}

/** True for 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}

/**
 * The origin of a registry: plain HTTP where the settings say so, or where they say nothing and the
 * host is loopback.
 */
export function originOf(registry: string, settings: RegistrySettings): URL {
  // Docker Hub's API is not at the name that its references bear.
  const host =
    registry === "docker.io" || registry === "index.docker.io" ? "registry-1.docker.io" : registry;
  const secure = new URL(`https://${host}`);
  const usesTls = settings.caFile !== undefined || settings.certFile !== undefined;
  const plain = settings.plainHttp ?? (!usesTls && isLoopback(secure.hostname));
  return plain ? new URL(`http://${host}`) : secure;
}

/** `host:port` at which a registry is reached, with one name for this machine's loopback. */
export function addressOf(registry: string, settings: RegistrySettings): string {
  const { protocol, host } = originOf(registry, settings);
  const { hostname, port } = new URL(`${protocol}//${settings.address ?? host}`);
  const name = ["127.0.0.1", "[::1]"].includes(hostname) ? "localhost" : hostname;
  return `${name}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
}
