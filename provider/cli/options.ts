// SPDX-License-Identifier: Apache-2.0

export const GROUPS = [
  "Whom to trust",
  "Registries",
  "Pages",
  "Retention",
  "Exposure",
  "Looking closer",
  "Everywhere",
] as const;

interface OptionForm {
  type: "string" | "boolean";
  multiple?: boolean;
  short?: string;
  /** What its value stands for in help. */
  value?: string;
  /** Its value is a file or a directory, which a shell can complete. */
  path?: "file" | "directory";
  group: (typeof GROUPS)[number];
  says: string;
}

/** Every option of every command: for the parser, for help, and for completion. */
export const OPTIONS = {
  policy: {
    type: "string",
    value: "FILE",
    path: "file",
    group: "Whom to trust",
    says: "a trust policy: one statement, or notation's trustpolicy.json",
  },
  root: {
    type: "string",
    multiple: true,
    value: "FILE",
    path: "file",
    group: "Whom to trust",
    says: "a certificate to trust (PEM), beside the policy's; may be repeated. Without --policy: level strict, any identity",
  },
  "config-dir": {
    type: "string",
    value: "DIR",
    path: "directory",
    group: "Whom to trust",
    says: "notation's configuration directory (default for verify: where notation keeps it; the others then use none)",
  },
  scope: {
    type: "string",
    value: "NAME",
    group: "Whom to trust",
    says: "what the trust policy calls the repository (default: as in REFERENCE)",
  },
  require: {
    type: "string",
    multiple: true,
    value: "TYPE",
    group: "Whom to trust",
    says: "a claim of this type must be there and count; may be repeated",
  },
  "follow-redirects": {
    type: "boolean",
    group: "Whom to trust",
    says: "where the artifact is redirected, verifies what it is redirected to, at most 5 times (default: a redirect is a warning)",
  },
  registries: {
    type: "string",
    value: "FILE",
    path: "file",
    group: "Registries",
    says: "JSON, registry -> settings, as the stack configuration consign:registries",
  },
  "docker-config": {
    type: "string",
    value: "DIR",
    path: "directory",
    group: "Registries",
    says: "where Docker's config.json is (default: DOCKER_CONFIG, else ~/.docker)",
  },
  html: {
    type: "string",
    value: "FILE",
    path: "file",
    group: "Pages",
    says: "writes one page for a browser or for paper, instead of printing",
  },
  retention: {
    type: "string",
    value: "FILE",
    path: "file",
    group: "Pages",
    says: 'JSON, the output "entries" of an ArchivePolicy: until when it is kept',
  },
  rules: {
    type: "string",
    value: "FILE",
    path: "file",
    group: "Retention",
    says: "JSON, an ArchivePolicy's archive, archiveAfter, retain, onExpiry, release, deployments",
  },
  "as-of": {
    type: "string",
    value: "DATE",
    group: "Retention",
    says: "the day or time to plan for (default: now)",
  },
  vulnerability: {
    type: "string",
    value: "ID",
    group: "Exposure",
    says: "a name that advisories, scans and VEX use, as CVE-2021-44228",
  },
  package: {
    type: "string",
    value: "PURL",
    group: "Exposure",
    says: "a package URL and a range of versions, as 'pkg:npm/log4js@<2.1'",
  },
  claim: {
    type: "string",
    value: "TYPE",
    group: "Exposure",
    says: "a claim of this type",
  },
  condition: {
    type: "string",
    value: "CEL",
    group: "Exposure",
    says: "with --claim: one of which this condition holds",
  },
  in: {
    type: "string",
    multiple: true,
    value: "PLACE",
    group: "Exposure",
    says: "a repository or oci:directory to look at; may be repeated",
  },
  environment: {
    type: "string",
    multiple: true,
    value: "NAME",
    group: "Exposure",
    says: "only what was there; may be repeated",
  },
  from: {
    type: "string",
    value: "DAY",
    group: "Exposure",
    says: "only what was there on this day or later",
  },
  until: {
    type: "string",
    value: "DAY",
    group: "Exposure",
    says: "only what was there on this day or earlier",
  },
  osv: {
    type: "string",
    value: "FOLDER",
    path: "directory",
    group: "Exposure",
    says: "advisories in the OSV format; without --vulnerability all that they know is asked for",
  },
  cache: {
    type: "string",
    value: "DIR",
    path: "directory",
    group: "Exposure",
    says: "where content is kept that was read; it may be deleted at any time (default: pulumi-consign in XDG_CACHE_HOME, else in ~/.cache)",
  },
  blobs: {
    type: "boolean",
    group: "Looking closer",
    says: "asks both places for each blob that their manifests name, too",
  },
  write: {
    type: "boolean",
    group: "Looking closer",
    says: "also writes, to the repository consign-doctor in the one that is named, and removes what it wrote",
  },
  json: { type: "boolean", group: "Everywhere", says: "prints JSON" },
  help: { type: "boolean", short: "h", group: "Everywhere", says: "tells how to use the command" },
  version: { type: "boolean", group: "Everywhere", says: "prints the version" },
} as const satisfies Record<string, OptionForm>;

/** What `consign exposure` alone is asked. */
export const EXPOSURE_OPTIONS = [
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

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS).filter(isOptionName);

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

export function formOf(name: OptionName): OptionForm {
  return OPTIONS[name];
}
