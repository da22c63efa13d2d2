// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The folder of a Go module in this machine's module cache, which gets it when it is not there; a
 * reason when it cannot be had.
 */
export function goModule(
  path: string,
  version: string,
): { read: (file: string) => Buffer } | string {
  try {
    const text = execFileSync("go", ["mod", "download", "-json", `${path}@${version}`], {
      cwd: "/",
      encoding: "utf8",
      timeout: 60_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const found: unknown = JSON.parse(text);
    if (
      typeof found !== "object" ||
      found === null ||
      !("Dir" in found) ||
      typeof found.Dir !== "string"
    )
      throw new Error("no folder");
    const { Dir: folder } = found;
    return { read: (file) => readFileSync(join(folder, file)) };
  } catch (error) {
    return `${path}@${version} is not in the Go module cache: ${(error as Error).message.split("\n")[0]}`;
  }
}
