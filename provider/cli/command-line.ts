// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { resolveType } from "../claims";
import { ConsignError } from "../errors";
import {
  COMMANDS,
  FORMS,
  isCommand,
  type CommandName,
  type OfOne,
  type OfSeveral,
} from "./commands";
import { takersOf } from "./help";
import { didYouMean } from "./nearest";
import { EXPOSURE_OPTIONS, isOptionName, OPTION_NAMES, OPTIONS } from "./options";

export interface Flags {
  policy?: string;
  roots: string[];
  require: string[];
  scope?: string;
  configDir?: string;
  dockerConfig?: string;
  registries?: string;
  html?: string;
  retention?: string;
  rules?: string;
  asOf?: string;
  followRedirects: boolean;
  json: boolean;
  blobs: boolean;
  write: boolean;
  exposure: ExposureFlags;
}

/** What `consign exposure` is asked. */
export interface ExposureFlags {
  vulnerability?: string | undefined;
  package?: string | undefined;
  claim?: string | undefined;
  condition?: string | undefined;
  in: string[];
  environment?: string[] | undefined;
  from?: string | undefined;
  until?: string | undefined;
  osv?: string | undefined;
  cache?: string | undefined;
}

export type CommandLine =
  | { show: "help"; command?: CommandName }
  | { show: "version" }
  | { show: "result"; command: OfOne; reference: string; flags: Flags }
  | { show: "result"; command: "exposure"; flags: Flags }
  | { show: "result"; command: OfSeveral; references: string[]; flags: Flags };

/** @throws ConsignError `INPUT_INVALID` */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  const [name, reference, ...more] = positionals;
  if (name === "help")
    return reference === undefined
      ? { show: "help" }
      : { show: "help", command: commandNamed(reference) };
  if (values.help === true)
    return name === undefined || !isCommand(name)
      ? { show: "help" }
      : { show: "help", command: name };
  if (values.version === true) return { show: "version" };
  if (name === undefined) throw wrong(`say what to do: ${list(COMMANDS, "or")}`);
  const command = commandNamed(name);
  if (command === "exposure") {
    checkOptions(command, values);
    if (reference !== undefined)
      throw wrong(`say where to look with --in; "${reference}" is one argument too many`);
    if (values.in === undefined) throw wrong(`say ${FORMS.exposure.wants}`);
    return { show: "result", command, flags: flagsFrom(values) };
  }
  if (reference === undefined) throw wrong(`say ${FORMS[command].wants}`);
  if (command === "diff" && more.length === 0) throw wrong(`say ${FORMS.diff.wants}`);
  if (more.length > (command === "diff" ? 1 : 0) && command !== "timeline")
    throw wrong(
      `${command === "diff" ? "two places" : "one reference"} at a time; "${more.at(-1)}" is one too many`,
    );
  checkOptions(command, values);
  for (const type of values.require ?? []) resolveType(type);
  const flags = flagsFrom(values);
  return command === "timeline" || command === "diff"
    ? { show: "result", command, references: [reference, ...more], flags }
    : { show: "result", command, reference, flags };
}

type Values = ReturnType<typeof parse>["values"];

function flagsFrom(values: Values): Flags {
  return {
    roots: values.root ?? [],
    require: values.require ?? [],
    followRedirects: values["follow-redirects"] === true,
    json: values.json === true,
    blobs: values.blobs === true,
    write: values.write === true,
    exposure: {
      ...Object.fromEntries(EXPOSURE_OPTIONS.map((name) => [name, values[name]])),
      in: values.in ?? [],
    },
    ...(values.policy === undefined ? {} : { policy: values.policy }),
    ...(values.scope === undefined ? {} : { scope: values.scope }),
    ...(values["config-dir"] === undefined ? {} : { configDir: values["config-dir"] }),
    ...(values["docker-config"] === undefined ? {} : { dockerConfig: values["docker-config"] }),
    ...(values.registries === undefined ? {} : { registries: values.registries }),
    ...(values.html === undefined ? {} : { html: values.html }),
    ...(values.retention === undefined ? {} : { retention: values.retention }),
    ...(values.rules === undefined ? {} : { rules: values.rules }),
    ...(values["as-of"] === undefined ? {} : { asOf: values["as-of"] }),
  };
}

function checkOptions(command: CommandName, values: Values): void {
  for (const name of OPTION_NAMES) {
    if (values[name] === undefined) continue;
    const takers = takersOf(name);
    if (takers.length > 0 && !takers.includes(command))
      throw wrong(`--${name} is for ${list(takers, "and")}, and not for ${command}`);
  }
  if (values.html !== undefined && values.json === true) throw wrong("say either --html or --json");
  if (values.retention !== undefined && values.html === undefined && command !== "timeline")
    throw wrong("--retention is for timeline, and for pages");
}

function commandNamed(name: string): CommandName {
  if (isCommand(name)) return name;
  throw wrong(`"${name}" is no command: ${list(COMMANDS, "and")} are${didYouMean(name, COMMANDS)}`);
}

function list(names: readonly string[], word: "and" | "or"): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} ${word} ${last}`;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (cause) {
    const message = (cause as Error).message.split(". ")[0] ?? "the options do not parse";
    const [, option = ""] = /^Unknown option '--([^']*)'/.exec(message) ?? [];
    const names = isOptionName(option) || option === "" ? [] : OPTION_NAMES;
    throw wrong(
      `${message}${didYouMean(
        `--${option}`,
        names.map((name) => `--${name}`),
      )}`,
    );
  }
}

function wrong(message: string): ConsignError {
  return new ConsignError("INPUT_INVALID", `${message}; see consign --help`);
}
