// SPDX-License-Identifier: Apache-2.0
import { Scene, identity, trusting, digestOf } from "./scene";

const PASSED = { result: "PASSED", configuration: [] };

/** Verification, good and bad. */
export async function verdicts(): Promise<Scene> {
  const scene = new Scene();
  const lifecycleIssuers = { revocation: [identity("wabbit")], redirect: [identity("wabbit")] };
  const question = { trust: trusting("wabbit", "acme"), lifecycleIssuers };
  const good = await scene.artifact("app", "good");
  await scene.claim(good, "test-result", PASSED);
  await scene.claim(good, "endOfLife", { date: "2030-01-01" });
  const require = [
    { type: "test-result", issuer: identity("wabbit"), condition: 'predicate.result == "PASSED"' },
  ];
  await scene.record("good", "Verification", {
    artifact: good,
    ...question,
    require,
    precedence: [identity("wabbit"), identity("acme")],
  });
  await scene.record("good-by-tag", "Verification", {
    artifact: "oci:places/app:good",
    trust: trusting("wabbit"),
  });

  const revoked = await scene.artifact("app", "revoked");
  const denied = await scene.artifact("app", "denied");
  const unsigned = await scene.artifact("app", "unsigned");
  for (const name of ["moved", "left"]) await scene.artifact("app", name);
  const lives = {
    revoked: await scene.record("bad-revoked", "Verification", { artifact: revoked, ...question }),
    denied: await scene.record("bad-denied", "Verification", {
      artifact: denied,
      ...question,
      deny: [{ type: "test-result", condition: 'predicate.result == "FAILED"' }],
    }),
    unsigned: await scene.record("bad-unsigned", "Verification", {
      artifact: unsigned,
      ...question,
    }),
    moved: await scene.record("moved", "Verification", {
      artifact: "oci:places/app:moved",
      ...question,
    }),
    gone: await scene.record("bad-gone", "Verification", {
      artifact: "oci:places/app:left",
      ...question,
    }),
  };
  await scene.claim(
    revoked,
    "revocation",
    { target: digestOf(revoked), reason: "CVE-2026-2000" },
    "wabbit",
    { audience: "public" },
  );
  await scene.claim(denied, "test-result", { ...PASSED, result: "FAILED" }, "acme");
  const app = scene.layout("app");
  const target = await app.resolve(digestOf(unsigned));
  for (const { digest } of await app.referrers(target.digest))
    await app.deleteManifest(await app.resolve(digest));
  await app.tag(await app.manifest("good"), "moved");
  await app.untag("left");
  for (const life of Object.values(lives)) await life.refresh();

  const [old, next] = [await scene.artifact("app", "old"), await scene.artifact("app", "next")];
  await scene.claim(old, "redirect", { to: digestOf(next) }, "wabbit", { audience: "public" });
  await scene.record("redirected", "Verification", {
    artifact: old,
    ...question,
    followRedirects: "verify",
  });
  return scene;
}
