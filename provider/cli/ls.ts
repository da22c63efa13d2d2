// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../content/bounded";
import { asConsignError, ConsignError } from "../errors";
import { formatLocation, parseReference } from "../oci/reference";
import { jsonText, printable } from "../printable";
import { Inspector } from "../report/inspector";
import type { ObservedArtifact } from "../report/observation";
import { faultsOf, verificationOf } from "../report/verification";
import type { Flags } from "./command-line";
import { environmentFrom, EXIT_CODES, registriesFrom } from "./inspection";
import {
  claimCounts,
  foreignCounts,
  signersOf,
  tagsFound,
  type ListedArtifact,
  type Listing,
  type Tagged,
  type Unknown,
} from "./listing";
import { listingLines } from "./listing-text";
import { trustFrom } from "./trust";
import { worst, type ExitCode, type World } from "./world";

const ARTIFACTS_AT_ONCE = 4;

/** `consign ls`: what a repository has under its tags, by whom it is signed, what is claimed. */
export async function ls(reference: string, flags: Flags, world: World): Promise<ExitCode> {
  const { location, tag, digest } = parseReference(reference);
  const repository = formatLocation(location);
  if (tag !== undefined || digest !== undefined)
    throw new ConsignError(
      "INPUT_INVALID",
      `ls lists a repository, and "${reference}" is one artifact in it: leave out its tag and digest, or use consign tree`,
    );
  const scope = flags.scope ?? repository;
  const trust = await trustFrom("ls", flags, scope, world);
  const inspector = new Inspector({
    registries: await registriesFrom(flags, world),
    baseDir: world.cwd,
    env: environmentFrom(flags, world),
  });
  try {
    const { artifacts: tagged, ...found } = await tagsFound(inspector.open(location));
    const looks: Look[] = [];
    await forEachBounded(tagged.entries(), ARTIFACTS_AT_ONCE, async ([at, each]) => {
      looks[at] = await lookAt(each, world.now, (now) =>
        inspector.observe(`${repository}@${each.digest}`, { trust, now, scope, extent: "claims" }),
      );
    });
    const listing: Listing = {
      repository,
      ...(trust === undefined ? {} : { policy: trust.name }),
      artifacts: looks.flatMap(({ listed }) => listed ?? []),
      ...found,
      unknown: [...found.unknown, ...looks.flatMap(({ unknown }) => unknown ?? [])],
      ...(looks.some(({ byTags }) => byTags) ? { listedByTags: true } : {}),
    };
    if (flags.json) world.print(jsonText(listing));
    else for (const line of listingLines(listing, world.color)) world.print(line);
    for (const line of doubts(listing)) world.tell(`consign: ${line}`);
    return exitCodeOf(listing);
  } finally {
    await inspector.close();
  }
}

interface Look {
  listed?: ListedArtifact;
  unknown?: Unknown;
  byTags: boolean;
}

/** What cannot be told of one artifact keeps nothing back about the others. */
async function lookAt(
  tagged: Tagged,
  now: Date,
  observe: (now: Date) => Promise<ObservedArtifact>,
): Promise<Look> {
  let observed: ObservedArtifact;
  try {
    observed = await observe(now);
  } catch (error) {
    const { code, message } = asConsignError(error);
    return { unknown: { ...tagged, code, reason: message }, byTags: false };
  }
  const verified = verificationOf(observed, {}, now)?.verified;
  const { mediaType, artifactType, signatures } = observed;
  const listed: ListedArtifact = {
    ...tagged,
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(verified === undefined ? {} : { verified }),
    unsigned: signatures.every(({ status }) => status === "invalid"),
    signatures: signersOf(observed),
    claims: claimCounts(observed),
    foreign: foreignCounts(observed),
    faults: faultsOf(observed),
  };
  return { listed, byTags: observed.listedByTags === true };
}

function doubts({ artifacts, unknown, left, listedByTags }: Listing): string[] {
  return [
    ...unknown.map(
      ({ tags, code, reason }) => `${tags.join(", ")}: ${printable(reason, 2_000)} [${code}]`,
    ),
    ...(left > 0 ? [`${left} more tags were not looked at [GRAPH_TOO_LARGE]`] : []),
    ...(artifacts.length + unknown.length + left === 0
      ? ["no tags are there, if the repository is [MANIFEST_UNKNOWN]"]
      : []),
    ...(listedByTags === true
      ? [
          "this registry keeps no lists of what refers to what: whoever may push can leave out what forbids",
        ]
      : []),
  ];
}

function exitCodeOf({ policy, artifacts, unknown, left }: Listing): ExitCode {
  const codes = artifacts.map(({ verified, faults }): ExitCode =>
    policy === undefined ? (faults.length === 0 ? 0 : 1) : EXIT_CODES[verified ?? "unknown"],
  );
  const unsure = unknown.length > 0 || left > 0 || artifacts.length === 0;
  return worst([...codes, unsure ? 2 : 0]);
}
