// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { ConsignError, type ErrorCode } from "../errors";
import { parseStrictJson } from "../oci/strict-json";

const MAX_SIZE = 1024 * 1024;

/**
 * Reads a JSON file that the command line names.
 * @param code for what is no JSON
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `code`
 */
export async function readJsonFile(cwd: string, file: string, code: ErrorCode): Promise<unknown> {
  const bytes = await read(resolve(cwd, file), file);
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    // The parser's message is kept out where it could quote a password.
    throw new ConsignError(
      code,
      code === "CREDENTIALS_INVALID"
        ? `${file} is not JSON`
        : `${file} is not JSON: ${(error as Error).message}`,
    );
  }
}

async function read(path: string, file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_SIZE)
      throw new ConsignError(
        "FILE_UNREADABLE",
        `${file} has ${size} bytes; at most ${MAX_SIZE} are read`,
      );
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof ConsignError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new ConsignError("FILE_NOT_FOUND", `${file} does not exist`, { cause });
    throw new ConsignError(
      "FILE_UNREADABLE",
      `${file} cannot be read: ${code === "EISDIR" ? "it is a directory" : message}`,
      { cause },
    );
  }
}
