// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import { cosignTagsOf } from "../../provider/mirror/choose/tags";
import { registryMissing } from "../harness/registries";
import { pushImage, pushIndex, pushReferrer } from "../harness/artifacts";
import { Refused } from "../harness/life";
import { MirrorStack } from "./stack";
import { party, pushClaim, trusting, World } from "./world";
import { codeOf, failsWith } from "../harness/failure";

const needs = { skip: registryMissing("ggcr") };

test(
  "with trust, only what verifies is copied, and the rest is named with the reason",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const [wabbit, mallory] = [await party("Wabbit Networks"), await party("Mallory")];
    const signed = await pushImage(origin, { tag: "v1" });
    await wabbit.sign(origin, signed.descriptor);
    await pushImage(origin, { tag: "v2", layers: ["unsigned\n"] });
    const forged = await pushImage(origin, { tag: "v3", layers: ["forged\n"] });
    await mallory.sign(origin, forged.descriptor);
    const stack = new MirrorStack();
    const step = await stack.up({
      source: `${source.host}/a/b`,
      destinations: [`${destination.host}/c/d`],
      trust: trusting(wabbit),
    });
    assert.deepEqual(await world.repository(destination, "c/d").tags(), ["v1"]);
    const refused = stack.plan["refused"] as Record<string, string>;
    assert.match(refused["v2"] ?? "", /is not copied: missing: .*\[SIGNATURE_MISSING\]/);
    assert.match(refused["v3"] ?? "", /is not copied: untrusted: .*\[SIGNATURE_UNTRUSTED\]/);
    assert.equal(step.warnings.length, 2);
    assert.equal(await world.repository(destination, "c/d").has(forged.descriptor), false);
  },
);

test("tags that select nothing are a warning", async () => {
  const stack = new MirrorStack();
  await pushImage(OciLayout.open(join(stack.baseDir, "origin"), { create: true }), {
    tag: "1.0.0",
  });
  const ask = async (tags: string[]): Promise<string[]> =>
    (await stack.preview({ source: "oci:origin", destinations: ["oci:copy"], tags })).warnings;
  assert.deepEqual(await ask(["1.*"]), []);
  assert.deepEqual(await ask(["2.*"]), [
    "mirror of oci:origin: `tags` selects nothing that is there",
  ]);
  assert.deepEqual(await ask(["2.0.0"]), ["mirror of oci:origin: 2.0.0 does not exist there yet"]);
});

test(
  "claims of chosen, verified issuers go along; what others signed as them does not",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const [wabbit, acme] = [await party("Wabbit Networks"), await party("ACME Rockets")];
    const image = await pushImage(origin, { tag: "v1" });
    const theirs = await pushClaim(origin, image.descriptor, { note: "wabbit" });
    const signatures = [
      await wabbit.sign(origin, theirs.descriptor),
      await acme.sign(origin, theirs.descriptor),
    ];
    const ours = await pushClaim(origin, image.descriptor, { note: "acme" });
    await acme.sign(origin, ours.descriptor);
    const nobodys = await pushClaim(origin, image.descriptor, { note: "nobody" });
    const args = { source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] };
    const stack = new MirrorStack();
    await stack.up({
      ...args,
      claims: { trust: trusting(wabbit, acme), issuers: [wabbit.identity] },
    });
    const [artifact] = Object.values(stack.plan.artifacts);
    assert.deepEqual(
      Object.keys(artifact?.related ?? {}),
      [theirs, ...signatures].map(({ descriptor }) => descriptor.digest).sort(),
    );
    const refused = stack.plan["refused"] as Record<string, string>;
    assert.match(refused[`claim ${ours.descriptor.digest}`] ?? "", /none of the issuers/);
    assert.match(refused[`claim ${nobodys.descriptor.digest}`] ?? "", /missing/);
    await assert.rejects(
      stack.up({ ...args, claims: { issuers: [wabbit.identity] } }),
      (error: Refused) => error.failures[0]?.property === "claims.issuers",
    );
  },
);

