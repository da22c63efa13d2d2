// SPDX-License-Identifier: Apache-2.0
import { revocationChecker } from "../../provider/notation/index";
import { resolveTrustPolicy, parseTrustPolicy } from "../../provider/notation/index";
import type { ClaimContent } from "../../provider/claims/index";
import type { ReadStore } from "../../provider/content/storage";
import type { ExposureAnswer } from "../../provider/exposure/answer/answer";
import type { ExposureEntry } from "../../provider/exposure/answer/entry";
import { exposureOf } from "../../provider/exposure/exposure-of";
import type { ExposureArguments } from "../../provider/exposure/question";
import type { Descriptor } from "../../provider/oci/descriptor";
import {
  claim,
  MemoryStores,
  publish,
  quickParty,
  trustOf,
  type Party,
} from "../harness/memory-world";

/** A little after everything here is signed. */
export const NOW = new Date(Date.now() + 3_600_000);
export const LIVE = "registry.example/app";
export const ARCHIVE = "registry.example/archive";

/** Places in memory with one who is trusted and one who is not. */
export class ExposureWorld {
  readonly stores = new MemoryStores();
  readonly vendor: Party;
  readonly stranger: Party;
  wrap: (store: ReadStore) => ReadStore = (store) => store;

  constructor(vendor = quickParty("Vendor"), stranger = quickParty("Stranger")) {
    this.vendor = vendor;
    this.stranger = stranger;
  }

  async publish(name: string, tag: string | undefined = name, at = LIVE): Promise<Descriptor> {
    return publish(this.stores.at(at), name, this.vendor, tag);
  }

  async say(content: Omit<ClaimContent, "audience">, { by = this.vendor, at = LIVE } = {}) {
    return claim(this.stores.at(at), { audience: "public", ...content }, by);
  }

  async ask(question: Partial<ExposureArguments>): Promise<ExposureAnswer> {
    const trust = trustOf(this.vendor);
    const resolved = await resolveTrustPolicy(parseTrustPolicy(trust), { baseDir: "/nonexistent" });
    return exposureOf(
      { places: [LIVE], trust, ...question },
      {
        baseDir: "/nonexistent",
        now: NOW,
        revocation: revocationChecker({ fetch: () => Promise.reject(new Error("no network")) }),
        open: async (location) => this.wrap(this.stores.at(location)),
        trustAt: async () => resolved,
        progress: () => undefined,
      },
    );
  }
}

export function only({ entries }: ExposureAnswer): ExposureEntry {
  const [entry, ...others] = entries;
  if (entry === undefined || others.length > 0) throw new Error(`${entries.length} entries`);
  return entry;
}

/** An SBOM as the content of a claim. */
export function document(value: object): { bytes: Uint8Array; mediaType: string } {
  const mediaType =
    "bomFormat" in value ? "application/vnd.cyclonedx+json" : "application/spdx+json";
  return { bytes: Buffer.from(JSON.stringify(value)), mediaType };
}

/** CycloneDX with these purls. */
export function cyclonedx(...purls: string[]): object {
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    components: purls.map((purl) => ({ type: "library", name: nameIn(purl), purl })),
  };
}

/** SPDX 2.3 with these purls. */
export function spdx(...purls: string[]): object {
  return {
    spdxVersion: "SPDX-2.3",
    SPDXID: "SPDXRef-DOCUMENT",
    name: "an SBOM",
    packages: purls.map((purl, index) => ({
      SPDXID: `SPDXRef-${index}`,
      name: nameIn(purl),
      externalRefs: [
        { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl },
      ],
    })),
  };
}

function nameIn(purl: string): string {
  return /([^/@]+)(?:@[^@]*)?$/.exec(purl)?.[1] ?? purl;
}

export function vexOf(status: string, vulnerability: string, more: object = {}): object {
  return {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": `https://vendor.example/vex/${vulnerability}-${status}`,
    author: "Vendor",
    timestamp: "2026-01-01T00:00:00Z",
    version: 1,
    statements: [
      {
        vulnerability: { name: vulnerability },
        status,
        ...(status === "not_affected" ? { justification: "vulnerable_code_not_present" } : {}),
        ...(status === "affected" ? { action_statement: "update" } : {}),
        ...more,
      },
    ],
  };
}

export function scanOf(...ids: string[]): object {
  return {
    scanner: {
      uri: "pkg:github/anchore/grype",
      db: { lastUpdate: "2026-01-01T00:00:00Z" },
      result: ids.map((id) => ({ id, severity: [] })),
    },
    metadata: { scanStartedOn: "2026-01-01T00:00:00Z", scanFinishedOn: "2026-01-01T00:01:00Z" },
  };
}

/** An advisory about npm packages below a version. */
export function advisory(id: string, name: string, fixed: string, aliases: string[] = []): object {
  return {
    id,
    modified: "2026-02-01T00:00:00Z",
    aliases,
    affected: [
      {
        package: { ecosystem: "npm", name },
        ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed }] }],
      },
    ],
  };
}
