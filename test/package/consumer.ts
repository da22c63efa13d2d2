// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { tempDir } from "../harness/temp";
import { repositoryRoot } from "../harness/toolchain";

const SHIPPED = ["dist", "package.json", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md"];

/** The package as `npm pack` makes it: a tarball, and who has it in node_modules. */
export interface Packed {
  tarball: string;
  /** Where it is installed. */
  installed: string;
  /** A project that has it. */
  project: string;
}

export function packPackage(): Packed {
  const folder = tempDir("package");
  for (const name of SHIPPED)
    cpSync(join(repositoryRoot, name), join(folder, "source", name), { recursive: true });
  const modules = join(repositoryRoot, "node_modules");
  symlinkSync(modules, join(folder, "source", "node_modules"), "junction");
  const source = join(folder, "source");
  run(process.execPath, [join(repositoryRoot, "scripts", "declarations.mjs"), source], folder);
  run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], source);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm packed nothing");
  const project = join(folder, "project");
  const installed = join(project, "node_modules", "pulumi-consign");
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", join(folder, tarball), "-C", installed, "--strip-components=1"], folder);
  for (const name of readdirSync(modules))
    if (name !== "pulumi-consign" && !name.startsWith("."))
      symlinkSync(join(modules, name), join(project, "node_modules", name), "junction");
  return { tarball: join(folder, tarball), installed, project };
}

function run(program: string, args: string[], cwd: string): void {
  execFileSync(program, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
}

export interface Complaint {
  code: number;
  text: string;
}

/**
 * Compiles programs of a project as one that resolves modules the old way and checks every
 * declaration it comes across.
 * @returns what the compiler says, by the program; what it says of anything else under ""
 */
export function compile(
  project: string,
  programs: Readonly<Record<string, string>>,
): Record<string, Complaint[]> {
  const paths = new Map<string, string>();
  for (const [name, text] of Object.entries(programs)) {
    const path = join(project, `${name}.ts`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    paths.set(path, name);
  }
  const program = ts.createProgram([...paths.keys()], {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    skipLibCheck: false,
    types: ["node"],
    typeRoots: [join(project, "node_modules", "@types")],
    noEmit: true,
  });
  const complaints: Record<string, Complaint[]> = { "": [] };
  for (const name of Object.keys(programs)) complaints[name] = [];
  for (const { code, file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const name = paths.get(file?.fileName ?? "") ?? "";
    const text = ts.flattenDiagnosticMessageText(messageText, "\n");
    complaints[name]?.push({ code, text: name === "" ? `${file?.fileName}: ${text}` : text });
  }
  return complaints;
}