test(
  "platforms: a sparse index keeps its digest, a derived one says what it was made from",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const { index, images } = await pushIndex(origin, {
      platforms: ["linux/amd64", "linux/arm64", "windows/amd64"],
      tag: "v1",
    });
    const [amd, arm] = images;
    if (amd === undefined || arm === undefined) throw new Error("no images");
    const scan = await pushReferrer(origin, arm.descriptor);
    const kept = await pushReferrer(origin, amd.descriptor);
    const whole = await pushReferrer(origin, index.descriptor);
    const acme = await party("ACME Rockets");
    const signer = {
      keyFile: acme.rootFile.replace("root.pem", "key.pem"),
      certificateChainFile: acme.rootFile.replace("root.pem", "chain.pem"),
    };

    const stack = new MirrorStack();
    const args = { source: `${source.host}/a/b`, destinations: ["oci:sparse"] };
    await stack.up({ ...args, platforms: { only: ["linux/amd64"], index: "sparse" } });
    const place = OciLayout.open(join(stack.baseDir, "sparse"));
    assert.equal((await place.resolve("v1")).digest, index.descriptor.digest);
    assert.deepEqual(
      [
        await place.has(amd.descriptor),
        await place.has(arm.descriptor),
        await place.has(scan.descriptor),
        await place.has(kept.descriptor),
      ],
      [true, false, false, true],
    );
    assert.deepEqual(await stack.refresh(), {});
    assert.equal(
      (await stack.up({ ...args, platforms: { only: ["linux/amd64"], index: "sparse" } })).op,
      "same",
    );

    const other = await world.registry("ggcr");
    const deriving = {
      ...args,
      destinations: [`${other.host}/c/d`],
      platforms: { only: ["linux/amd64"], index: "derived" },
      signer,
    };
    const derived = new MirrorStack();
    await derived.up(deriving);
    const there = world.repository(other, "c/d");
    const made = await there.manifest("v1");
    assert.notEqual(made.descriptor.digest, index.descriptor.digest);
    assert.deepEqual(made.kind === "index" && made.value.manifests.map(({ digest }) => digest), [
      amd.descriptor.digest,
    ]);
    assert.equal(
      await there.has(whole.descriptor),
      false,
      "what was said about the whole index is not true of a part of it",
    );
    assert.equal(await there.has(kept.descriptor), true);
    const [claim] = await there.referrers(made.descriptor.digest);
    assert.equal(
      claim?.annotations?.["dev.consign.claim.type"],
      "https://consign.dev/claims/derived-from/v1",
    );
    assert.equal((await there.referrers(claim.digest)).length, 1, "the claim is signed");
    assert.equal((await derived.up(deriving)).op, "same");
    assert.deepEqual(await derived.refresh(), {});
    const refusal = (error: Refused): boolean =>
      error instanceof Refused && error.failures[0]?.property === "signer";
    await assert.rejects(new MirrorStack().up({ ...deriving, signer: undefined }), refusal);
  },
);

test(
  "a registry that refuses a sparse index says so, and no tag leads to it",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    await pushIndex(world.repository(source, "a/b"), { tag: "v1" });
    const stack = new MirrorStack();
    await assert.rejects(
      stack.up({
        source: `${source.host}/a/b`,
        destinations: [`${destination.host}/c/d`],
        platforms: { only: ["linux/amd64"], index: "sparse" },
      }),
      /does not take an index without some of its parts.*platforms.index.*derived/s,
    );
    assert.deepEqual(await world.repository(destination, "c/d").tags(), []);
  },
);

test(
  "cosign's tags travel with what they are about, and are nobody's versions",
  needs,
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("ggcr");
    const origin = world.repository(source, "a/b");
    const { index, images } = await pushIndex(origin, { tag: "v1" });
    const [signatureTag = ""] = cosignTagsOf(index.descriptor.digest).slice(2);
    const [sbomTag = ""] = cosignTagsOf(
      images[0]?.descriptor.digest ?? index.descriptor.digest,
    ).slice(1);
    const stranger = await pushImage(origin, { layers: ["of no interest\n"], tag: "dev" });
    const [strangerTag = ""] = cosignTagsOf(stranger.descriptor.digest);
    for (const tag of [signatureTag, sbomTag, strangerTag])
      await pushImage(origin, { layers: [`${tag}\n`], tag });
    const stack = new MirrorStack();
    const args = {
      source: `${source.host}/a/b`,
      destinations: [`${destination.host}/c/d`],
      tags: ["v*"],
    };
    await stack.up(args);
    assert.deepEqual(
      await world.repository(destination, "c/d").tags(),
      [signatureTag, sbomTag, "v1"].sort(),
    );
    assert.deepEqual(Object.keys(stack.plan.tags), ["v1"]);
    assert.equal((await stack.up(args)).op, "same");
    const moved = await pushImage(origin, { layers: ["another signature\n"], tag: signatureTag });
    assert.equal((await stack.up(args)).op, "update");
    assert.equal(
      (await world.repository(destination, "c/d").resolve(signatureTag)).digest,
      moved.descriptor.digest,
    );
    await stack.up({ ...args, claims: { audience: "public" } });
    assert.deepEqual(await world.repository(destination, "c/d").tags(), ["v1"]);
  },
);

