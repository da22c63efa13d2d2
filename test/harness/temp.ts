// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];

/** A fresh directory, removed when the process ends. */
export function tempDir(purpose = "test"): string {
  if (made.length === 0)
    process.once("exit", () =>
      made.forEach((path) => rmSync(path, { recursive: true, force: true, maxRetries: 3 })),
    );
  const path = mkdtempSync(join(tmpdir(), `consign-${purpose}-`));
  made.push(path);
  return path;
}
