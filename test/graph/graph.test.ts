// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryStore, copy, pushArtifact } from "../../provider/content/index";
import { mergeDigests, mergeTags, referrersIn, select, walk } from "../../provider/graph/index";
import { digestOf, type Digest } from "../../provider/oci/digest";
import { referrerDescriptor } from "../../provider/oci/manifest";
import {
  SIGNATURE,
  artifact,
  codeOf,
  digestsOf,
  pushSampleGraph,
  signatureOf,
} from "../content/sample-graph";

test("a walk finds everything, with what refers to what, in an order that timing does not change", async () => {
  const store = new MemoryStore();
  const { root, images, sbom, sbomSignature, imageSignature, all } = await pushSampleGraph(store);
  const orders = await Promise.all(
    [1, 3, 8].map(async (concurrency) => [
      ...(await walk(store, root.descriptor, { concurrency })).nodes.keys(),
    ]),
  );
  assert.deepEqual(orders[0], orders[1]);
  assert.deepEqual(orders[0], orders[2]);
  const graph = await walk(store, root.descriptor);
  assert.deepEqual(
    [...graph.nodes.keys()].sort(),
    digestsOf(all.map(({ descriptor }) => descriptor)),
  );
  const node = graph.nodes.get(root.descriptor.digest);
  assert.deepEqual(
    node?.children,
    images.map(({ descriptor }) => descriptor.digest),
  );
  assert.deepEqual(node?.referrers, [referrerDescriptor(sbom)]);
  assert.deepEqual(
    [sbom, sbomSignature, imageSignature].map(
      ({ descriptor }) => graph.nodes.get(descriptor.digest)?.depth,
    ),
    [1, 2, 2],
  );
  assert.equal(graph.nodes.get(sbom.descriptor.digest)?.subject, root.descriptor.digest);
});

test("a walk asks leaf types for nothing, leaves impostors out, and keeps its bounds", async () => {
  const store = new MemoryStore();
  const { root } = await pushSampleGraph(store);
  const asked: Digest[] = [];
  const unrelated = artifact("unrelated");
  await pushArtifact(store, unrelated);
  const hostile = new (class extends MemoryStore {
    override resolve = store.resolve.bind(store);
    override manifest = store.manifest.bind(store);
    override async referrers(subject: Digest) {
      asked.push(subject);
      return [...(await store.referrers(subject)), referrerDescriptor(unrelated.manifest)];
    }
  })();
  const graph = await walk(hostile, root.descriptor, { leafTypes: [SIGNATURE] });
  assert.equal(graph.nodes.size, 6);
  assert.equal(graph.nodes.has(unrelated.manifest.descriptor.digest), false);
  assert.equal(graph.nodes.get(root.descriptor.digest)?.referrers.length, 1);
  assert.equal(
    asked.some((digest) => graph.nodes.get(digest)?.descriptor.artifactType === SIGNATURE),
    false,
  );
  assert.equal((await walk(store, root.descriptor, { referrers: false })).nodes.size, 3);
  assert.equal(await codeOf(walk(store, root.descriptor, { maxDepth: 1 })), "GRAPH_TOO_DEEP");
  assert.equal(await codeOf(walk(store, root.descriptor, { maxNodes: 5 })), "GRAPH_TOO_LARGE");
});

test("a claim that is not selected takes its signature with it", async () => {
  const store = new MemoryStore();
  const { root, sbom, sbomSignature } = await pushSampleGraph(store);
  const internal = artifact("internal", {
    subject: root.descriptor,
    annotations: { audience: "internal" },
  });
  const internalSignature = signatureOf(internal.manifest);
  for (const each of [internal, internalSignature]) await pushArtifact(store, each);
  const selection = select(
    await walk(store, root.descriptor),
    ({ descriptor }) => descriptor.annotations?.["audience"] !== "internal",
  );
  assert.deepEqual(
    selection.dropped.map(({ descriptor, reason }) => [descriptor.digest, reason]),
    [
      [internal.manifest.descriptor.digest, "refused"],
      [internalSignature.manifest.descriptor.digest, "subject-dropped"],
    ].sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
  );
  const destination = new MemoryStore("public");
  await copy(store, destination, root.descriptor, { referrers: referrersIn(selection.graph) });
  assert.deepEqual(digestsOf(await destination.referrers(root.descriptor.digest)), [
    sbom.descriptor.digest,
  ]);
  assert.equal(await destination.has(sbomSignature.descriptor), true);
  assert.equal(await destination.has(internalSignature.manifest.descriptor), false);
});

