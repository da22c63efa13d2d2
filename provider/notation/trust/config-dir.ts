// SPDX-License-Identifier: Apache-2.0
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * Where notation keeps its trust policies, trust stores, signing keys and plugins for this user.
 * @see https://github.com/notaryproject/notation-go/blob/v1.3.2/dir/path.go
 */
export function notationConfigDir(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const home = env.HOME || homedir();
  if (platform === "win32")
    return join(env.APPDATA || join(home, "AppData", "Roaming"), "notation");
  if (platform === "darwin") return join(home, "Library", "Application Support", "notation");
  const configured = env.XDG_CONFIG_HOME;
  return join(
    configured !== undefined && isAbsolute(configured) ? configured : join(home, ".config"),
    "notation",
  );
}
