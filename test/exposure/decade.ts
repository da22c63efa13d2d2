// SPDX-License-Identifier: Apache-2.0
// A decade of releases with SBOMs, and what is true of each, told by what made it and not by reading.
import { packClaim } from "../../provider/claims/index";
import { bytesBlob, packManifest, type PackedArtifact } from "../../provider/content/pack";
import type { ReadStore } from "../../provider/content/storage";
import { ConsignError } from "../../provider/errors";
import { keySigner, packSignature, signEnvelope } from "../../provider/notation/index";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import { digestOf, type Digest } from "../../provider/oci/digest";
import { referrerDescriptor, type Manifest } from "../../provider/oci/manifest";
import type { Party } from "../harness/memory-world";
import { Random } from "../fuzz/random";
import { cyclonedx, document, spdx, vexOf } from "./world";

export const START = Date.parse("2016-01-01T00:00:00Z");
export const DAY = 86_400_000;
const DAYS = 3_650;
const NAMES = 400;

export interface Options {
  releases: number;
  services: number;
  packages: readonly [least: number, most: number];
  advisories: number;
  seed: number;
}

export interface Known {
  id: string;
  package: string;
  introduced: number;
  fixed: number;
}

/** What was made, in numbers: versions are `major.0.0`. */
export interface Release {
  index: number;
  digest: Digest;
  tag: string;
  service: number;
  from: number;
  until: number | undefined;
  environment: string;
  versions: ReadonlyMap<string, number>;
  sbom: "cyclonedx" | "spdx" | "none" | "stranger";
  /** Of these advisories a trusted VEX says that it is not affected. */
  cleared: ReadonlySet<string>;
  purged: boolean;
}

export type Truth = "affected" | "unknown" | "fixed" | "not-affected";

/** What has to come out, by rules that are written here again from the words of the issue. */
export function truthOf(
  { sbom, versions, cleared }: Release,
  { id, package: name, introduced, fixed }: Known,
): Truth {
  const word = cleared.has(id) ? "not-affected" : undefined;
  if (sbom === "none" || sbom === "stranger") return word ?? "unknown";
  const version = versions.get(name);
  if (version === undefined || version < introduced) return "not-affected";
  // What is fixed by its version is so whatever VEX says.
  return version >= fixed ? "fixed" : (word ?? "affected");
}

export function wasIn(
  { environment, from, until }: Release,
  wanted: string,
  first: number,
  last: number,
): boolean {
  return environment === wanted && from <= last && (until ?? Infinity) >= first;
}

export function advisoriesOf({ advisories, seed }: Options): Known[] {
  const random = new Random(seed + 1);
  return Array.from({ length: advisories }, (_, index) => {
    const introduced = random.below(6);
    return {
      id: `CVE-2026-${1000 + index}`,
      package: nameOf(random.below(NAMES)),
      introduced,
      fixed: introduced + 1 + random.below(5),
    };
  });
}

const nameOf = (index: number): string => `package-${index}`;

function describe(
  index: number,
  { services, packages: [least, most], seed, releases }: Options,
  advisories: readonly Known[],
) {
  const random = new Random(seed + 7_919 * (index + 1));
  const day = Math.floor((index / releases) * DAYS);
  const versions = new Map<string, number>();
  const count = least + random.below(most - least + 1);
  for (let at = 0; at < count; at += 1)
    versions.set(
      at < NAMES / 4 ? nameOf(random.below(NAMES)) : `filler-${random.below(5_000)}`,
      random.below(12),
    );
  const from = START + day * DAY;
  const lasts = random.below(20) === 0;
  const kind = random.below(20);
  return {
    service: index % services,
    tag: `s${index % services}-v${index}`,
    from,
    until: lasts ? undefined : from + (1 + random.below(400)) * DAY,
    environment: random.below(3) === 0 ? "staging" : "production",
    versions,
    sbom:
      kind === 0
        ? ("none" as const)
        : kind === 1
          ? ("stranger" as const)
          : kind < 10
            ? ("spdx" as const)
            : ("cyclonedx" as const),
    cleared: new Set(advisories.filter(() => random.below(15) === 0).map(({ id }) => id)),
    purged: random.below(4) === 0,
  };
}

/** Where the bytes of a thing come from: large ones are made again each time, so that memory is ours. */
interface Kept {
  manifests: Map<Digest, Manifest>;
  small: Map<Digest, Uint8Array>;
  large: Map<Digest, number>;
  referrers: Map<Digest, Descriptor[]>;
  tags: Map<string, Descriptor>;
}

