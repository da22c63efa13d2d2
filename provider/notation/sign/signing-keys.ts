// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { Signer } from "../../cose/index";
import { ConsignError } from "../../errors";
import { pluginSigner, type EnvelopeSigner } from "./plugin";
import { notationConfigDir } from "../trust/config-dir";
import { localSigner } from "./signer";
import { parseStrictJson } from "../envelope/strict-json";

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
  keyPath: z.undefined().optional(),
});
const signingKeysSchema = z.looseObject({
  default: z.string().nullish(),
  keys: z.array(z.looseObject({ name: z.string() })).nullish(),
});

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

/**
 * The signer that notation itself would use for a key: its files, or the plugin that has it.
 * Relative paths are taken from the directory of `signingkeys.json`.
 * @throws ConsignError `SIGNER_UNKNOWN`, `FILE_UNREADABLE` (a broken `signingkeys.json`), and what
 * {@link localSigner} and {@link pluginSigner} throw
 * @see https://github.com/notaryproject/notation-go/blob/v1.3.2/config/keys.go
 */
export async function notationKeySigner(
  options: NotationKeyOptions,
): Promise<Signer | EnvelopeSigner> {
  const { env, pluginDir, signal } = options;
  const directory = resolve(options.configDir ?? notationConfigDir(env));
  const file = join(directory, "signingkeys.json");
  const entry = await findEntry(file, options.name);
  const local = fileKeySchema.safeParse(entry);
  if (local.success) {
    return localSigner({
      keyFile: resolve(directory, local.data.keyPath),
      certificateChainFile: resolve(directory, local.data.certPath),
    });
  }
  const remote = pluginKeySchema.safeParse(entry);
  if (!remote.success)
    throw unreadable(
      file,
      `key "${entry.name}" has neither keyPath and certPath nor id and pluginName`,
    );
  const { id: keyId, pluginName: plugin, pluginConfig } = remote.data;
  return pluginSigner({
    plugin,
    keyId,
    ...(pluginConfig ? { pluginConfig } : {}),
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
  const found = (keys ?? []).filter((key) => key.name === name);
  if (found.length > 1) throw unreadable(file, `it has two keys "${name}"`);
  if (found[0] === undefined)
    throw new ConsignError(
      "SIGNER_UNKNOWN",
      `${file} has no key "${name}"; run "notation key list"`,
    );
  return found[0];
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
    return signingKeysSchema.parse(parseStrictJson(await readFile(file)));
  } catch (cause) {
    throw unreadable(
      file,
      cause instanceof z.ZodError
        ? `${cause.issues[0]?.path.join(".")}: ${cause.issues[0]?.message}`
        : (cause as Error).message,
    );
  }
}

function unreadable(file: string, why: string): ConsignError {
  return new ConsignError("FILE_UNREADABLE", `notation's ${file} cannot be used: ${why}`);
}
