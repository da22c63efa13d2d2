// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OciLayout, copy } from "../../provider/content";
import { tempDir } from "../harness/temp";
import { missing, toolOutput } from "../harness/toolchain";
import { digestsOf, pushSampleGraph } from "../content/sample-graph";

const skip = missing("oras");

test("oras reads, discovers and copies a layout that we wrote", { skip }, async () => {
  const [ours, theirs] = [join(tempDir("oras"), "ours"), join(tempDir("oras"), "theirs")];
  const graph = await pushSampleGraph(OciLayout.open(ours, { create: true }));
  const fetched = await toolOutput("oras", ["manifest", "fetch", "--oci-layout", `${ours}:v1`]);
  assert.equal(fetched.trim(), Buffer.from(graph.root.bytes).toString());
  const tree = await toolOutput("oras", [
    "discover",
    "--oci-layout",
    "--format",
    "json",
    `${ours}:v1`,
  ]);
  for (const { descriptor } of [graph.sbom, graph.sbomSignature])
    assert.ok(tree.includes(descriptor.digest), tree);
  await toolOutput("oras", [
    "cp",
    "--from-oci-layout",
    "--to-oci-layout",
    "-r",
    `${ours}:v1`,
    `${theirs}:copied`,
  ]);
  const read = OciLayout.open(theirs);
  assert.deepEqual(await read.tags(), ["copied"]);
  for (const { descriptor, bytes } of graph.all)
    assert.deepEqual(
      Buffer.from((await read.manifest(descriptor.digest)).bytes),
      Buffer.from(bytes),
    );
  assert.deepEqual(digestsOf(await read.referrers(graph.root.descriptor.digest)), [
    graph.sbom.descriptor.digest,
  ]);
  assert.deepEqual(digestsOf(await read.referrers(graph.sbom.descriptor.digest)), [
    graph.sbomSignature.descriptor.digest,
  ]);
});

test("we read, and add to, a layout that oras wrote", { skip }, async () => {
  const folder = tempDir("oras");
  writeFileSync(join(folder, "a.txt"), "from oras");
  writeFileSync(join(folder, "sbom.json"), "{}");
  const push = [
    "push",
    "--oci-layout",
    "--artifact-type",
    "application/vnd.example.thing",
    "layout:v1",
    "a.txt",
  ];
  await toolOutput("oras", push, { cwd: folder });
  await toolOutput(
    "oras",
    [
      "attach",
      "--oci-layout",
      "--artifact-type",
      "application/spdx+json",
      "layout:v1",
      "sbom.json",
    ],
    { cwd: folder },
  );
  const layout = OciLayout.open(join(folder, "layout"));
  const root = await layout.resolve("v1");
  const [attached] = await layout.referrers(root.digest);
  assert.equal(attached?.artifactType, "application/spdx+json");

  const graph = await pushSampleGraph(layout, "ours");
  await toolOutput("oras", ["tag", "--oci-layout", "layout:v1", "v2"], { cwd: folder });
  assert.equal((await layout.resolve("v2")).digest, graph.root.descriptor.digest);
  assert.deepEqual(digestsOf(await layout.referrers(root.digest)), [attached.digest]);
  assert.deepEqual(digestsOf(await layout.referrers(graph.root.descriptor.digest)), [
    graph.sbom.descriptor.digest,
  ]);
  const into = OciLayout.open(join(folder, "copy"), { create: true });
  assert.equal((await copy(layout, into, root, { tags: [{ tag: "v1" }] })).manifests, 2);
  assert.ok(
    (await toolOutput("oras", ["discover", "--oci-layout", "copy:v1"], { cwd: folder })).includes(
      "application/spdx+json",
    ),
  );
});

test("we read, and add to, a layout out of which oras deleted everything", { skip }, async () => {
  const folder = tempDir("oras");
  writeFileSync(join(folder, "a.txt"), "from oras");
  await toolOutput("oras", ["push", "--oci-layout", "layout:v1", "a.txt"], { cwd: folder });
  await toolOutput("oras", ["manifest", "delete", "--oci-layout", "--force", "layout:v1"], {
    cwd: folder,
  });
  const layout = OciLayout.open(join(folder, "layout"));
  assert.deepEqual(await layout.tags(), []);
  await pushSampleGraph(layout);
  assert.equal(
    (await toolOutput("oras", ["repo", "tags", "--oci-layout", "layout"], { cwd: folder })).trim(),
    "v1",
  );
});

test(
  "an image that only an index contains is found by oras with its signature",
  { skip },
  async () => {
    const path = join(tempDir("oras"), "layout");
    const graph = await pushSampleGraph(OciLayout.open(path, { create: true }));
    const copied = join(tempDir("oras"), "copy");
    await toolOutput("oras", [
      "cp",
      "--from-oci-layout",
      "--to-oci-layout",
      "-r",
      `${path}@${graph.root.descriptor.digest}`,
      `${copied}:v1`,
    ]);
    const [image] = graph.images;
    assert.ok(image);
    assert.deepEqual(digestsOf(await OciLayout.open(copied).referrers(image.descriptor.digest)), [
      graph.imageSignature.descriptor.digest,
    ]);
  },
);
