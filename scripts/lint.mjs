// SPDX-License-Identifier: Apache-2.0
// Prettier and ESLint over everything. Rules with a figure (complexity, parameters) may be broken
// as often in a file as lint-exceptions.json says, and that file may only shrink.
import { ESLint } from "eslint";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { root } from "./build.mjs";

const EXCEPTIONS = join(root, "lint-exceptions.json");
const CACHE = join(root, "node_modules", ".cache", "consign");

/** The exceptions as they are allowed: rule → file → how many. */
export function allowedExceptions() {
  return JSON.parse(readFileSync(EXCEPTIONS, "utf8"));
}

/**
 * A file is looked at again when it changes, not when a type that it uses does: what that may hide is
 * found where no cache is, as in CI.
 *
 * `complaints` are what no exception covers; `excess` is where a file has more exceptions than it
 * may, `spare` where it has fewer; `needed` are the exceptions of today.
 */
export async function lint() {
  mkdirSync(CACHE, { recursive: true });
  const allowed = allowedExceptions();
  const complaints = formatted();
  const excess = [];
  const needed = Object.fromEntries(Object.keys(allowed).map((rule) => [rule, {}]));
  const eslint = new ESLint({
    cwd: root,
    cache: true,
    cacheLocation: join(CACHE, "eslint.json"),
    cacheStrategy: "content",
  });
  for (const { filePath, messages } of await eslint.lintFiles(["."])) {
    const path = relative(root, filePath).split(sep).join("/");
    const isMeasured = ({ ruleId }) => ruleId !== null && Object.hasOwn(allowed, ruleId);
    const told = ({ line, column, message, ruleId }) =>
      `${path}:${line}:${column} ${message} (${ruleId ?? "syntax"})`;
    complaints.push(...messages.filter((message) => !isMeasured(message)).map(told));
    for (const rule of Object.keys(allowed)) {
      const found = messages.filter(({ ruleId }) => ruleId === rule);
      if (found.length > 0) needed[rule][path] = found.length;
      const permitted = allowed[rule][path] ?? 0;
      if (found.length > permitted)
        excess.push(
          `${path}: ${found.length} of ${rule}, where ${permitted} may be:`,
          ...found.map(told),
        );
    }
  }
  const spare = Object.entries(allowed).flatMap(([rule, files]) =>
    Object.entries(files)
      .filter(([path, count]) => (needed[rule][path] ?? 0) < count)
      .map(
        ([path, count]) =>
          `${path}: ${needed[rule][path] ?? 0} of ${rule} are left of ${count}: npm run lint -- --record`,
      ),
  );
  return { complaints, excess, spare, needed };
}

function formatted() {
  const program = join(root, "node_modules", "prettier", "bin", "prettier.cjs");
  const cache = ["--cache", "--cache-strategy", "content"];
  const location = ["--cache-location", join(CACHE, "prettier.json")];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, "--list-different", ...cache, ...location, "."],
    { cwd: root, encoding: "utf8" },
  );
  if (status === 0) return [];
  const paths = stdout.trim().split("\n").filter(Boolean);
  return paths.length > 0
    ? paths.map((path) => `${path}: npx prettier --write ${path}`)
    : [`prettier: ${stderr.trim()}`];
}

/**
 * `npm run lint`. With `record`, the exceptions are written as they are needed today, unless a rule
 * would have more of them.
 * @returns the complaints, empty when there are none
 */
export async function runLint({ record = false } = {}) {
  const { complaints, excess, spare, needed } = await lint();
  const allowed = allowedExceptions();
  const grows = Object.keys(allowed).some((rule) => total(needed[rule]) > total(allowed[rule]));
  if (!record || grows) return [...complaints, ...excess, ...spare].join("\n");
  writeFileSync(EXCEPTIONS, `${JSON.stringify(needed, undefined, 2)}\n`);
  return complaints.join("\n");
}

const total = (files) => Object.values(files).reduce((sum, count) => sum + count, 0);
