// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ConsignError, isConsignError } from "../errors";
import { algorithmOf, hexOf, parseDigest } from "../oci/digest";
import type { Content } from "./storage";

/** Temporary files older than this were left by a run that is gone. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/**
 * Where a layout keeps a blob. The digest is parsed again, so that no caller can make a path out of
 * anything else.
 */
export function blobPath(root: string, digest: string): string {
  const parsed = parseDigest(digest);
  return join(root, "blobs", algorithmOf(parsed), hexOf(parsed));
}

/**
 * What tells one version of a file from another; a file written by {@link writeAtomically} never
 * has that of its predecessor.
 */
export interface Fingerprint {
  inode: bigint;
  modified: bigint;
  size: bigint;
}

export function sameFingerprint(a: Fingerprint | undefined, b: Fingerprint | undefined): boolean {
  return a?.inode === b?.inode && a?.modified === b?.modified && a?.size === b?.size;
}

/** @returns undefined if there is no such file @throws ConsignError `FILE_UNREADABLE` */
export async function fingerprint(path: string): Promise<Fingerprint | undefined> {
  const found = await unlessMissing(path, stat(path, { bigint: true }));
  return found === undefined
    ? undefined
    : { inode: found.ino, modified: found.mtimeNs, size: found.size };
}

/** @returns undefined if there is no such file @throws ConsignError `FILE_UNREADABLE` */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await unlessMissing(path, stat(path));
  return found?.isFile() ? found.size : undefined;
}

/**
 * @returns undefined if there is no such file @throws ConsignError `LAYOUT_INVALID` if it is larger
 * than `limit` bytes, `FILE_UNREADABLE`
 */
export async function readIfPresent(path: string, limit: number): Promise<Uint8Array | undefined> {
  const size = await sizeOf(path);
  if (size !== undefined && size > limit)
    throw new ConsignError(
      "LAYOUT_INVALID",
      `${path} has ${size} bytes; at most ${limit} are read`,
    );
  return unlessMissing(path, readFile(path));
}

/** @returns undefined if there is no such directory @throws ConsignError `FILE_UNREADABLE` */
export async function listIfPresent(path: string): Promise<string[] | undefined> {
  return unlessMissing(path, readdir(path));
}

async function unlessMissing<T>(path: string, operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR")
      throw new ConsignError(
        "LAYOUT_INVALID",
        `${path} is not an OCI image layout: a file is where a directory should be`,
        { cause },
      );
    throw new ConsignError(
      "FILE_UNREADABLE",
      `${path} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

export interface WriteOptions {
  signal?: AbortSignal | undefined;
  /** Asked just before the new file takes its place; if it answers false, nothing is replaced. */
  confirm?: () => Promise<boolean>;
}

/**
 * Writes a file so that readers and crashes see the old one or the new one, never a part: a
 * temporary file beside it, fsync, rename.
 * @returns the new file's fingerprint, or undefined if `confirm` refused  @throws ConsignError
 * `LAYOUT_UNWRITABLE`, and what `content` throws
 */
export async function writeAtomically(
  path: string,
  content: Content | Uint8Array,
  options: WriteOptions = {},
): Promise<Fingerprint | undefined> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, "wx", 0o644);
    let written: Fingerprint;
    try {
      await writeFile(handle, content, { signal: options.signal });
      await handle.sync();
      const { ino, mtimeNs, size } = await handle.stat({ bigint: true });
      written = { inode: ino, modified: mtimeNs, size };
    } finally {
      await handle.close();
    }
    if (options.confirm !== undefined && !(await options.confirm())) {
      await rm(temporary, { force: true });
      return undefined;
    }
    await rename(temporary, path);
    return written;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  }
}

/**
 * Makes renames within a directory survive a power failure. Not every platform can; those do
 * without.
 */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** @throws ConsignError `LAYOUT_UNWRITABLE` */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw unwritable(path, error);
  });
}

/** @throws ConsignError `LAYOUT_UNWRITABLE` */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw unwritable(path, error);
  });
}

/** What a failed write means. Errors that are not the file system's stay as they are. */
export function unwritable(path: string, error: unknown): unknown {
  if (isConsignError(error) || typeof (error as NodeJS.ErrnoException).syscall !== "string")
    return error;
  return new ConsignError(
    "LAYOUT_UNWRITABLE",
    `${path} cannot be written: ${(error as Error).message}`,
    { cause: error },
  );
}

/**
 * Removes what runs that were killed left behind. Best effort: whatever cannot be removed harms
 * nobody.
 */
export async function sweepTemporaries(directory: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!/^\..+\.[0-9a-f]{12}\.tmp$/.test(name)) continue;
    const path = join(directory, name);
    const modified = await stat(path).then(
      (found) => found.mtimeMs,
      () => now,
    );
    if (now - modified > ABANDONED_MS) await rm(path, { force: true }).catch(() => undefined);
  }
}
