// SPDX-License-Identifier: Apache-2.0
import { lstat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConsignError } from "../../errors";
import { notationConfigDir } from "../trust/config-dir";

const PLUGIN_NAME = /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}$/;

/** The directory that has one directory a plugin: `{NOTATION_LIBEXEC}/plugins`. */
export function pluginDirectory(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const libexec = env["NOTATION_LIBEXEC"];
  return join(
    libexec === undefined || libexec === "" ? notationConfigDir(env, platform) : resolve(libexec),
    "plugins",
  );
}

/**
 * Finds a plugin's executable, a regular file `<directory>/<name>/notation-<name>`; a symbolic link
 * is none.
 * @throws ConsignError `PLUGIN_NOT_FOUND`, `INPUT_INVALID` (the name)
 */
export async function findPlugin(
  name: string,
  directory: string,
  platform: NodeJS.Platform = process.platform,
): Promise<string> {
  if (!PLUGIN_NAME.test(name)) {
    throw new ConsignError(
      "INPUT_INVALID",
      `"${name}" is not a notation plugin's name: letters, digits, _ . and - only`,
      { path: "plugin" },
    );
  }
  const executable = join(
    resolve(directory),
    name,
    `notation-${name}${platform === "win32" ? ".exe" : ""}`,
  );
  const status = await lstat(executable).catch(() => undefined);
  if (status?.isFile() === true) return executable;
  const why = status === undefined ? "there is no such file" : "that is not a regular file";
  throw new ConsignError(
    "PLUGIN_NOT_FOUND",
    `notation plugin "${name}" is looked for at ${executable}, but ${why}; install it with "notation plugin install"`,
  );
}
