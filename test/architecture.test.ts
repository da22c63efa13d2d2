// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { builtinModules } from "node:module";
import { posix } from "node:path";
import { describe, test } from "node:test";
import { ERROR_CODES } from "../provider/errors";
import { escapesOf, importsOf, sources, stringsOf, type SourceFile } from "./harness/sources";
import manifest from "../package.json";

/** The library below the kinds: formats, stores, rules. */
const LIBRARY = [
  "oci",
  "content",
  "registry",
  "cose",
  "notation",
  "claims",
  "graph",
  "retention",
].map((folder) => `provider/${folder}`);

/** What two kinds of resource need, from the lowest floor to the highest. */
const FLOORS = ["world", "upcoming", "signing", "judging", "keeping", "deployments"].map(
  (folder) => `provider/${folder}`,
);

/** One folder a kind of resource. None of them may import another. */
const KINDS = ["artifact", "claim", "mirror", "verification", "promotion", "archive"].map(
  (folder) => `provider/${folder}`,
);

const OPEN = ["provider/errors", "provider/printable"];

/**
 * Who may import whom, by folder; `errors` and `printable` are open to all. `:type` allows types alone, `:lazy`
 * types and calls of import and require. A folder that is not here may import nothing, so a new one
 * has to be thought about.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "provider/printable": [],
  "provider/errors": ["provider/printable"],
  "provider/node-version": [],
  "provider/garbage": [],
  "provider/oci": [],
  "provider/content": ["provider/garbage", "provider/oci"],
  "provider/registry": ["provider/oci", "provider/content"],
  "provider/cose": [],
  "provider/notation": ["provider/cose", "provider/oci", "provider/content"],
  "provider/claims": ["provider/oci", "provider/notation", "provider/content"],
  "provider/graph": ["provider/oci", "provider/content"],
  "provider/retention": ["provider/oci"],
  ...Object.fromEntries(FLOORS.map((floor, at) => [floor, [...LIBRARY, ...FLOORS.slice(0, at)]])),
  ...Object.fromEntries(KINDS.map((kind) => [kind, [...LIBRARY, ...FLOORS]])),
  // What an artifact and its claims look like to a person, for the command line and for programs.
  "provider/report": LIBRARY,
  // What was where, and what it was exposed to: for the command line, for programs, and as a kind of resource.
  "provider/exposure": [...LIBRARY, ...FLOORS, "provider/report"],
  "provider/protocol": ["provider/world"],
  // Where the parts that a reconciler is handed are made: registries, and who asks about revocation.
  "provider/dynamic": [
    "provider/garbage",
    "provider/node-version",
    "provider/protocol",
    "provider/world",
    ...[...KINDS, "provider/exposure"].map((kind) => `${kind}:lazy`),
    "provider/registry",
    "provider/notation",
  ],
  "provider/cli": [
    "provider/node-version",
    ...LIBRARY,
    ...FLOORS,
    "provider/archive",
    "provider/exposure",
    "provider/report",
    "provider/index",
  ],
  "provider/schema": [],
  "provider/index": [...LIBRARY, "provider/report", "provider/exposure", "provider/schema"],
  // Programs reach the provider through the stub; functions load the library when they are called.
  sdk: [
    ...[...LIBRARY, ...FLOORS, ...KINDS, "provider/report", "provider/exposure"].map(
      (folder) => `${folder}:type`,
    ),
    "provider/index:lazy",
  ],
  "sdk/kubernetes": ["sdk"],
};

/** Packages that only one place may know; everything else from npm is free. */
const CONFINED: Record<string, RegExp> = {
  undici: /^provider\/registry\/transport\//,
  "cose-js": /^provider\/cose\//,
  "@pulumi/kubernetes": /^sdk\/kubernetes\//,
  "@pulumi/pulumi": /^(?:provider\/dynamic|sdk)\//,
  ...Object.fromEntries(
    ["node:http", "node:https", "node:http2", "node:net", "node:tls"].map((name) => [
      name,
      /^provider\/registry\//,
    ]),
  ),
};

/** Folders that compute and never touch the world. */
const PURE = /^provider\/(?:oci|cose|graph|retention)\//;
const PURE_MODULES = ["node:crypto", "node:buffer", "node:util"];

const MAX_LINES = 400;
const MAX_FILES = 30;

/** Codes that nothing throws yet, each with the reason. */
const NOT_THROWN: Partial<Record<keyof typeof ERROR_CODES, string>> = {};

const code = [...sources("provider", ".ts"), ...sources("sdk", ".ts")];

function folderOf(path: string): string {
  const [top = "", second = ""] = path.replace(/\.ts$/, "").split("/");
  if (top === "provider") return `${top}/${second}`;
  return second === "kubernetes" ? "sdk/kubernetes" : top;
}

