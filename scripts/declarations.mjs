// SPDX-License-Identifier: Apache-2.0
// The declarations that the package ships: those that its exports lead to, in terms of their own.
// Schemas are zod's, and a program that uses this package should compile without zod's types.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import ts from "typescript";

const { TypeFormatFlags: Flags } = ts;
const WRITTEN_OUT = Flags.NoTruncation | Flags.InTypeAlias | Flags.UseFullyQualifiedType;

/** Rewrites the declarations in `dist` of a package's folder, and removes what nothing leads to. */
export async function publishDeclarations(packageFolder) {
  const { exports } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  const entries = Object.values(exports).flatMap((target) =>
    typeof target === "string" ? [] : [resolve(packageFolder, target.types)],
  );
  const dist = join(packageFolder, "dist");
  const program = programOf(entries);
  const reached = program
    .getSourceFiles()
    .filter(({ fileName }) => resolve(fileName).startsWith(dist + sep));
  const rewritten = reached.map((file) => [
    file.fileName,
    withoutZod(file, program.getTypeChecker(), join(dist, "provider", "schema")),
  ]);
  for (const [path, text] of rewritten)
    if (text !== undefined)
      writeFileSync(path, await format(text, { parser: "typescript", printWidth: 100 }));
  const kept = new Set(reached.map(({ fileName }) => resolve(fileName)));
  kept.add(join(dist, "provider", "schema.d.ts"));
  for (const path of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const full = join(dist, path);
    if (path.endsWith(".d.ts") && !kept.has(full) && existsSync(full)) rmSync(full);
  }
}

/** Only what declares a schema is of interest beyond the package itself. */
function programOf(entries) {
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    skipLibCheck: true,
    types: [],
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  host.resolveModuleNameLiterals = (literals, from, _redirected, known) =>
    literals.map(({ text }) =>
      text.startsWith(".") || text === "zod"
        ? ts.resolveModuleName(text, from, known, host)
        : { resolvedModule: undefined },
    );
  return ts.createProgram(entries, options, host);
}

/** @returns undefined where nothing has to be rewritten */
function withoutZod(file, checker, schemaModule) {
  const zod = file.statements.find(
    (statement) => ts.isImportDeclaration(statement) && statement.moduleSpecifier.text === "zod",
  );
  if (zod === undefined) return undefined;
  const edits = [];
  const replace = (node, text) => edits.push({ from: node.getStart(file), to: node.end, text });
  const written = (type, node) => checker.typeToString(type, node, WRITTEN_OUT);
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && node.type !== undefined) {
      const output = checker.getTypeAtLocation(node).getProperty("_output");
      if (output !== undefined && mentionsZod(node.type, file))
        return replace(
          node.type,
          `Schema<${written(checker.getTypeOfSymbolAtLocation(output, node), node)}>`,
        );
    }
    if (ts.isTypeReferenceNode(node)) {
      const name = node.typeName.getText(file);
      if (name === "z.infer" || name === "z.output" || name === "z.input")
        return replace(node, `(${written(checker.getTypeFromTypeNode(node), node)})`);
      if (name === "z.ZodType")
        return replace(node, `Schema<${node.typeArguments?.[0]?.getText(file) ?? "unknown"}>`);
    }
    ts.forEachChild(node, visit);
  };
  file.statements.filter((statement) => statement !== zod).forEach(visit);
  const path = relative(dirname(file.fileName), schemaModule).split(sep).join("/");
  replace(zod, `import type { Schema } from "${path.startsWith(".") ? path : `./${path}`}";`);
  let { text } = file;
  for (const edit of edits.sort((a, b) => b.from - a.from))
    text = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  if (/\bz\.\w|"\/|import\("/.test(text))
    throw new Error(`${file.fileName}: its declarations cannot be told without zod's`);
  return text;
}

function mentionsZod(node, file) {
  return /\bz\.\w/.test(node.getText(file));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await publishDeclarations(process.argv[2]);
