// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { archivePolicy } from "../../provider/archive/archive";
import { archiveTag } from "../../provider/archive/record";
import { promotion } from "../../provider/promotion/promotion";
import type { Digest } from "../../provider/oci/digest";
import { formatInstant } from "../../provider/retention/index";
import { missing, runTool, toolOutput } from "../harness/toolchain";
import { notationConfig } from "../interop/notation-cli";
import { decided } from "./world";
import { Life } from "../harness/life";
import { claim, party, publish, trustOf } from "../harness/memory-world";
import { forEachPlace } from "../harness/places";

const acme = party("Wabbit Networks");

/** Promotions happen now, and only the archive looks ahead: so many days. */
const started = Date.now();
const day = (days: number): string => formatInstant(started + days * 86_400_000);

forEachPlace(
  "from promotion over archive to purge, and other tools agree",
  async (place, context) => {
    const [from, to, archive] = [
      place.store("build"),
      place.store("production"),
      place.store("archive"),
    ];
    const [v1, v2] = [await publish(from, "v1", acme), await publish(from, "v2", acme)];
    await claim(
      from,
      {
        type: "test-result",
        subject: v1,
        predicate: { result: "PASSED", configuration: [{ name: "unit" }] },
        audience: "internal",
      },
      acme,
    );
    const common = {
      signer: acme.signer,
      trust: trustOf(acme),
      signatureForm: place.kind === "layout" ? "legacy" : "current",
    };
    const promote = ({ digest }: { digest: string }) => ({
      ...common,
      artifact: `${place.location("build")}@${digest}`,
      environment: "production",
      to: place.location("production"),
      tag: "current",
    });
    const policy = (asOf: string, onExpiry: string) => ({
      ...common,
      sources: [place.location("production")],
      archive: place.location("archive"),
      retain: { for: "1y" },
      onExpiry,
      release: "after-archive",
      purgeGrace: "0s",
      asOf,
    });
    const promoting = new Life(promotion, { folder: place.folder });
    const archiving = new Life(archivePolicy, { folder: place.folder });

    await promoting.up(promote(v1));
    await promoting.up(promote(v2));
    assert.equal((await to.resolve("current")).digest, v2.digest);
    for (const asOf of [60, 61, 62].map(day)) await archiving.up(policy(asOf, "purge-content"));
    assert.equal(await to.has(v1), false, "released");
    assert.deepEqual((await to.referrers(v1.digest)).length, 0);
    for (const asOf of [480, 481].map(day)) await archiving.up(policy(asOf, "purge-content"));
    const noted = (archiving.outputs["notices"] as Record<Digest, string[]>)[v1.digest] ?? [];
    const purged = decided(archiving.outputs, v1) === "content-purged keep";
    assert.ok(
      purged || noted.some((line) => line.startsWith("its content stays")),
      `${decided(archiving.outputs, v1)} ${noted.join()}`,
    );
    assert.equal(await archive.has((await archive.manifest(v1)).value.subject ?? v1), true);
    context.diagnostic(`${place.kind}: content ${purged ? "purged" : "kept by the registry"}`);
    assert.equal((await archive.resolve(archiveTag(v1.digest))).digest, v1.digest);
    if (missing("notation", "oras") === false) {
      const layout = place.kind === "layout";
      const folder = join(place.folder, "layouts", "archive");
      const reference = layout
        ? `${folder}@${v1.digest}`
        : `${place.registry?.direct}/archive@${v1.digest}`;
      const discovered = await toolOutput("oras", [
        "discover",
        "--format",
        "json",
        ...(layout ? ["--oci-layout"] : ["--plain-http"]),
        reference,
      ]);
      const kinds = (
        JSON.parse(discovered) as { referrers: { artifactType: string }[] }
      ).referrers.map(({ artifactType }) => artifactType);
      assert.equal(
        kinds.filter((type) => type === "application/vnd.cncf.notary.signature").length,
        1,
      );
      assert.ok(
        kinds.filter((type) => type === "application/vnd.in-toto+json").length >= 5,
        kinds.join(),
      );
      if (!layout) {
        const verified = await runTool("notation", ["verify", "--insecure-registry", reference], {
          env: notationConfig(acme.issued).env,
        });
        assert.equal(verified.code, 0, verified.stderr);
      }
    }
    for (const asOf of [510, 511].map(day)) await archiving.up(policy(asOf, "purge"));
    assert.equal(decided(archiving.outputs, v1), "purged keep");
    assert.equal(await archive.has(v1), false);
    assert.deepEqual([await archive.tags(), await archive.referrers(v1.digest)], [[], []]);
    assert.equal((await to.resolve("current")).digest, v2.digest);
    await promoting.destroy();
    assert.deepEqual(await to.tags(), []);
    assert.ok(await to.has(v2));
  },
  ["distribution", "olareg", "layout"],
);
