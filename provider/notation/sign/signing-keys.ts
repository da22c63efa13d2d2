// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import type { Signer } from "../../cose/index";
import { ConsignError } from "../../errors";
import { pluginSigner, type EnvelopeSigner } from "./plugin";
import { notationConfigDir } from "../trust/config-dir";
import { localSigner } from "./signer";
import { refuseOtherCase } from "../other-case";
import { parseStrictJson } from "../../oci/strict-json";

const MAX_FILE_SIZE = 1024 * 1024;

const fileKeySchema = z.looseObject({
  name: z.string().min(1),
  keyPath: z.string().min(1),
  certPath: z.string().min(1),
  id: z.undefined().optional(),
});
const pluginKeySchema = z.looseObject({
  name: z.string().min(1),
  id: z.string().min(1),
  pluginName: z.string().min(1),
  pluginConfig: z.record(z.string(), z.string()).nullish(),
  // Notation takes an entry with either of these for one of files.
  keyPath: z.undefined().optional(),
  certPath: z.undefined().optional(),
});
const signingKeysSchema = z.looseObject({
  default: z.string().min(1).nullish(),
  keys: z.array(z.looseObject({ name: z.string().min(1) })).nullish(),
});
const MEMBERS = ["default", "keys"];
const KEY_MEMBERS = ["name", "keyPath", "certPath", "id", "pluginName", "pluginConfig"];

export interface NotationKeyOptions {
  /**
   * A key's name, as `notation key list` shows it. @default the one that `notation key` calls
   * default
   */
  name?: string;
  /**
   * Notation's configuration directory. @default `$XDG_CONFIG_HOME/notation`, or what stands for it
   * on the platform
   */
  configDir?: string;
  /** For a key behind a plugin, see {@link pluginSigner}. */
  pluginDir?: string;
  signal?: AbortSignal;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
}

/** Where notation has a key: in files, or behind a plugin. */
export type NotationKey =
  | { keyFile: string; certificateChainFile: string }
  | { plugin: string; keyId: string; pluginConfig?: Record<string, string> };

/**
 * What notation's configuration says about a key; the key itself is not looked at. A relative path
 * is refused, as notation takes it from wherever it is started.
 * @throws ConsignError `SIGNER_UNKNOWN`, `FILE_UNREADABLE` (a broken `signingkeys.json`)
 * @see https://github.com/notaryproject/notation-go/blob/v1.3.2/config/keys.go
 */
export async function findNotationKey({
  name,
  configDir,
  env,
}: Pick<NotationKeyOptions, "name" | "configDir" | "env">): Promise<NotationKey> {
  const file = join(resolve(configDir ?? notationConfigDir(env)), "signingkeys.json");
  const entry = await findEntry(file, name);
  const local = fileKeySchema.safeParse(entry);
  if (local.success) {
    const { keyPath: keyFile, certPath: certificateChainFile } = local.data;
    for (const path of [keyFile, certificateChainFile])
      if (!isAbsolute(path))
        throw unreadable(
          file,
          `key "${entry.name}" has the relative path "${path}", which names another file wherever notation is started: write it in full`,
        );
    return { keyFile, certificateChainFile };
  }
  const remote = pluginKeySchema.safeParse(entry);
  if (!remote.success)
    throw unreadable(
      file,
      `key "${entry.name}" has neither keyPath and certPath nor id and pluginName`,
    );
  const { id: keyId, pluginName: plugin, pluginConfig } = remote.data;
  return { plugin, keyId, ...(pluginConfig ? { pluginConfig } : {}) };
}

/**
 * The signer that notation itself would use for a key: its files, or the plugin that has it.
 * @throws ConsignError what {@link findNotationKey}, {@link localSigner} and {@link pluginSigner}
 * throw
 */
export async function notationKeySigner(
  options: NotationKeyOptions,
): Promise<Signer | EnvelopeSigner> {
  const { env, pluginDir, signal } = options;
  const key = await findNotationKey(options);
  if ("keyFile" in key) return localSigner(key);
  return pluginSigner({
    ...key,
    ...(pluginDir === undefined ? {} : { pluginDir }),
    ...(signal === undefined ? {} : { signal }),
    ...(env === undefined ? {} : { env }),
  });
}

async function findEntry(file: string, wanted: string | undefined): Promise<{ name: string }> {
  const { default: preferred, keys } = await readSigningKeys(file);
  const name = wanted ?? preferred ?? undefined;
  if (name === undefined)
    throw new ConsignError(
      "SIGNER_UNKNOWN",
      `no key is named, and ${file} has no default key; run "notation key list"`,
    );
  const found = (keys ?? []).find((key) => key.name === name);
  if (found === undefined)
    throw new ConsignError(
      "SIGNER_UNKNOWN",
      `${file} has no key "${name}"; run "notation key list"`,
    );
  return found;
}

async function readSigningKeys(file: string): Promise<z.infer<typeof signingKeysSchema>> {
  const status = await stat(file).catch(() => undefined);
  if (status === undefined)
    throw new ConsignError(
      "SIGNER_UNKNOWN",
      `notation has no keys: there is no ${file}; add one with "notation key add"`,
    );
  if (!status.isFile() || status.size > MAX_FILE_SIZE)
    throw unreadable(file, `it is no file, or has more than ${MAX_FILE_SIZE} bytes`);
  try {
    const value = signingKeysSchema.parse(parseStrictJson(await readFile(file)));
    checkNames(value);
    return value;
  } catch (cause) {
    throw unreadable(
      file,
      cause instanceof z.ZodError
        ? `${cause.issues[0]?.path.join(".")}: ${cause.issues[0]?.message}`
        : (cause as Error).message,
    );
  }
}

/** As notation does, whichever key is wanted. */
function checkNames(value: z.infer<typeof signingKeysSchema>): void {
  const keys = value.keys ?? [];
  refuseOtherCase(value, MEMBERS);
  for (const key of keys) refuseOtherCase(key, KEY_MEMBERS);
  const names = keys.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new Error(`it has two keys "${repeated}"`);
  if (typeof value.default === "string" && !names.includes(value.default))
    throw new Error(`its default "${value.default}" is no key of it`);
}

function unreadable(file: string, why: string): ConsignError {
  return new ConsignError("FILE_UNREADABLE", `notation's ${file} cannot be used: ${why}`);
}