function none(offences: readonly string[]): void {
  if (offences.length > 0) assert.fail(`\n  ${offences.join("\n  ")}`);
}

const packageOf = (specifier: string): string =>
  specifier.startsWith("@")
    ? specifier.split("/").slice(0, 2).join("/")
    : (specifier.split("/")[0] ?? "");
const asModule = (specifier: string): string =>
  builtinModules.includes(specifier) ? `node:${specifier}` : specifier;

describe("the house", () => {
  test("imports go one way", () => {
    const offences: string[] = [];
    for (const file of code) {
      const from = folderOf(file.path);
      for (const { specifier, line, typeOnly, lazy } of importsOf(file)) {
        if (!specifier.startsWith(".")) continue;
        const to = folderOf(posix.join(posix.dirname(file.path), specifier));
        const permits = [
          to,
          ...(typeOnly ? [`${to}:type`] : []),
          ...(typeOnly || lazy ? [`${to}:lazy`] : []),
        ];
        const fine =
          to === from ||
          OPEN.includes(to) ||
          permits.some((permit) => MAY_IMPORT[from]?.includes(permit));
        if (!fine)
          offences.push(
            `${file.path}:${line}: ${from} must not import ${typeOnly ? "types of " : ""}${to}`,
          );
      }
    }
    none(offences);
  });

  test("no file imports itself by way of others, types included", () => {
    const known = new Map(code.map((file) => [file.path, file]));
    const target = (from: string, specifier: string): string | undefined => {
      const base = posix.join(posix.dirname(from), specifier);
      return [`${base}.ts`, `${base}/index.ts`].find((path) => known.has(path));
    };
    const imports = new Map(
      code.map((file) => [
        file.path,
        importsOf(file).flatMap(({ specifier }) =>
          specifier.startsWith(".") ? (target(file.path, specifier) ?? []) : [],
        ),
      ]),
    );
    const settled = new Set<string>();
    const offences: string[] = [];
    const visit = (path: string, way: readonly string[]): void => {
      if (way.includes(path)) offences.push([...way.slice(way.indexOf(path)), path].join(" → "));
      else if (!settled.has(path)) {
        for (const next of imports.get(path) ?? []) visit(next, [...way, path]);
        settled.add(path);
      }
    };
    for (const path of imports.keys()) visit(path, []);
    none(offences);
  });

  test("a folder is one room: at most 30 files", () => {
    const folders = new Map<string, number>();
    for (const { path } of code)
      folders.set(posix.dirname(path), (folders.get(posix.dirname(path)) ?? 0) + 1);
    none(
      [...folders]
        .filter(([, count]) => count > MAX_FILES)
        .map(([folder, count]) => `${folder}: ${count} files`),
    );
  });

  test("what a kind does lies in each slice under the same names", () => {
    const paths = new Set(code.map(({ path }) => path));
    const roles = ["arguments", "plan", "apply", "observe", "remove"];
    // A verdict leaves nothing behind, and an archive outlives its policy.
    const leavesNothing = ["provider/verification/remove.ts", "provider/archive/remove.ts"];
    none(
      KINDS.flatMap((kind) => [kind.split("/")[1], ...roles].map((role) => `${kind}/${role}.ts`))
        .filter((path) => !paths.has(path) && !leavesNothing.includes(path))
        .map((path) => `${path} is missing`),
    );
  });

  test("a package is known where it belongs, and nowhere else", () => {
    const offences: string[] = [];
    for (const file of code) {
      for (const { specifier, line } of importsOf(file)) {
        if (specifier.startsWith(".")) continue;
        const name =
          specifier.startsWith("node:") || builtinModules.includes(specifier)
            ? asModule(specifier)
            : packageOf(specifier);
        const place = CONFINED[name];
        if (place !== undefined && !place.test(file.path))
          offences.push(`${file.path}:${line}: ${name} belongs in ${place.source}`);
        if (place === undefined && name.startsWith("@pulumi/"))
          offences.push(`${file.path}:${line}: no rule for ${name}`);
        if (PURE.test(file.path) && name.startsWith("node:") && !PURE_MODULES.includes(name))
          offences.push(`${file.path}:${line}: a pure folder uses ${name}`);
      }
    }
    none(offences);
  });

  test("what is imported is declared", () => {
    const declared = new Set([
      ...Object.keys(manifest.dependencies),
      ...Object.keys("peerDependencies" in manifest ? manifest.peerDependencies : {}),
    ]);
    const offences: string[] = [];
    const used = new Set<string>();
    for (const file of code) {
      for (const { specifier, line, typeOnly } of importsOf(file)) {
        if (specifier.startsWith(".") || specifier.startsWith("node:")) continue;
        used.add(packageOf(specifier));
        if (!typeOnly && !declared.has(packageOf(specifier)))
          offences.push(`${file.path}:${line}: ${specifier} is no dependency in package.json`);
      }
    }
    for (const name of Object.keys(manifest.dependencies))
      if (!used.has(name)) offences.push(`package.json: nothing imports ${name}`);
    none(offences);
  });

  test("a file is one idea: at most 400 lines, and no drawer for leftovers", () => {
    const offences = code
      .filter(({ text }) => text.split("\n").length - 1 > MAX_LINES)
      .map(({ path, text }) => `${path}: ${text.split("\n").length - 1} lines`);
    for (const { path } of [...code, ...sources("test", ".ts")])
      if (/\/(?:utils?|helpers?|common|misc)(?:\.ts$|\/)/.test(path))
        offences.push(`${path}: what is it about?`);
    none(offences);
  });

  test("nothing is deleted but by keeping", () => {
    const deletes = /\.(?:deleteManifest|deleteBlob|untag)\(/;
    const mayDelete = /^provider\/(?:content|registry|keeping)\//;
    none(
      code.flatMap(({ path, text }) =>
        mayDelete.test(path) || !deletes.test(text)
          ? []
          : [`${path}: only keeping knows who needs what, and removes`],
      ),
    );
  });

  test("every file says its licence first", () => {
    const files = [
      ...code,
      ...sources("test", ".ts", ".go", ".mjs"),
      ...sources("scripts", ".mjs", ".ts"),
      ...sources("examples", ".ts"),
    ];
    const says = ({ text }: SourceFile): boolean =>
      text
        .split("\n")
        .slice(0, 2)
        .some((line) => line === "// SPDX-License-Identifier: Apache-2.0");
    none(
      files
        .filter((file) => !says(file))
        .map(({ path }) => `${path}: its first line is not // SPDX-License-Identifier: Apache-2.0`),
    );
  });

  test("nobody leaves the type system", () => {
    const offences = code.flatMap((file) =>
      escapesOf(file).map(({ line, what }) => `${file.path}:${line}: ${what}`),
    );
    const marks = new RegExp(
      ["@ts-" + "ignore", "@ts-" + "expect-error", "@ts-" + "nocheck"].join("|"),
    );
    for (const { path, text } of [...code, ...sources("test", ".ts")]) {
      text
        .split("\n")
        .forEach(
          (line, index) =>
            marks.test(line) && offences.push(`${path}:${index + 1}: ${line.trim()}`),
        );
    }
    none(offences);
  });

  test("no test is left out or runs alone by a mark in its code", () => {
    const marks = new RegExp("\\b(?:test|it|describe|suite)\\.(?:only|skip|todo)" + "\\(");
    none(
      sources("test", ".ts").flatMap(({ path, text }) =>
        text
          .split("\n")
          .flatMap((line, index) =>
            marks.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
          ),
      ),
    );
  });

  test("no file names a package registry's host or a path of one machine", () => {
    const hosts = [
      ["registry", "npmjs", "org"],
      ["proxy", "golang", "org"],
      ["sum", "golang", "org"],
      ["pypi", "org"],
      ["crates", "io"],
      ["deb", "debian", "org"],
    ].map((parts) => parts.join("\\."));
    const paths = ["work", "farm", "root"].map(
      (name) => `(?:^|[^A-Za-z0-9._-])/${name}/[A-Za-z0-9._]`,
    );
    const marks = new RegExp([...hosts, ...paths].join("|"));
    const files = [
      ...code,
      ...["test", "scripts", "examples", ".ci"].flatMap((place) => sources(place, "")),
    ];
    for (const name of [
      "README.md",
      "CONTRIBUTING.md",
      "CHANGELOG.md",
      "SECURITY.md",
      "package.json",
      "package-lock.json",
    ])
      files.push(...sources(name));
    none(
      files.flatMap(({ path, text }) =>
        text
          .split("\n")
          .flatMap((line, index) =>
            marks.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
          ),
      ),
    );
  });

  test("every error code is thrown somewhere, or it is said why not", () => {
    const said = new Set(
      code.filter(({ path }) => path !== "provider/errors.ts").flatMap(stringsOf),
    );
    const offences = Object.keys(ERROR_CODES)
      .filter((name) => !said.has(name) && !(name in NOT_THROWN))
      .map((name) => `${name}: nothing in provider/ says it`);
    for (const name of Object.keys(NOT_THROWN))
      if (said.has(name)) offences.push(`${name}: it is thrown now, so take it off the list`);
    none(offences);
  });

  test("what package.json exports has a source", () => {
    const targets = [
      ...Object.values(manifest.exports).flatMap((target) =>
        typeof target === "string" ? [] : [target.default],
      ),
      ...Object.values(manifest.bin).map((path) => `./${path}`),
    ];
    none(
      targets
        .map((target) => target.replace(/^\.\/dist\//, "").replace(/\.js$/, ".ts"))
        .filter((source) => sources(source).length === 0)
        .map((source) => `${source} does not exist`),
    );
  });
});
