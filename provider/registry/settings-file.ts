// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ConsignError } from "../errors";
import { parseRegistriesSettings, type RegistriesSettings } from "./settings";

/** Names a file of the form of `consign:registries`, which goes before it. */
const VARIABLE = "CONSIGN_REGISTRIES_FILE";

/** @throws ConsignError `CREDENTIALS_INVALID`, `FILE_UNREADABLE`; neither holds a value */
export function settingsFile(baseDir: string, env: NodeJS.ProcessEnv): RegistriesSettings {
  const file = env[VARIABLE];
  if (file === undefined || file === "") return {};
  let text: string;
  try {
    text = readFileSync(resolve(baseDir, file), "utf8");
  } catch (cause) {
    throw new ConsignError("FILE_UNREADABLE", `${VARIABLE}: ${file} cannot be read`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConsignError("CREDENTIALS_INVALID", `${VARIABLE}: ${file} is not JSON`);
  }
  return parseRegistriesSettings(value, file);
}
