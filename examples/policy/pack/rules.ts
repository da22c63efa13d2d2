// SPDX-License-Identifier: Apache-2.0
// The rules as functions of what a stack consists of: no engine, no clock, no network.

/** A resource as far as rules look at it. */
export interface Resource {
  type: string;
  name: string;
  urn: string;
  props: Record<string, unknown>;
  /** Whose settings hold the stack's configuration. */
  provider?: { props: Record<string, unknown> } | undefined;
}

export interface Violation {
  message: string;
  /** Of the resource at fault; the whole stack if it is not there. */
  urn?: string;
}

const kind = (name: string): string => `pulumi-nodejs:dynamic/consign:${name}`;

function of(resources: readonly Resource[], name: string): Resource[] {
  return resources.filter(({ type }) => type === kind(name));
}

/** Every container image of a workload, wherever its pods are described. */
export function imagesOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(imagesOf);
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "image" && typeof inner === "string" ? [inner] : imagesOf(inner),
  );
}

const WORKLOADS =
  /^kubernetes:(?:apps\/v1:(?:Deployment|StatefulSet|DaemonSet|ReplicaSet)|batch\/v1:(?:Job|CronJob)|core\/v1:(?:Pod|ReplicationController)|pulumi\.com\/v1:Stack)$/;

/**
 * Every image is pinned by digest, and it is one that a verification of this very stack vouches
 * for.
 */
export function unverifiedImages(resources: readonly Resource[]): Violation[] {
  const vouched = new Set(of(resources, "Verification").map(({ props }) => props["reference"]));
  return resources
    .filter(({ type }) => WORKLOADS.test(type))
    .flatMap(({ urn, name, props }) =>
      imagesOf(props["spec"]).flatMap((image) => {
        if (!/@sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(image))
          return [
            {
              urn,
              message: `${name} runs "${image}", which is not pinned by digest: use the reference of a Verification`,
            },
          ];
        return vouched.has(image)
          ? []
          : [
              {
                urn,
                message: `${name} runs "${image}", for which no Verification in this stack vouches`,
              },
            ];
      }),
    );
}

/** A mirror says whom it trusts, and looks. */
export function distrustlessMirror({ type, name, props }: Resource): string | undefined {
  if (type !== kind("Mirror")) return undefined;
  const trust = props["trust"];
  if (trust === undefined || trust === null)
    return `${name} mirrors whatever is there: give it a trust policy`;
  const level = levelOf(trust);
  return level === "skip" || level === "audit"
    ? `${name} has a trust policy of level "${level}", which lets unsigned artifacts pass: use strict or permissive`
    : undefined;
}

function levelOf(trust: unknown): unknown {
  const verification =
    typeof trust === "object" && trust !== null && "signatureVerification" in trust
      ? trust.signatureVerification
      : undefined;
  return typeof verification === "object" && verification !== null && "level" in verification
    ? verification.level
    : undefined;
}

/**
 * What is published is signed, and the signature was read back. Before the first `up` nothing is
 * known of it, and nothing is said.
 */
export function unsignedArtifacts(resources: readonly Resource[]): Violation[] {
  return of(resources, "SignedArtifact").flatMap(({ urn, name, props }) => {
    const signature = props["signature"];
    return signature === undefined || signature === null || signature === "valid"
      ? []
      : [{ urn, message: `${name} is not signed as it should be: ${String(signature)}` }];
  });
}

const DAYS: Readonly<Record<string, number>> = {
  s: 1 / 86_400,
  m: 1 / 1_440,
  h: 1 / 24,
  d: 1,
  w: 7,
  y: 365,
};

/** Days in a duration as `90d` or `7y`; undefined for what is none. */
export function daysOf(duration: unknown): number | undefined {
  const [, number, unit] =
    /^([0-9]{1,9})([smhdwy])$/.exec(typeof duration === "string" ? duration : "") ?? [];
  const days = unit === undefined ? undefined : DAYS[unit];
  return days === undefined ? undefined : Number(number) * days;
}

/**
 * Whatever an archive purges, it has kept for the floor at least. One that only reports purges
 * nothing.
 */
export function shortRetention({ type, name, props }: Resource, floor: string): string | undefined {
  if (type !== kind("ArchivePolicy") || (props["onExpiry"] ?? "report") === "report")
    return undefined;
  const retain = props["retain"];
  const kept =
    typeof retain === "object" && retain !== null && "for" in retain ? retain.for : undefined;
  const [days, least] = [daysOf(kept), daysOf(floor)];
  if (least === undefined)
    return `the floor "${floor}" in this pack's configuration is no duration: write it as 90d or 7y`;
  if (days === undefined)
    return `${name} purges, and does not say for how long it keeps (retain.for); at least ${floor}`;
  return days < least ? `${name} keeps for ${String(kept)}; at least ${floor}` : undefined;
}

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/;

/**
 * Registry settings (`consign:registries`) that send credentials and content in the clear. Loopback
 * stays on the machine.
 */
export function plainHttpRegistries(resources: readonly Resource[]): Violation[] {
  const settings = new Set(
    resources.flatMap(({ provider }) => provider?.props["consign:registries"] ?? []),
  );
  const hosts = new Set([...settings].flatMap(plainHosts));
  return [...hosts].map((host) => ({
    message: `consign:registries allows plain HTTP to ${host}: use TLS, with caFile for a certificate of your own`,
  }));
}

function plainHosts(registries: unknown): string[] {
  const value = typeof registries === "string" ? parsed(registries) : registries;
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([host, settings]) => {
    const plain =
      typeof settings === "object" &&
      settings !== null &&
      "plainHttp" in settings &&
      settings.plainHttp === true;
    return plain && !LOOPBACK.test(host) ? [host] : [];
  });
}

/** Settings that are no JSON are for the provider to complain about. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
