// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { packageKey, parsePurl } from "../packages/identity";

const eventSchema = z.union([
  z.strictObject({ introduced: z.string() }),
  z.strictObject({ fixed: z.string() }),
  z.strictObject({ last_affected: z.string() }),
  z.strictObject({ limit: z.string() }),
]);
export type RangeEvent = z.infer<typeof eventSchema>;

const rangeSchema = z.looseObject({
  type: z.enum(["SEMVER", "ECOSYSTEM", "GIT"]),
  events: z.array(eventSchema).min(1),
});
export type AdvisoryRange = z.infer<typeof rangeSchema>;

const severitySchema = z.looseObject({ type: z.string(), score: z.string() });

/** @see https://ossf.github.io/osv-schema/ */
const osvSchema = z.looseObject({
  id: z.string().min(1),
  modified: z.iso.datetime({ offset: true }),
  withdrawn: z.string().optional(),
  aliases: z.array(z.string()).optional(),
  summary: z.string().optional(),
  severity: z.array(severitySchema).optional(),
  affected: z
    .array(
      z.looseObject({
        package: z
          .looseObject({
            ecosystem: z.string().min(1),
            name: z.string().min(1),
            purl: z.string().optional(),
          })
          .optional(),
        ranges: z.array(rangeSchema).optional(),
        versions: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

/** What an advisory says of one package. */
export interface AffectedPackage {
  key: string;
  /** `11` of `Debian:11`: the release of a distribution that it is about. */
  release?: string | undefined;
  ranges: AdvisoryRange[];
  versions: ReadonlySet<string>;
}

export interface Advisory {
  id: string;
  modified: string;
  /** Its other names. */
  aliases: string[];
  summary?: string;
  severity: { method: string; score: string }[];
  affected: AffectedPackage[];
}

/** Package URL types by OSV's ecosystems, in lower case. */
const TYPES: Readonly<Record<string, string>> = {
  npm: "npm",
  pypi: "pypi",
  go: "golang",
  maven: "maven",
  rubygems: "gem",
  // In two parts, as that is also the name of a host.
  ["crates" + ".io"]: "cargo",
  nuget: "nuget",
  packagist: "composer",
  hex: "hex",
  pub: "pub",
  swifturl: "swift",
  "github actions": "github",
  debian: "deb",
  ubuntu: "deb",
  alpine: "apk",
  wolfi: "apk",
  chainguard: "apk",
  cran: "cran",
  hackage: "hackage",
  julia: "julia",
  conancenter: "conan",
  bitnami: "bitnami",
  opam: "opam",
  "red hat": "rpm",
  "rocky linux": "rpm",
  almalinux: "rpm",
  suse: "rpm",
  opensuse: "rpm",
};
/** How the key of a package begins whose ecosystem no type of package URL is known for. */
export const ELSEWHERE = "osv ";

/**
 * Reads an advisory. @returns undefined for one that was withdrawn; a text says why it cannot be
 * read, and is not to be passed over
 */
export function readAdvisory(value: unknown): Advisory | string | undefined {
  const parsed = osvSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return `it is no advisory in the OSV format: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`;
  }
  const {
    id,
    modified,
    withdrawn,
    aliases = [],
    summary,
    severity = [],
    affected = [],
  } = parsed.data;
  if (withdrawn !== undefined) return undefined;
  return {
    id,
    modified,
    aliases,
    ...(summary === undefined ? {} : { summary }),
    severity: severity.map(({ type, score }) => ({ method: type, score })),
    affected: affected.flatMap(packageIn),
  };
}

/** What names no package is about a repository, and no SBOM says which commit it was. */
function packageIn({
  package: about,
  ranges = [],
  versions = [],
}: NonNullable<z.infer<typeof osvSchema>["affected"]>[number]): AffectedPackage[] {
  if (about === undefined) return [];
  const [, release] = /^[^:]+:(.+)$/.exec(about.ecosystem) ?? [];
  return [
    {
      key: keyOf(about),
      ...(release === undefined ? {} : { release }),
      ranges,
      versions: new Set(versions),
    },
  ];
}

function keyOf({
  ecosystem,
  name,
  purl,
}: {
  ecosystem: string;
  name: string;
  purl?: string | undefined;
}): string {
  const base = (ecosystem.split(":")[0] ?? "").toLowerCase();
  const type = TYPES[base];
  const parsed = purl === undefined ? undefined : parsePurl(purl);
  if (parsed !== undefined) return parsed.key;
  if (type === undefined) return packageKey(`${ELSEWHERE}${base}`, name);
  const distribution = ["deb", "apk", "rpm"].includes(type);
  return packageKey(
    type,
    distribution ? `${base}/${name}` : type === "maven" ? name.replace(":", "/") : name,
  );
}
