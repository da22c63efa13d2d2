// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Descriptor } from "../../provider/oci/descriptor";
import { digestOf, type Digest } from "../../provider/oci/digest";
import { parseLocation, parseReference, type Reference } from "../../provider/oci/reference";
import {
  MAX_REDIRECTS,
  followRedirects,
  type Journey,
  type Visited,
} from "../../provider/claims/require/redirect";

const named = (name: string): Digest => digestOf(Buffer.from(name));
const described = (digest: Digest): Descriptor => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest,
  size: 1,
});
const HERE = "registry.example/net-monitor";
const at = (name: string, repository = HERE): string => `${repository}@${named(name)}`;

interface Place {
  /** What redirects of this artifact point to. */
  to?: string[];
  signed?: boolean;
}

/** `places` by pinned reference; `tags` by `repository:tag`. */
async function journey(
  places: Record<string, Place>,
  tags: Record<string, Digest> = {},
): Promise<Journey<Visited> & { visits: string[] }> {
  const visits: string[] = [];
  const judged = (reference: string): Visited => {
    const { to = [], signed = true } = places[reference] ?? {};
    return {
      signed,
      redirects: to.map((target, index) => ({ claim: named(`claim ${index}`), to: target })),
    };
  };
  const locate = ({ location, digest, tag }: Reference): string => {
    const repository =
      location.kind === "registry" ? `${location.registry}/${location.repository}` : "";
    return `${repository}@${digest ?? tags[`${repository}:${tag}`]}`;
  };
  const start = {
    location: parseLocation(HERE),
    artifact: described(named("v1")),
    judged: judged(at("v1")),
  };
  const found = await followRedirects(start, {
    resolve: async (reference) => {
      const { digest } =
        locate(reference) in places ? parseReference(locate(reference)) : { digest: undefined };
      return digest === undefined ? undefined : described(digest);
    },
    visit: async (location, artifact) => {
      const reference = locate({ location, digest: artifact.digest });
      visits.push(reference);
      return judged(reference);
    },
  });
  return { ...found, visits };
}

describe("following redirects", () => {
  test("without one, it ends where it began and asks nobody", async () => {
    const { end, stops, refusal, visits } = await journey({ [at("v1")]: {} });
    assert.deepEqual(
      [end.artifact.digest, stops, refusal, visits],
      [named("v1"), [at("v1")], undefined, []],
    );
  });

  test("a digest, a tag, another repository with a tag, and a bare repository lead on, and each stop is verified", async () => {
    const elsewhere = "mirror.example/net-monitor";
    const { end, stops, refusal, visits } = await journey(
      {
        [at("v1")]: { to: [named("v2")] },
        [at("v2")]: { to: ["v3"] },
        [at("v3")]: { to: [`${elsewhere}:v4`] },
        [at("v4", elsewhere)]: { to: ["third.example/net-monitor"] },
        [at("v4", "third.example/net-monitor")]: {},
      },
      { [`${HERE}:v3`]: named("v3"), [`${elsewhere}:v4`]: named("v4") },
    );
    assert.equal(refusal, undefined);
    assert.deepEqual(stops, [
      at("v1"),
      at("v2"),
      at("v3"),
      at("v4", elsewhere),
      at("v4", "third.example/net-monitor"),
    ]);
    assert.deepEqual(visits, stops.slice(1));
    assert.equal(end.artifact.digest, named("v4"));
  });

  test("a redirect that has travelled to the place it points to has arrived", async () => {
    const elsewhere = "mirror.example/net-monitor";
    const { stops, refusal } = await journey({
      [at("v1")]: { to: [elsewhere] },
      [at("v1", elsewhere)]: { to: [elsewhere] },
    });
    assert.deepEqual([stops, refusal], [[at("v1"), at("v1", elsewhere)], undefined]);
  });

  test("a circle is refused: REDIRECT_LOOP", async () => {
    const { end, refusal } = await journey({
      [at("v1")]: { to: [named("v2")] },
      [at("v2")]: { to: [named("v3")] },
      [at("v3")]: { to: [named("v1")] },
    });
    assert.match(refusal ?? "", /circle \[REDIRECT_LOOP\]$/);
    assert.equal(end.artifact.digest, named("v3"));
  });

  test(`${MAX_REDIRECTS} redirects are followed, one more is refused: REDIRECT_LOOP`, async () => {
    const chain = (length: number): Record<string, Place> =>
      Object.fromEntries(
        Array.from({ length: length + 1 }, (_, index) => [
          at(`v${index + 1}`),
          index < length ? { to: [named(`v${index + 2}`)] } : {},
        ]),
      );
    const enough = await journey(chain(MAX_REDIRECTS));
    assert.deepEqual(
      [enough.refusal, enough.end.artifact.digest],
      [undefined, named(`v${MAX_REDIRECTS + 1}`)],
    );
    const tooMany = await journey(chain(MAX_REDIRECTS + 1));
    assert.match(tooMany.refusal ?? "", /more than 5 redirects \[REDIRECT_LOOP\]$/);
    assert.equal(tooMany.visits.length, MAX_REDIRECTS);
  });

  test("one that points to nothing is refused: REDIRECT_UNUSABLE", async () => {
    const { refusal } = await journey({ [at("v1")]: { to: ["gone"] } });
    assert.match(refusal ?? "", /net-monitor:gone .* no such artifact \[REDIRECT_UNUSABLE\]$/);
  });

  test("issuers who disagree are refused: REDIRECT_UNUSABLE; who agree are followed", async () => {
    const places = { [at("v2")]: {}, [at("v3")]: {} };
    const { refusal } = await journey({
      ...places,
      [at("v1")]: { to: [named("v2"), named("v3")] },
    });
    assert.match(refusal ?? "", /precedence.* \[REDIRECT_UNUSABLE\]$/);
    const agreed = await journey(
      { ...places, [at("v1")]: { to: [named("v2"), "v2"] } },
      { [`${HERE}:v2`]: named("v2") },
    );
    assert.deepEqual(agreed.stops, [at("v1"), at("v2")]);
  });

  test("of an artifact whose signature does not verify, no redirect is believed", async () => {
    const { stops, refusal } = await journey({
      [at("v1")]: { to: [named("v2")], signed: false },
      [at("v2")]: {},
    });
    assert.deepEqual([stops, refusal], [[at("v1")], undefined]);
  });

  test("what a store throws is not taken for an answer", async () => {
    const start = {
      location: parseLocation(HERE),
      artifact: described(named("v1")),
      judged: { signed: true, redirects: [{ claim: named("c"), to: "v2" }] },
    };
    const unreachable = followRedirects(start, {
      resolve: () => Promise.reject(new Error("unreachable")),
      visit: async () => ({ signed: true, redirects: [] }),
    });
    await assert.rejects(unreachable, /unreachable/);
  });
});
