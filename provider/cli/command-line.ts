// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { resolveType } from "../claims";
import { ConsignError } from "../errors";

const OPTIONS = {
  policy: { type: "string" },
  root: { type: "string", multiple: true },
  require: { type: "string", multiple: true },
  scope: { type: "string" },
  "config-dir": { type: "string" },
  "docker-config": { type: "string" },
  registries: { type: "string" },
  html: { type: "string" },
  retention: { type: "string" },
  rules: { type: "string" },
  "as-of": { type: "string" },
  "follow-redirects": { type: "boolean" },
  vulnerability: { type: "string" },
  package: { type: "string" },
  claim: { type: "string" },
  condition: { type: "string" },
  in: { type: "string", multiple: true },
  environment: { type: "string", multiple: true },
  from: { type: "string" },
  until: { type: "string" },
  osv: { type: "string" },
  cache: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

export const HELP = `Usage: consign <command> REFERENCE [options]
       consign timeline [NAME=]REFERENCE ... [options]
       consign exposure --vulnerability ID | --package PURL | --claim TYPE | --osv FOLDER  --in PLACE ... [options]

Commands
  verify   says whether the artifact may be used: its signature, its claims, its lifecycle
  claims   lists what is claimed about the artifact, by whom, and whether it counts
  tree     draws the artifact with everything that refers to it
  timeline tells when it was signed, deployed and archived, as seen at one or several places
  retention lists what an ArchivePolicy with given rules would decide about everything in a repository
  exposure lists what at some places is or was affected by a vulnerability, contains a package, or has a claim

REFERENCE is host[:port]/repository or oci:directory, with :tag or @digest.

Whom to trust
  --policy FILE         a trust policy: one statement, or notation's trustpolicy.json
  --root FILE           a certificate to trust (PEM), beside the policy's; may be repeated. Without --policy:
                        level strict, any identity
  --config-dir DIR      notation's configuration directory
                        (default for verify: where notation keeps it; the others then use none)
  --scope NAME          what the trust policy calls the repository (default: as in REFERENCE)
  --require TYPE        a claim of this type must be there and count; may be repeated
  --follow-redirects    verify: where the artifact is redirected, verifies what it is redirected to, at most 5 times
                        (default: a redirect is a warning)

Registries
  --registries FILE     JSON, registry -> settings, as the stack configuration consign:registries
  --docker-config DIR   where Docker's config.json is (default: DOCKER_CONFIG, else ~/.docker)

Pages
  --html FILE           tree, timeline and exposure: writes one page for a browser or for paper, instead of printing
  --retention FILE      JSON, the output "entries" of an ArchivePolicy: until when it is kept

Retention
  --rules FILE          JSON, an ArchivePolicy's archive, archiveAfter, retain, onExpiry, release, deployments
  --as-of DATE          the day or time to plan for (default: now)

Exposure
  --vulnerability ID    a name that advisories, scans and VEX use, as CVE-2021-44228
  --package PURL        a package URL and a range of versions, as 'pkg:npm/log4js@<2.1'
  --claim TYPE          a claim; with --condition CEL, one of which that holds
  --in PLACE            a repository or oci:directory; may be repeated
  --environment NAME    only what was there; may be repeated
  --from DAY --until DAY only what was there then
  --osv FOLDER          advisories in the OSV format; without --vulnerability all that they know is asked for
  --cache DIR           where content is kept that was read; it may be deleted at any time
                        (default: pulumi-consign in XDG_CACHE_HOME, else in ~/.cache)

  --json                prints JSON
  --help, --version

Exit codes
  0  verified; for claims, tree and timeline without a trust policy: all that is there is whole, and nobody is called trusted
  1  not verified, or something is broken
  2  could not tell, or the command line is wrong
  exposure: 0 nothing is affected, 1 something is, 2 nothing was found to be, and not all could be told`;

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

export const COMMANDS = ["verify", "claims", "tree", "timeline", "retention", "exposure"] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Those that look at one reference. */
export type ReferenceCommand = Exclude<CommandName, "timeline" | "exposure">;

export type CommandLine =
  | { show: "help" | "version" }
  | { show: "result"; command: ReferenceCommand; reference: string; flags: Flags }
  | { show: "result"; command: "exposure"; flags: Flags }
  | { show: "result"; command: "timeline"; references: string[]; flags: Flags };

/** @throws ConsignError `INPUT_INVALID` */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  if (values.help === true) return { show: "help" };
  if (values.version === true) return { show: "version" };
  const [name, reference, ...more] = positionals;
  if (name === undefined)
    throw wrong("say what to do: verify, claims, tree, timeline, retention or exposure");
  const command = COMMANDS.find((each) => each === name);
  if (command === undefined)
    throw wrong(
      `"${name}" is no command: verify, claims, tree, timeline, retention and exposure are`,
    );
  checkFlags(command, values);
  const flags = flagsFrom(values);
  if (command === "exposure") {
    if (reference !== undefined)
      throw wrong(`say where to look with --in; "${reference}" is one argument too many`);
    return { show: "result", command, flags };
  }
  if (reference === undefined)
    throw wrong(`say which artifact to ${command === "verify" ? "verify" : "look at"}`);
  if (more.length > 0 && command !== "timeline")
    throw wrong(`one reference at a time; "${more[0]}" is one too many`);
  return command === "timeline"
    ? { show: "result", command, references: [reference, ...more], flags }
    : { show: "result", command, reference, flags };
}

type Values = ReturnType<typeof parse>["values"];

/** Options that only some commands have. */
function checkFlags(command: CommandName, values: Values): void {
  if (values.html !== undefined && !["tree", "timeline", "exposure"].includes(command))
    throw wrong("--html is for tree, timeline and exposure");
  if (values.html !== undefined && values.json === true) throw wrong("say either --html or --json");
  if (
    values.retention !== undefined &&
    (command === "exposure" || (values.html === undefined && command !== "timeline"))
  )
    throw wrong("--retention is for timeline, and for pages");
  if ((values.rules !== undefined || values["as-of"] !== undefined) && command !== "retention")
    throw wrong("--rules and --as-of are for retention");
  checkQuestion(command, values);
}

/** What is asked about one artifact, and what about many. */
function checkQuestion(command: CommandName, values: Values): void {
  if (values.require !== undefined && (command === "retention" || command === "exposure"))
    throw wrong(`--require asks about one artifact, and is not for ${command}`);
  if (values["follow-redirects"] === true && command !== "verify")
    throw wrong("--follow-redirects is for verify");
  const asked = EXPOSURE_OPTIONS.find((name) => values[name] !== undefined);
  if (asked !== undefined && command !== "exposure") throw wrong(`--${asked} is for exposure`);
  if (command === "exposure" && values.in === undefined)
    throw wrong("say where to look: --in PLACE");
  for (const type of values.require ?? []) resolveType(type);
}

const EXPOSURE_OPTIONS = [
  "vulnerability",
  "package",
  "claim",
  "condition",
  "in",
  "environment",
  "from",
  "until",
  "osv",
  "cache",
] as const;

function flagsFrom(values: Values): Flags {
  return {
    roots: values.root ?? [],
    require: values.require ?? [],
    followRedirects: values["follow-redirects"] ?? false,
    json: values.json ?? false,
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

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (cause) {
    throw wrong((cause as Error).message.split(". ")[0] ?? "the options do not parse");
  }
}

function wrong(message: string): ConsignError {
  return new ConsignError("INPUT_INVALID", `${message}; see consign --help`);
}