test("whatever is selected hangs together, and nothing gets lost between selected and dropped", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(), { maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 21, maxLength: 21 }),
      async (parents, wanted) => {
        const store = new MemoryStore();
        const made = [artifact("root")];
        for (const [at, parent] of parents.entries()) {
          const subject = made[parent % made.length]?.manifest.descriptor;
          made.push(
            artifact(`claim ${at}`, { subject, annotations: { keep: String(wanted[at]) } }),
          );
        }
        for (const each of made) await pushArtifact(store, each);
        const root = made[0]?.manifest.descriptor;
        assert.ok(root);
        const graph = await walk(store, root);
        const { graph: selected, dropped } = select(
          graph,
          ({ descriptor }) => descriptor.annotations?.["keep"] === "true",
        );
        assert.equal(selected.nodes.size + dropped.length, graph.nodes.size);
        for (const node of selected.nodes.values()) {
          assert.ok(node.subject === undefined || selected.nodes.has(node.subject));
          for (const referrer of node.referrers) assert.ok(selected.nodes.has(referrer.digest));
        }
        for (const { subject, reason, descriptor } of dropped) {
          assert.equal(reason === "refused", selected.nodes.has(subject));
          if (reason === "refused") assert.equal(descriptor.annotations?.["keep"], "false");
        }
        assert.deepEqual(select(graph, () => true).graph, graph);
      },
    ),
    { numRuns: 50 },
  );
});

const DIGESTS = Array.from({ length: 6 }, (_, at) => digestOf(String(at)));
const someDigests = fc.subarray(DIGESTS).map((digests) => new Set(digests));
const someTags = fc
  .dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom(...DIGESTS.slice(0, 3)))
  .map((tags) => new Map(Object.entries(tags)));

test("merged digests: each in one list, told from where it is and was", () => {
  fc.assert(
    fc.property(someDigests, someDigests, someDigests, (base, source, destination) => {
      const merge = mergeDigests({ base, source, destination });
      const listed = Object.values(merge)
        .flat()
        .map(({ digest }: { digest: Digest }) => digest);
      assert.deepEqual(listed.sort(), [...new Set([...base, ...source, ...destination])].sort());
      const only = (list: { digest: Digest }[], b: boolean | undefined, s: boolean, d: boolean) =>
        list.every(
          ({ digest }) =>
            (b === undefined || base.has(digest) === b) &&
            source.has(digest) === s &&
            destination.has(digest) === d,
        );
      assert.ok(only(merge.add, undefined, true, false));
      assert.ok(only(merge.keep, undefined, true, true));
      assert.ok(only(merge.withdrawn, true, false, true));
      assert.ok(only(merge.local, false, false, true));
      assert.ok(only(merge.gone, true, false, false));
    }),
  );
});

test("merged tags: what somebody moved at the destination is never moved or withdrawn", () => {
  fc.assert(
    fc.property(someTags, someTags, someTags, (base, source, destination) => {
      const merge = mergeTags({ base, source, destination });
      assert.equal(
        Object.values(merge).flat().length,
        new Set([...base.keys(), ...source.keys(), ...destination.keys()]).size,
      );
      for (const { tag } of [...merge.move, ...merge.withdrawn])
        assert.equal(destination.get(tag), base.get(tag));
      for (const { tag } of merge.conflict)
        assert.ok(![base.get(tag), source.get(tag), undefined].includes(destination.get(tag)));
      for (const { tag, from, to } of [...merge.add, ...merge.move, ...merge.keep])
        assert.ok(to === source.get(tag) && from === destination.get(tag) && to !== undefined);
      const applied = new Map(destination);
      for (const { tag, to } of [...merge.add, ...merge.move])
        if (to !== undefined) applied.set(tag, to);
      const again = mergeTags({ base: source, source, destination: applied });
      assert.deepEqual([again.add, again.move], [[], []]);
    }),
  );
});
