// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  daysOf,
  distrustlessMirror,
  imagesOf,
  plainHttpRegistries,
  shortRetention,
  unsignedArtifacts,
  unverifiedImages,
  type Resource,
} from "../../examples/policy/pack/rules";
import { deploymentManifest, driftCronJob, stackObject } from "../../sdk/kubernetes/manifests";
import { deployment, digest, drift, IMAGE, RUNNER } from "../sdk/kubernetes/arrange";

const resource = (type: string, name: string, props: Record<string, unknown>): Resource => ({
  type,
  name,
  urn: `urn:${name}`,
  props,
});
const ours = (kind: string, name: string, props: Record<string, unknown>): Resource =>
  resource(`pulumi-nodejs:dynamic/consign:${kind}`, name, props);
const deploymentOf = (image: string): Resource =>
  resource("kubernetes:apps/v1:Deployment", "web", {
    spec: { template: { spec: { containers: [{ name: "web", image }] } } },
  });

describe("images are verified", () => {
  test("the reference of a Verification is fine, in every kind of workload", () => {
    const workloads = [
      resource("kubernetes:apps/v1:Deployment", "a", {
        spec: deploymentManifest(IMAGE, deployment).spec,
      }),
      resource("kubernetes:batch/v1:CronJob", "b", { spec: driftCronJob(RUNNER, drift).spec }),
      resource("kubernetes:pulumi.com/v1:Stack", "c", {
        spec: stackObject(RUNNER, { name: "c", stack: "dev", source: { program: "p" } }).spec,
      }),
    ];
    const verifications = [
      ours("Verification", "gate", { reference: IMAGE }),
      ours("Verification", "runner", { reference: RUNNER }),
    ];
    assert.deepEqual(unverifiedImages([...workloads, ...verifications]), []);
    assert.deepEqual(
      unverifiedImages(workloads).map(({ urn }) => urn),
      ["urn:a", "urn:b", "urn:c"],
    );
  });

  test("a tag, a digest that nobody vouches for, and an init container's image are told", () => {
    const gate = ours("Verification", "gate", { reference: IMAGE });
    const said = (image: string) =>
      unverifiedImages([deploymentOf(image), gate]).map(({ message }) => message);
    assert.deepEqual(said("registry.acme.example/net-monitor:v1"), [
      'web runs "registry.acme.example/net-monitor:v1", which is not pinned by digest: use the reference of a Verification',
    ]);
    assert.deepEqual(said(`registry.evil.example/net-monitor@${digest}`), [
      `web runs "registry.evil.example/net-monitor@${digest}", for which no Verification in this stack vouches`,
    ]);
    const pod = resource("kubernetes:core/v1:Pod", "pod", {
      spec: { initContainers: [{ image: "nginx" }], containers: [{ image: IMAGE }] },
    });
    assert.deepEqual(
      unverifiedImages([pod, gate]).map(({ message }) => message.slice(0, 16)),
      ['pod runs "nginx"'],
    );
  });

  test("a Verification without a reference vouches for nothing", () => {
    assert.equal(
      unverifiedImages([deploymentOf(IMAGE), ours("Verification", "gate", {})]).length,
      1,
    );
    assert.deepEqual(imagesOf({ image: 5, nested: [null, { image: "a" }] }), ["a"]);
  });
});

test("mirrors have trust that refuses something", () => {
  const mirror = (trust: unknown) => distrustlessMirror(ours("Mirror", "m", { trust }));
  for (const level of ["strict", "permissive"])
    assert.equal(mirror({ signatureVerification: { level } }), undefined);
  for (const level of ["audit", "skip"])
    assert.match(
      mirror({ signatureVerification: { level } }) ?? "",
      /lets unsigned artifacts pass/,
    );
  assert.match(mirror(undefined) ?? "", /give it a trust policy/);
  assert.equal(distrustlessMirror(ours("Claim", "c", {})), undefined);
});

test("artifacts are signed, as far as is known", () => {
  const said = (signature: unknown) =>
    unsignedArtifacts([ours("SignedArtifact", "a", { signature })]);
  assert.deepEqual([said("valid"), said(undefined)], [[], []]);
  assert.deepEqual(said("missing"), [
    { urn: "urn:a", message: "a is not signed as it should be: missing" },
  ]);
});

test("retention has a floor", () => {
  const policy = (props: Record<string, unknown>, floor = "365d") =>
    shortRetention(ours("ArchivePolicy", "p", props), floor);
  assert.equal(policy({ retain: { for: "7y" }, onExpiry: "purge" }), undefined);
  assert.equal(policy({ retain: { for: "365d" }, onExpiry: "purge-content" }), undefined);
  assert.equal(policy({ retain: { for: "30d" } }), undefined, "what only reports purges nothing");
  assert.match(
    policy({ retain: { for: "30d" }, onExpiry: "purge" }) ?? "",
    /keeps for 30d; at least 365d/,
  );
  assert.match(
    policy({ retain: { last: 3 }, onExpiry: "purge" }) ?? "",
    /does not say for how long/,
  );
  assert.match(
    policy({ retain: { for: "7y" }, onExpiry: "purge" }, "long") ?? "",
    /is no duration/,
  );
  assert.deepEqual(["1y", "4w", "36h", "1m", "x", 5].map(daysOf), [
    365,
    28,
    1.5,
    1 / 1_440,
    undefined,
    undefined,
  ]);
});

test("plain HTTP is for loopback", () => {
  const registries = {
    "127.0.0.1:5000": { plainHttp: true },
    localhost: { plainHttp: true },
    "[::1]:5000": { plainHttp: true },
    "r.example": { plainHttp: false },
    "old.example:80": { plainHttp: true },
    "127.evil.example": { plainHttp: true },
  };
  const using = (settings: unknown): Resource[] =>
    ["a", "b"].map((name) => ({
      ...ours("Mirror", name, {}),
      provider: { props: { "consign:registries": settings } },
    }));
  for (const settings of [registries, JSON.stringify(registries)])
    assert.deepEqual(
      plainHttpRegistries(using(settings)).map(({ message }) => /to (\S+):/.exec(message)?.[1]),
      ["old.example:80", "127.evil.example"],
    );
  for (const nothing of [undefined, null, "text", { a: null }])
    assert.deepEqual(plainHttpRegistries(using(nothing)), []);
  assert.deepEqual(plainHttpRegistries([ours("Mirror", "a", {})]), []);
});
