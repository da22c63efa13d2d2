// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { survey } from "../../../provider/graph/index";
import { registryMissing } from "../../harness/registries";
import { pushIndex } from "../../harness/artifacts";
import { missing, runTool, toolOutput } from "../../harness/toolchain";
import { tempDir } from "../../harness/temp";
import { MirrorStack } from "../stack";
import { party, pushClaim, World, type Party } from "../world";

for (const kind of ["olareg", "distribution"] as const) {
  test(
    `over an air gap to ${kind}: digests, referrers and tags survive, as oras and notation see them`,
    { skip: registryMissing("ggcr", kind) || missing("oras", "notation") },
    async (context) => {
      const world = new World(context);
      const [source, destination] = [await world.registry("ggcr"), await world.registry(kind)];
      const origin = world.repository(source, "wabbit/net");
      const wabbit = await party("Wabbit Networks");
      const { index, images } = await pushIndex(origin, { tag: "v1" });
      await wabbit.sign(origin, index.descriptor);
      const claim = await pushClaim(origin, index.descriptor, { note: "over the gap" });
      await wabbit.sign(origin, claim.descriptor);
      await pushClaim(origin, images[0]?.descriptor ?? index.descriptor, { note: "about a part" });
      await origin.tag(index, "stable");

      const stick = tempDir("stick");
      const out = new MirrorStack(stick);
      await out.up({ source: `${source.host}/wabbit/net`, destinations: ["oci:media"] });
      assert.deepEqual(await out.refresh(), {});
      const tree = await toolOutput("oras", [
        "discover",
        "--oci-layout",
        `${join(stick, "media")}:v1`,
        "--format",
        "json",
      ]);
      assert.equal(
        JSON.parse(tree).referrers.length,
        2,
        "oras sees the signature and the claim on the stick",
      );

      const back = new MirrorStack(stick);
      await back.up({ source: "oci:media", destinations: [`${destination.host}/acme/net`] });
      assert.deepEqual(await back.refresh(), {});
      const place = world.repository(destination, "acme/net");
      assert.deepEqual(await place.tags(), ["stable", "v1"]);
      const [here, there] = [
        await survey(origin, index.descriptor),
        await survey(place, await place.resolve("v1")),
      ];
      assert.deepEqual([...there.read.keys()].sort(), [...here.read.keys()].sort());

      const reference = `${destination.direct}/acme/net@${index.descriptor.digest}`;
      const discovered = JSON.parse(
        await toolOutput("oras", ["discover", "--plain-http", reference, "--format", "json"]),
      );
      assert.equal(discovered.referrers.length, 2);
      const pulled = tempDir("pulled");
      await toolOutput("oras", [
        "cp",
        "-r",
        "--from-plain-http",
        `${destination.direct}/acme/net:v1`,
        "--to-oci-layout",
        `${pulled}:v1`,
      ]);
      const config = notationConfig(wabbit);
      for (const verified of [
        reference,
        `${destination.direct}/acme/net@${claim.descriptor.digest}`,
      ]) {
        const { code, stdout, stderr } = await runTool(
          "notation",
          ["verify", "--insecure-registry", verified],
          { env: { XDG_CONFIG_HOME: config, HOME: config } },
        );
        assert.equal(code, 0, stdout + stderr);
      }
    },
  );
}

/** A home in which notation finds a trust policy for one signer. */
function notationConfig({ identity, rootFile }: Party): string {
  const home = tempDir("notation");
  const store = join(home, "notation/truststore/x509/ca/wabbit");
  mkdirSync(store, { recursive: true });
  copyFileSync(rootFile, join(store, "root.pem"));
  const policy = {
    name: "p",
    registryScopes: ["*"],
    signatureVerification: { level: "strict" },
    trustStores: ["ca:wabbit"],
    trustedIdentities: [identity],
  };
  writeFileSync(
    join(home, "notation/trustpolicy.json"),
    JSON.stringify({ version: "1.0", trustPolicies: [policy] }),
  );
  return home;
}