test("artifacts are selected by digest, and by when they were created", needs, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const destination = await world.registry("ggcr");
  const origin = world.repository(source, "a/b");
  for (const day of ["03", "01", "02"])
    await pushImage(origin, {
      layers: [day],
      tag: `build-${day}`,
      annotations: { "org.opencontainers.image.created": `2026-01-${day}T00:00:00Z` },
    });
  const untagged = await pushImage(origin, { layers: ["no tag"] });
  const args = { source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] };
  const newest = new MirrorStack();
  await newest.up({ ...args, tags: { newest: { count: 2, by: "created" } } });
  assert.deepEqual(Object.keys(newest.plan.tags), ["build-02", "build-03"]);
  const byDigest = new MirrorStack();
  const digests = {
    ...args,
    destinations: [`${destination.host}/e/f`],
    tags: { digests: [untagged.descriptor.digest] },
  };
  await byDigest.up(digests);
  assert.equal(await world.repository(destination, "e/f").has(untagged.descriptor), true);
  assert.equal((await byDigest.up(digests)).op, "same");
  const absent = `sha256:${"0".repeat(64)}`;
  await assert.rejects(
    byDigest.up({ ...digests, tags: { digests: [absent] } }),
    failsWith("MANIFEST_UNKNOWN"),
  );
});

test("what is wrong is refused at the property that is wrong", needs, async (context) => {
  const world = new World(context);
  const source = await world.registry("ggcr");
  const args = { source: `${source.host}/a/b`, destinations: [`${source.host}/c/d`] };
  const wrong: [Record<string, unknown>, string, string][] = [
    [{ source: "nginx" }, "source", "REFERENCE_INVALID"],
    [{ source: `${source.host}/a/b:v1` }, "source", "REFERENCE_INVALID"],
    [{ destinations: [] }, "destinations", "INPUT_INVALID"],
    [
      { destinations: [args.destinations[0], args.destinations[0]] },
      "destinations[1]",
      "INPUT_INVALID",
    ],
    [{ destinations: [args.source] }, "destinations[0]", "INPUT_INVALID"],
    [{ tags: { semver: "nonsense" } }, "tags", "INPUT_INVALID"],
    [{ claims: { types: ["no such type"] } }, "claims.types[0]", "INPUT_INVALID"],
    [{ claims: { depth: 0 } }, "claims.depth", "INPUT_INVALID"],
    [{ claims: { annotations: { stage: "" } } }, "claims.annotations.stage", "INPUT_INVALID"],
    [{ claims: { audiences: "public" } }, "claims.audiences", "INPUT_INVALID"],
    [{ platforms: { only: ["amd64"], index: "sparse" } }, "platforms.only[0]", "INPUT_INVALID"],
    [{ platforms: { only: ["linux/amd64"] } }, "platforms.index", "INPUT_INVALID"],
    [{ onConflict: "ask" }, "onConflict", "INPUT_INVALID"],
    [{ rollout: "later" }, "rollout", "INPUT_INVALID"],
    [
      {
        trust: {
          signatureVerification: { level: "strict" },
          roots: { ca: ["no-such-file.pem"] },
          trustedIdentities: ["*"],
        },
      },
      "trust",
      "FILE_NOT_FOUND|TRUST",
    ],
    [
      {
        claims: { trust: { signatureVerification: { level: "strict" }, trustedIdentities: ["*"] } },
      },
      "claims.trust",
      "INPUT_INVALID|TRUST",
    ],
  ];
  for (const [change, property, code] of wrong) {
    await assert.rejects(new MirrorStack().preview({ ...args, ...change }), (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      assert.ok(
        error.failures.some(
          (failure) =>
            failure.property.startsWith(property) && new RegExp(code).test(failure.reason),
        ),
        `${JSON.stringify(change)}: ${error.message}`,
      );
      return true;
    });
  }
  await assert.rejects(
    new MirrorStack().preview({ ...args, source: "127.0.0.1:1/a/b" }),
    codeOf("REGISTRY_UNREACHABLE", /source/s),
  );
});
