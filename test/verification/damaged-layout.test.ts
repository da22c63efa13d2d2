// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import { blobPath } from "../../provider/content/layout-files";
import type { Descriptor } from "../../provider/oci/descriptor";
import { verification } from "../../provider/verification/verification";
import { Life } from "../harness/life";
import { claim, publish, quickParty, trustOf } from "../harness/memory-world";
import { tempDir } from "../harness/temp";

const wabbit = quickParty("Wabbit Networks");

test("a revocation in a layout counts, whatever becomes of its files; others are not held up", async () => {
  const folder = tempDir("damaged");
  const path = join(folder, "layout");
  const layout = OciLayout.open(path, { create: true });
  const bad = await publish(layout, "bad", wabbit, "bad");
  const good = await publish(layout, "good", wabbit, "good");
  const verified = async ({ digest }: Descriptor): Promise<boolean> => {
    const life = new Life(verification, { folder });
    const args = { artifact: `oci:layout@${digest}`, trust: trustOf(wabbit) };
    await life.up(args).catch(() => undefined);
    return life.outputs["reference"] !== undefined;
  };
  assert.equal(await verified(bad), true);
  const { manifest } = await claim(
    layout,
    {
      type: "revocation",
      subject: bad,
      predicate: { target: bad.digest, reason: "CVE-2026-2000" },
      audience: "public",
    },
    wabbit,
  );
  const revocation = manifest.descriptor.digest;
  const [signature] = await layout.referrers(revocation);
  for (const digest of [revocation, signature?.digest ?? revocation]) {
    const file = blobPath(path, digest);
    const whole = readFileSync(file);
    for (const damage of [whole.subarray(0, -5), Buffer.concat([whole, Buffer.from(" ")])]) {
      writeFileSync(file, damage);
      assert.equal(await verified(bad), false);
      assert.equal(await verified(good), true, "it says whom it is about");
    }
    for (const damage of [Buffer.from("junk"), undefined]) {
      if (damage === undefined) rmSync(file);
      else writeFileSync(file, damage);
      assert.equal(await verified(bad), false);
    }
    writeFileSync(file, whole);
  }
  assert.deepEqual([await verified(bad), await verified(good)], [false, true]);
});
