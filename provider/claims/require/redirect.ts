// SPDX-License-Identifier: Apache-2.0
import { z } from "zod";
import { ConsignError, isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";
import { formatReference, pinned, type Location, type Reference } from "../../oci/reference";
import type { EffectiveClaims } from "../effective/effective";
import { parseTarget, type Redirect } from "../lifecycle";
import { typeKey } from "../types";
import type { RequirementResult } from "./result";

/** Whether a verification goes on to what it is pointed to. @default "never" */
export const followRedirectsSchema = z.enum(["never", "verify"]);

/** A verification goes on from one artifact to the next at most this many times. */
export const MAX_REDIRECTS = 5;

/** An effective redirect: verified, and by an issuer who may. */
export interface RedirectClaim {
  claim: Digest;
  /** A digest, a tag, or `registry/repository[:tag][@digest]`. */
  to: string;
}

/** What is known of an artifact at one end of a redirect. */
export interface Visited {
  /**
   * Whether its own signature verifies. Of an artifact that nobody vouches for, no redirect is
   * believed.
   */
  signed: boolean;
  redirects: readonly RedirectClaim[];
  /** Why it may be that it points elsewhere, where nobody can tell. */
  redirectDoubt?: string;
}

export interface Stop<Judged extends Visited> {
  location: Location;
  artifact: Descriptor;
  judged: Judged;
}

export interface Journey<Judged extends Visited> {
  /** Where it ended, which is where it began if there was nothing to follow. */
  end: Stop<Judged>;
  /** Pinned references of all stops, the first one included. */
  stops: string[];
  /** Why the last redirect was not followed, with its code. */
  refusal?: string;
}

export interface Traveller<Judged extends Visited> {
  /** The artifact that a reference names; `undefined` if there is none. */
  resolve(reference: Reference): Promise<Descriptor | undefined>;
  /** Verifies it, at its place and under the trust policy that applies there. */
  visit(location: Location, artifact: Descriptor): Promise<Judged>;
}

/**
 * The redirects among the effective claims about an artifact, sorted by digest. Of one issuer there
 * is one, the latest.
 */
export function redirectsIn(claims: EffectiveClaims): RedirectClaim[] {
  return claims.claims
    .filter(
      ({ status, type }) =>
        status === "effective" && type !== undefined && typeKey(type) === "redirect",
    )
    .map(({ digest, predicate }) => ({ claim: digest, to: (predicate as Redirect).to }));
}

/**
 * Goes from an artifact to the one that should be used instead, as often as that one says the same.
 * Each stop is verified before it is believed anything, the last one too. A redirect to where it
 * already is, as travels along when a repository is mirrored, is no redirect.
 *
 * Nothing is followed in a circle or beyond {@link MAX_REDIRECTS}, to nowhere, or where issuers
 * disagree: the journey ends there, with a refusal.
 */
export async function followRedirects<Judged extends Visited>(
  start: Stop<Judged>,
  traveller: Traveller<Judged>,
): Promise<Journey<Judged>> {
  const stops = [pinned(start.location, start.artifact.digest)];
  for (let end = start; ;) {
    try {
      const next = await nextStop(end, stops, traveller);
      if (next === undefined) return { end, stops };
      stops.push(pinned(next.location, next.artifact.digest));
      end = { ...next, judged: await traveller.visit(next.location, next.artifact) };
    } catch (error) {
      if (!isConsignError(error, "REDIRECT_LOOP", "REDIRECT_UNUSABLE")) throw error;
      return { end, stops, refusal: `${error.message} [${error.code}]` };
    }
  }
}

/** What an artifact lacks where a redirect was to be followed and cannot be. */
export function redirectRefused(refusal: string): RequirementResult {
  return {
    path: "lifecycle.redirect",
    requirement: "redirects are followed",
    met: false,
    reason: refusal,
    claims: [],
  };
}

type Place = Omit<Stop<Visited>, "judged">;

async function nextStop(
  { location, artifact, judged }: Stop<Visited>,
  stops: readonly string[],
  traveller: Pick<Traveller<Visited>, "resolve">,
): Promise<Place | undefined> {
  if (!judged.signed) return undefined;
  const here = pinned(location, artifact.digest);
  if (judged.redirectDoubt !== undefined)
    throw new ConsignError("REDIRECT_UNUSABLE", `${here}: ${judged.redirectDoubt}`);
  const places = new Map<string, Place>();
  for (const { to, claim } of judged.redirects) {
    const reference = targetFrom(location, artifact.digest, to);
    const found = await traveller.resolve(reference);
    if (found === undefined)
      throw new ConsignError(
        "REDIRECT_UNUSABLE",
        `${here} points to ${formatReference(reference)} (${claim}), and there is no such artifact`,
      );
    const place = pinned(reference.location, found.digest);
    if (place !== here) places.set(place, { location: reference.location, artifact: found });
  }
  const [first, ...others] = places;
  if (first === undefined) return undefined;
  if (others.length > 0)
    throw new ConsignError(
      "REDIRECT_UNUSABLE",
      `${here} points to ${[...places.keys()].join(" and to ")}: set precedence, or lifecycleIssuers.redirect, so that one word counts`,
    );
  const [name, next] = first;
  if (stops.includes(name))
    throw new ConsignError("REDIRECT_LOOP", `${[...stops, name].join(" → ")} goes in a circle`);
  if (stops.length > MAX_REDIRECTS)
    throw new ConsignError(
      "REDIRECT_LOOP",
      `${[...stops, name].join(" → ")} is more than ${MAX_REDIRECTS} redirects`,
    );
  return next;
}

/**
 * What a target means at its place: a digest or tag in the same repository; a bare repository, the
 * same artifact there.
 */
function targetFrom(location: Location, digest: Digest, to: string): Reference {
  const target = parseTarget(to);
  if (target.kind === "digest") return { location, digest: target.digest };
  if (target.kind === "tag") return { location, tag: target.tag };
  const { reference } = target;
  return reference.digest === undefined && reference.tag === undefined
    ? { ...reference, digest }
    : reference;
}
