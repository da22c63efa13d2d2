// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConsignError } from "../../errors";
import { parseStrictJson } from "../../oci/strict-json";
import { readAdvisory, type Advisory } from "./osv";

const MAX_FILES = 500_000;
const MAX_SIZE = 16 * 1024 * 1024;
const MAX_DEPTH = 8;

/** Advisories, and those of the files that are none or cannot be read. */
export interface Advisories {
  all: Advisory[];
  faults: { file: string; reason: string }[];
  /** Of all files together: the same files, the same digest. */
  digest: string;
  /** When the last of them was modified, by its own words; RFC 3339. */
  lastUpdate?: string;
}

export const NO_ADVISORIES: Advisories = { all: [], faults: [], digest: "" };

/**
 * Reads the advisories in a folder and the folders in it: each `.json` file is one in the OSV
 * format, or a list of them.
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `INPUT_INVALID`
 */
export async function readAdvisories(baseDir: string, folder: string): Promise<Advisories> {
  const hash = createHash("sha256");
  const found: Advisories = { all: [], faults: [], digest: "" };
  const files = await filesIn(resolve(baseDir, folder), folder, 0);
  if (files.length === 0)
    throw new ConsignError("INPUT_INVALID", `there is no .json file in ${folder}`, { path: "osv" });
  for (const file of files) {
    const bytes = await contentOf(resolve(baseDir, folder), file);
    hash.update(typeof bytes === "string" ? bytes : createHash("sha256").update(bytes).digest());
    if (typeof bytes === "string") found.faults.push({ file, reason: bytes });
    else addFrom(bytes, file, found);
  }
  return { ...found, digest: `sha256:${hash.digest("hex")}` };
}

function addFrom(bytes: Uint8Array, file: string, found: Advisories): void {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (error) {
    found.faults.push({ file, reason: `it is not JSON: ${(error as Error).message}` });
    return;
  }
  for (const each of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const advisory = readAdvisory(each);
    if (typeof advisory === "string") found.faults.push({ file, reason: advisory });
    else if (advisory !== undefined) {
      found.all.push(advisory);
      if (
        found.lastUpdate === undefined ||
        Date.parse(advisory.modified) > Date.parse(found.lastUpdate)
      )
        found.lastUpdate = advisory.modified;
    }
  }
}

/** Relative to the folder, sorted. */
async function filesIn(folder: string, named: string, depth: number): Promise<string[]> {
  if (depth > MAX_DEPTH)
    throw new ConsignError("INPUT_INVALID", `${named} is nested deeper than ${MAX_DEPTH} folders`, {
      path: "osv",
    });
  const files: string[] = [];
  for (const entry of (await entriesOf(folder, named)).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory())
      files.push(
        ...(await filesIn(join(folder, entry.name), `${named}/${entry.name}`, depth + 1)).map(
          (file) => `${entry.name}/${file}`,
        ),
      );
    else if (entry.name.endsWith(".json")) files.push(entry.name);
    if (files.length > MAX_FILES)
      throw new ConsignError("INPUT_INVALID", `${named} has more than ${MAX_FILES} files`, {
        path: "osv",
      });
  }
  return files;
}

async function entriesOf(folder: string, named: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw code === "ENOENT"
      ? new ConsignError("FILE_NOT_FOUND", `${named} does not exist`, { path: "osv", cause })
      : new ConsignError("FILE_UNREADABLE", `${named} cannot be read: ${message}`, {
          path: "osv",
          cause,
        });
  }
}

async function contentOf(folder: string, file: string): Promise<Uint8Array | string> {
  const path = join(folder, file);
  try {
    const { size } = await stat(path);
    return size > MAX_SIZE
      ? `it has ${size} bytes; at most ${MAX_SIZE} are read`
      : await readFile(path);
  } catch (error) {
    return `it cannot be read: ${(error as Error).message}`;
  }
}
