// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import ts from "typescript";
import { repositoryRoot } from "./toolchain";

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  path: string;
  text: string;
}

/**
 * Files of a folder of the repository, or a single file, whose names end in one of these; what is
 * generated is left out.
 */
export function sources(place: string, ...endings: string[]): SourceFile[] {
  const root = join(repositoryRoot, place);
  if (!existsSync(root)) return [];
  const paths =
    endings.length === 0
      ? [root]
      : readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((entry) =>
          entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
        );
  return paths
    .map((path) => ({ path: relative(repositoryRoot, path).split(sep).join("/"), absolute: path }))
    .filter(
      ({ path }) =>
        (endings.length === 0 || endings.some((ending) => path.endsWith(ending))) &&
        !/(?:^|\/)(?:node_modules|dist|\.run)\//.test(path),
    )
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, absolute }) => ({ path, text: readFileSync(absolute, "utf8") }));
}

export interface Import {
  /** As written. */
  specifier: string;
  line: number;
  /** Leaves nothing in the JavaScript: `import type`, or `typeof import("x")`. */
  typeOnly: boolean;
  /** Loaded when the code gets there: `import("x")`, `require("x")`. */
  lazy: boolean;
}

/**
 * Every module that a file names: static and dynamic imports, re-exports, `require`, and import
 * types.
 */
export function importsOf({ path, text }: SourceFile): Import[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, lazy = false): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    found.push({
      specifier: specifier.text,
      line: file.getLineAndCharacterOfPosition(specifier.getStart()).line + 1,
      typeOnly,
      lazy,
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
    else if (
      ts.isCallExpression(node) &&
      (node.expression.kind === ts.SyntaxKind.ImportKeyword ||
        node.expression.getText() === "require")
    )
      add(node.arguments[0], false, true);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return (
    clause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}

/** Every string in a file's code; comments do not count. */
export function stringsOf({ path, text }: SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return found;
}

/**
 * Where a file leaves the type system: `any`, a cast by way of `unknown`. Comments and strings do
 * not count.
 */
export function escapesOf({ path, text }: SourceFile): { line: number; what: string }[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: { line: number; what: string }[] = [];
  const visit = (node: ts.Node): void => {
    const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push({ line, what: "any" });
    if (
      ts.isAsExpression(node) &&
      ts.isAsExpression(node.expression) &&
      node.expression.type.kind === ts.SyntaxKind.UnknownKeyword
    )
      found.push({ line, what: "a cast by way of unknown" });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
