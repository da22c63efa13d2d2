// SPDX-License-Identifier: Apache-2.0
import { EXPOSURE_OPTIONS, type OptionName } from "./options";

export const COMMANDS = [
  "verify",
  "claims",
  "tree",
  "timeline",
  "retention",
  "exposure",
  "ls",
  "diff",
  "doctor",
  "explain",
  "completion",
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Commands that take several references. */
export type OfSeveral = "timeline" | "diff";

/** Commands that take one reference: `exposure` is told its places with an option. */
export type OfOne = Exclude<CommandName, OfSeveral | "exposure">;

export interface CommandForm {
  /** What follows its name. */
  operands: string;
  /** What the first operand is, for whoever left it out. */
  wants: string;
  says: string;
  options: readonly OptionName[];
  /** What it answers beyond 0, 1 and 2 as everywhere. */
  exits?: readonly string[];
  examples: readonly string[];
}

const REACHING = ["registries", "docker-config", "json"] as const;
const TRUSTING = ["policy", "root", "config-dir", "scope"] as const;

/** Every command: for the parser, for help, and for completion. */
export const FORMS: Readonly<Record<CommandName, CommandForm>> = {
  verify: {
    operands: "REFERENCE",
    wants: "which artifact to verify",
    says: "says whether the artifact may be used: its signature, its claims, its lifecycle",
    options: [...TRUSTING, "require", "follow-redirects", ...REACHING],
    examples: [
      "consign verify registry.example/net-monitor:v1",
      "consign verify oci:net-monitor:v1 --root ca.pem --require provenance",
      "consign verify registry.example/net-monitor:v1 --policy trustpolicy.json --follow-redirects --json",
    ],
  },
  claims: {
    operands: "REFERENCE",
    wants: "which artifact to look at",
    says: "lists what is claimed about the artifact, by whom, and whether it counts",
    options: [...TRUSTING, "require", ...REACHING],
    examples: [
      "consign claims registry.example/net-monitor:v1",
      "consign claims oci:net-monitor:v1 --policy trustpolicy.json --require sbom/spdx",
    ],
  },
  tree: {
    operands: "REFERENCE",
    wants: "which artifact to look at",
    says: "draws the artifact with everything that refers to it",
    options: [...TRUSTING, "require", "html", "retention", ...REACHING],
    examples: [
      "consign tree registry.example/net-monitor:v1",
      "consign tree oci:net-monitor:v1 --root ca.pem --html net-monitor.html",
    ],
  },
  timeline: {
    operands: "[NAME=]REFERENCE ...",
    wants: "which artifact to look at",
    says: "tells when it was signed, deployed and archived, as seen at one or several places",
    options: [...TRUSTING, "require", "html", "retention", ...REACHING],
    examples: [
      "consign timeline registry.example/net-monitor:v1",
      "consign timeline build=build.example/net-monitor:v1 prod=prod.example/net-monitor:v1 --html net-monitor.html",
    ],
  },
  retention: {
    operands: "REPOSITORY",
    wants: "which repository to look at",
    says: "lists what an ArchivePolicy with given rules would decide about everything in a repository",
    options: [...TRUSTING, "rules", "as-of", ...REACHING],
    examples: [
      "consign retention registry.example/net-monitor --policy trustpolicy.json --rules rules.json --as-of 2030-01-01",
    ],
  },
  exposure: {
    operands: "(--vulnerability ID | --package PURL | --claim TYPE | --osv FOLDER) --in PLACE ...",
    wants: "where to look: --in PLACE",
    says: "lists what at some places is or was affected by a vulnerability, contains a package, or has a claim",
    options: [...EXPOSURE_OPTIONS, ...TRUSTING, "html", ...REACHING],
    exits: [
      "0  nothing is affected",
      "1  something is",
      "2  nothing was found to be, and not all could be told; or the command line is wrong",
    ],
    examples: [
      "consign exposure --vulnerability CVE-2021-44228 --osv advisories --in registry.example/archive --policy trustpolicy.json",
      "consign exposure --package pkg:npm/log4js --in oci:net-monitor --root ca.pem --environment production --json",
    ],
  },
  ls: {
    operands: "REPOSITORY",
    wants: "which repository to list",
    says: "lists a repository's tags: by whom each is signed, its claims by type and issuer, what is unsigned or foreign",
    options: [...TRUSTING, ...REACHING],
    exits: [
      "0  with a trust policy, all is verified; without one, all is whole, and nobody is called trusted",
      "1  something is not verified, or broken",
      "2  something could not be told, there are no tags, or the command line is wrong",
    ],
    examples: [
      "consign ls registry.example/net-monitor",
      "consign ls oci:net-monitor --policy trustpolicy.json --json",
    ],
  },
  diff: {
    operands: "A B",
    wants: "which two places to compare",
    says: "compares two repositories, or two artifacts: tags, graphs, claims, and the blobs that manifests name",
    options: ["blobs", ...REACHING],
    exits: ["0  the same", "1  different", "2  could not tell, or the command line is wrong"],
    examples: [
      "consign diff build.example/net-monitor prod.example/net-monitor",
      "consign diff registry.example/net-monitor:v1 oci:net-monitor:v1 --blobs --json",
    ],
  },
  doctor: {
    operands: "HOST[/REPOSITORY]",
    wants: "which registry to examine",
    says: "examines a registry: TLS, authorization, lists of referrers and whether they can hide what forbids, and more",
    options: ["write", ...REACHING],
    exits: [
      "0  nothing is wrong; what was not asked is told",
      "1  something is wrong: no TLS, credentials are refused, or lists can hide what forbids",
      "2  something was asked and could not be told, or the command line is wrong",
    ],
    examples: [
      "consign doctor registry.example",
      "consign doctor registry.example/net-monitor --json",
      "consign doctor registry.example/net-monitor --write",
    ],
  },
  explain: {
    operands: "CODE",
    wants: "which code to explain, as MANIFEST_UNKNOWN",
    says: "tells what an error code means, what causes it, and what to do",
    options: ["json"],
    exits: ["0  told", "2  there is no such code"],
    examples: ["consign explain SIGNATURE_UNTRUSTED", "consign explain REFERRERS_UNKNOWN --json"],
  },
  completion: {
    operands: "bash|zsh|fish",
    wants: "for which shell: bash, zsh or fish",
    says: "prints a script that lets a shell complete commands, options and codes",
    options: [],
    exits: ["0  printed", "2  there is none for this shell"],
    examples: [
      "source <(consign completion bash)",
      'consign completion zsh > "${fpath[1]}/_consign"',
      "consign completion fish > ~/.config/fish/completions/consign.fish",
    ],
  },
};

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(FORMS, name);
}
