// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout } from "../../provider/content/index";
import { digestOf } from "../../provider/oci/digest";
import { CopyMeter } from "../../provider/mirror/fill/progress";
import { registryMissing } from "../harness/registries";
import { pushImage } from "../harness/artifacts";
import { tempDir } from "../harness/temp";
import { MirrorStack } from "./stack";
import { World } from "./world";

const LARGE = 24 * 1024 * 1024;

test(
  "a large blob is told of while it streams",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const registry = await world.registry("ggcr");
    const baseDir = tempDir("mirror");
    await pushImage(OciLayout.open(join(baseDir, "origin"), { create: true }), {
      tag: "v1",
      layers: [Buffer.alloc(LARGE, 7)],
    });
    // Each look at the clock is half a second later.
    let time = Date.now();
    for (const destination of [`${registry.host}/c/d`, "oci:copy"]) {
      const stack = new MirrorStack(baseDir);
      stack.now = () => new Date((time += 500));
      const { progress } = await stack.up({ source: "oci:origin", destinations: [destination] });
      const bytes = progress.map((line) => Number(/(\d+) bytes copied/.exec(line)?.[1]));
      const between = bytes.filter((count) => count > 0 && count < LARGE);
      assert.ok(between.length >= 2, `no word in the middle of the blob: ${progress.join("; ")}`);
      assert.deepEqual(
        bytes,
        [...bytes].sort((a, b) => a - b),
        "it goes forward",
      );
      assert.match(progress.at(-1) ?? "", /: 1 manifests, 2 blobs, \d+ bytes copied, 1 tags set$/);
    }
  },
);

test("lines come every five seconds and no oftener, and a blob that begins anew is not counted twice", () => {
  let time = 0;
  const lines: string[] = [];
  const meter = new CopyMeter(
    "place",
    () => new Date(time),
    (line) => void lines.push(line),
  );
  const blob = { mediaType: "application/octet-stream", digest: digestOf("blob"), size: 100 };
  const at = (seconds: number, bytes: number): void => {
    time = seconds * 1000;
    meter.seen({ kind: "bytes", descriptor: blob, bytes });
  };
  at(1, 10);
  at(4.9, 40);
  assert.deepEqual(lines, []);
  at(5, 60);
  at(9, 10);
  at(10, 30);
  time = 15_000;
  meter.seen({ kind: "blob", action: "copied", descriptor: blob });
  time = 20_000;
  meter.done(64, 100);
  assert.deepEqual(lines, [
    "place: 0 manifests, 0 blobs, 60 bytes copied",
    "place: 0 manifests, 0 blobs, 30 bytes copied",
    "place: 0 manifests, 1 blobs, 100 bytes copied",
    "place: 64 of 100 artifacts; 0 manifests, 1 blobs, 100 bytes copied",
  ]);
});