/** A repository with all of it, which counts what it is asked. */
export class Decade implements ReadStore {
  readonly name: string;
  readonly releases: Release[] = [];
  readonly advisories: Known[];
  requests = 0;
  readonly #kept: Kept = {
    manifests: new Map(),
    small: new Map(),
    large: new Map(),
    referrers: new Map(),
    tags: new Map(),
  };

  private constructor(
    name: string,
    private readonly options: Options,
  ) {
    this.name = name;
    this.advisories = advisoriesOf(options);
  }

  static async make(
    name: string,
    options: Options,
    vendor: Party,
    stranger: Party,
  ): Promise<Decade> {
    const decade = new Decade(name, options);
    for (let index = 0; index < options.releases; index += 1)
      await decade.#add(index, vendor, stranger);
    return decade;
  }

  async #add(index: number, vendor: Party, stranger: Party): Promise<void> {
    const made = describe(index, this.options, this.advisories);
    const packed = packManifest({
      artifactType: "application/vnd.example.app",
      layers: [bytesBlob(Buffer.from(`release ${index}\n`), "text/plain")],
    });
    const subject = plainDescriptor(packed.manifest.descriptor);
    await this.#keep(packed);
    this.#kept.tags.set(made.tag, packed.manifest.descriptor);
    const { environment, purged } = made;
    const from = new Date(made.from).toISOString();
    const until = made.until === undefined ? undefined : new Date(made.until).toISOString();
    const stay = { environment, from, ...(until === undefined ? {} : { until }) };
    await this.#say({ type: "deployment", subject, predicate: stay }, vendor);
    if (purged && until !== undefined)
      await this.#say({ type: "content-purged", subject, predicate: { purgedAt: until } }, vendor);
    if (made.sbom !== "none") {
      const type = made.sbom === "spdx" ? "sbom/spdx" : "sbom/cyclonedx";
      await this.#say(
        { type, subject, document: document(sbomOf(made)) },
        made.sbom === "stranger" ? stranger : vendor,
        index,
      );
    }
    if (made.cleared.size > 0)
      await this.#say({ type: "vex", subject, predicate: clearing(made.cleared) }, vendor);
    this.releases.push({ index, digest: subject.digest, ...made });
  }

  async #say(
    content: Omit<Parameters<typeof packClaim>[0], "audience">,
    by: Party,
    large?: number,
  ): Promise<void> {
    const packed = packClaim({ audience: "public", ...content });
    await this.#keep(packed, large);
    const target = plainDescriptor(packed.manifest.descriptor);
    const envelope = await signEnvelope({
      target,
      signer: keySigner(by.issued.key.privateKey, by.issued.chain),
      signingTime: new Date(),
    });
    await this.#keep(packSignature({ subject: target, envelope }));
  }

  async #keep({ manifest, blobs }: PackedArtifact, large?: number): Promise<void> {
    const { manifests, small, large: lazily, referrers } = this.#kept;
    manifests.set(manifest.descriptor.digest, manifest);
    const { subject } = manifest.value;
    if (subject !== undefined)
      referrers.set(subject.digest, [
        ...(referrers.get(subject.digest) ?? []),
        referrerDescriptor(manifest),
      ]);
    for (const { descriptor, open } of blobs) {
      if (large !== undefined && descriptor.size > 1_000) lazily.set(descriptor.digest, large);
      else for await (const chunk of await open()) small.set(descriptor.digest, chunk);
    }
  }

  async tags(): Promise<string[]> {
    this.requests += 1;
    return [...this.#kept.tags.keys()].sort();
  }

  async resolve(reference: string): Promise<Descriptor> {
    this.requests += 1;
    const found =
      this.#kept.tags.get(reference) ?? this.#kept.manifests.get(reference as Digest)?.descriptor;
    if (found === undefined)
      throw new ConsignError("MANIFEST_UNKNOWN", `${reference} is not there`);
    return plainDescriptor(found);
  }

  async manifest(target: Descriptor | string): Promise<Manifest> {
    this.requests += 1;
    const found = this.#kept.manifests.get(
      (typeof target === "string" ? target : target.digest) as Digest,
    );
    if (found === undefined) throw new ConsignError("MANIFEST_UNKNOWN", "it is not there");
    return found;
  }

  async blob({ digest }: Descriptor): Promise<AsyncIterable<Uint8Array>> {
    this.requests += 1;
    const index = this.#kept.large.get(digest);
    const bytes =
      index === undefined
        ? this.#kept.small.get(digest)
        : document(sbomOf(describe(index, this.options, this.advisories))).bytes;
    if (bytes === undefined || digestOf(bytes) !== digest)
      throw new ConsignError("BLOB_UNKNOWN", "it is not there");
    return (async function* () {
      yield bytes;
    })();
  }

  async has(target: Descriptor): Promise<boolean> {
    this.requests += 1;
    return this.#kept.manifests.has(target.digest);
  }

  async referrers(subject: Digest): Promise<Descriptor[]> {
    this.requests += 1;
    return this.#kept.referrers.get(subject) ?? [];
  }
}

function sbomOf({ sbom, versions }: Pick<Release, "sbom" | "versions">): object {
  const purls = [...versions].map(([name, version]) => `pkg:npm/${name}@${version}.0.0`);
  return sbom === "spdx" ? spdx(...purls) : cyclonedx(...purls);
}

function clearing(ids: ReadonlySet<string>): object {
  const [first = ""] = ids;
  const statements = [...ids].map((name) => ({
    vulnerability: { name },
    status: "not_affected",
    justification: "vulnerable_code_not_present",
  }));
  return { ...vexOf("not_affected", first), statements };
}

/** In the OSV format. */
export function osvOf({ id, package: name, introduced, fixed }: Known): object {
  return {
    id,
    modified: "2026-01-01T00:00:00Z",
    affected: [
      {
        package: { ecosystem: "npm", name },
        ranges: [
          {
            type: "SEMVER",
            events: [{ introduced: `${introduced}.0.0` }, { fixed: `${fixed}.0.0` }],
          },
        ],
      },
    ],
  };
}
