// SPDX-License-Identifier: Apache-2.0
import type { Properties } from "../../provider/world/reconciler";
import { Scene, digestOf, identity, signer, trusting } from "./scene";

const PASSED = { result: "PASSED", configuration: [] };

/** Promotion, in every state. */
export async function promotions(): Promise<Scene> {
  const scene = new Scene();
  const [v1, v2] = [await scene.artifact("source", "v1"), await scene.artifact("source", "v2")];
  for (const artifact of [v1, v2])
    await scene.claim(artifact, "test-result", PASSED, "wabbit", { audience: "public" });
  const args = (
    environment: string,
    artifact: string,
    asOf: string | undefined,
    more: Properties = {},
  ): Properties => {
    const lifecycleIssuers = { revocation: [identity("wabbit")] };
    const common = {
      environment,
      to: `oci:places/${environment}`,
      tag: "current",
      signer: signer("acme"),
      trust: trusting("wabbit", "acme"),
      lifecycleIssuers,
    };
    return { artifact, ...common, ...(asOf === undefined ? {} : { asOf }), ...more };
  };

  await scene.record("first", "Promotion", args("first", v1, "2026-01-01"));
  await scene.record(
    "by-the-clock",
    "Promotion",
    args("clock", v1, undefined, { onDelete: "retain" }),
  );
  const require = [{ type: "test-result", condition: 'predicate.result == "PASSED"' }];
  const deny = [{ type: "test-result", condition: 'predicate.result == "FAILED"' }];
  const demanding = {
    require,
    deny,
    claims: { types: ["test-result"], audience: "public" },
    onDelete: "purge",
    historyTrust: trusting("acme"),
  };
  const history = [
    args("history", v1, "2026-01-01", demanding),
    args("history", v2, "2026-02-01", demanding),
    args("history", v1, "2026-03-01", demanding),
  ] as const;
  await scene.record("history", "Promotion", ...history);
  await scene.record(
    "followed",
    "Promotion",
    args("followed", v1, "2026-01-01"),
    args("followed", v2, "2026-02-01"),
  );

  const bad = await scene.artifact("source", "bad");
  const revoked = await scene.record("revoked", "Promotion", args("revoked", bad, "2026-01-01"));
  await scene.claim(
    bad,
    "revocation",
    { target: digestOf(bad), reason: "CVE-2026-2000" },
    "wabbit",
    { audience: "public" },
  );
  await revoked.refresh();

  const moved = await scene.record("moved-by-hand", "Promotion", args("moved", v1, "2026-01-01"));
  await scene.artifact("moved", "other");
  await scene.layout("moved").tag(await scene.layout("moved").manifest("other"), "current");
  await moved.refresh();
  const absent = await scene.record(
    "tag-taken-away",
    "Promotion",
    args("absent", v1, "2026-01-01"),
  );
  await scene.layout("absent").untag("current");
  await absent.refresh();
  return scene;
}
