// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { signedArtifact } from "../../provider/artifact/artifact";
import type { Properties } from "../../provider/world/reconciler";
import { pushImage } from "../harness/artifacts";
import { Life, Refused } from "../harness/life";
import {
  damageLayoutBlob,
  forEachPlace,
  openPlace,
  removeManifest,
  signaturesOf,
  signerFiles,
  type Place,
} from "../harness/places";
import { codeOf, failsWith } from "../harness/failure";

function arrange(place: Place) {
  mkdirSync(join(place.folder, "files"), { recursive: true });
  writeFileSync(join(place.folder, "files", "app.sh"), "echo 1\n");
  const signer = signerFiles();
  const args = {
    repository: place.location("app"),
    tags: ["v1"],
    files: ["files/app.sh"],
    signer: signer.args,
    onDelete: "purge",
  };
  return { signer, args, life: new Life(signedArtifact, { folder: place.folder }) };
}

const digestOf = (life: Life): string => String(life.outputs["digest"]);
const tagged = (life: Life): Record<string, string> =>
  life.outputs["tagged"] as Record<string, string>;

forEachPlace("a signed artifact's whole life", async (place) => {
  const { args, life, signer } = arrange(place);
  const planned = await life.preview(args);
  assert.equal(planned.op, "create");
  assert.match(String(planned.planned["digest"]), /^sha256:/);
  assert.deepEqual(await place.store("app").tags(), [], "a preview writes nothing");

  assert.equal(await life.up(args), "create");
  const digest = digestOf(life);
  assert.equal(digest, planned.planned["digest"]);
  assert.equal((await place.store("app").resolve("v1")).digest, digest);
  assert.equal((await signaturesOf(place, "app", digest)).length, 1);

  place.clear();
  assert.equal(await life.up(args), "same");
  assert.deepEqual(await life.refresh(), []);
  assert.equal(await life.up(args), "same");
  assert.equal(place.writes(), 0, "a no-op writes nothing");

  assert.equal(await life.up({ ...args, tags: ["v1", "latest"] }), "update");
  assert.deepEqual(tagged(life), { v1: digest, latest: digest });
  assert.equal(await life.up({ ...args, tags: ["latest"] }), "update");
  assert.deepEqual(
    await place.store("app").tags(),
    ["latest"],
    "a tag that is no longer wanted goes",
  );
  assert.equal((await signaturesOf(place, "app", digest)).length, 1, "tags need no new signature");

  const moved = signerFiles("moved", { key: signer.issued.key });
  writeFileSync(moved.args.certificateChainFile, signer.issued.chainPem);
  assert.equal(
    await life.up({ ...args, tags: ["latest"], signer: moved.args }),
    "same",
    "another path to the same certificate",
  );
  const other = signerFiles("other");
  assert.equal(await life.up({ ...args, tags: ["latest"], signer: other.args }), "update");
  assert.equal((await signaturesOf(place, "app", digest)).length, 2);
  assert.equal(
    (life.outputs["signatures"] as { thumbprint: string }[])[0]?.thumbprint,
    (life.outputs["signedBy"] as Properties)["thumbprint"],
  );

  writeFileSync(join(place.folder, "files", "app.sh"), "echo 2\n");
  assert.equal(await life.up(args), "update");
  assert.notEqual(digestOf(life), digest);
  assert.deepEqual(await place.store("app").tags(), ["v1"]);

  assert.equal(await life.up({ ...args, repository: place.location("app2") }), "replace");
  assert.deepEqual(await place.store("app").tags(), [], "the old one is purged");
  assert.deepEqual(await place.store("app2").tags(), ["v1"]);

  await life.destroy();
  assert.deepEqual(await place.store("app2").tags(), []);
  await assert.rejects(
    place.store("app2").resolve(digestOf(life)),
    /MANIFEST_UNKNOWN|does not|not there|no /i,
  );
  await life.destroy();
});

forEachPlace("drift of a signed artifact: one line a fact, and up mends it", async (place) => {
  const { args, life } = arrange(place);
  await life.up(args);
  const digest = digestOf(life);
  const image = await pushImage(place.store("app"), { layers: ["other"] });

  const drifts: [what: string, make: () => Promise<void>, path: string, value: RegExp][] = [
    [
      "a moved tag",
      async () => place.store("app").tag(image, "v1"),
      "tagged.v1",
      new RegExp(image.descriptor.digest),
    ],
    ["a tag that is gone", async () => place.store("app").untag("v1"), "tagged.v1", /^absent$/],
    [
      "no signature",
      async () => removeManifest(place, "app", (await signaturesOf(place, "app", digest))[0] ?? ""),
      "signature",
      /^missing$/,
    ],
  ];
  for (const [what, make, path, value] of drifts) {
    await make().catch((error: unknown) => assert.fail(`${what}: ${String(error)}`));
    assert.deepEqual(await life.refresh(), [path], what);
    const found = path.startsWith("tagged.") ? tagged(life)["v1"] : life.outputs[path];
    assert.match(String(found), value, what);
    assert.deepEqual((await life.preview(args)).changed, [path], what);
    assert.equal(await life.up(args), "update", what);
    assert.equal(await life.up(args), "same", what);
    assert.deepEqual(await life.refresh(), [], what);
    assert.equal((await signaturesOf(place, "app", digest)).length, 1, what);
    assert.equal((await place.store("app").resolve("v1")).digest, digest, what);
  }

  await removeManifest(place, "app", digest);
  assert.equal(await life.refresh(), "gone");
  assert.equal(await life.up(args), "create");
  assert.equal((await place.store("app").resolve("v1")).digest, digest);
});

forEachPlace(
  "damaged content: what a push mends is mended, what it cannot is refused",
  async (place) => {
    const { args, life } = arrange(place);
    await life.up(args);
    const digest = digestOf(life);
    const layer = (await place.store("app").manifest(digest)).value as {
      layers: { digest: string }[];
    };
    damageLayoutBlob(place, "app", layer.layers[0]?.digest ?? "", "gone");
    assert.deepEqual(await life.refresh(), ["content"]);
    assert.match(String(life.outputs["content"]), /^damaged: .*BLOB_UNKNOWN/);
    assert.equal(await life.up(args), "update");
    assert.deepEqual(await life.refresh(), []);

    damageLayoutBlob(place, "app", digest, "altered");
    assert.deepEqual(await life.refresh(), ["content"]);
    assert.match(String(life.outputs["content"]), /^altered: .*DIGEST_MISMATCH/);
    await assert.rejects(
      life.up(args),
      codeOf("READ_BACK_FAILED", /cannot be read back.*delete it there/),
    );
    assert.equal(life.outputs["__provider"], undefined, "an update has no stub of its own here");
    assert.equal(life.outputs["content"], "incomplete");
  },
  ["layout"],
);

forEachPlace(
  "killed half-way: the next run finishes, with nothing twice",
  async (place) => {
    const { args, life } = arrange(place);
    const { registry } = place;
    assert.ok(registry !== undefined);
    // Every write in turn is the one that breaks.
    for (let nth = 1; nth < 40; nth++) {
      const attempt = { ...args, repository: place.location(`half${nth}`) };
      const one = new Life(signedArtifact, { folder: place.folder });
      let count = 0;
      registry.setFaults([
        {
          method: "PUT|POST|PATCH",
          nth: Array.from({ length: 60 }, (_, index) => nth + index),
          fault: { kind: "status", status: 403 },
        },
      ]);
      registry.clear();
      const failed = await one.up(attempt).then(
        () => false,
        () => true,
      );
      registry.setFaults([]);
      if (!failed) {
        assert.ok(nth > 3, "some write was broken");
        return;
      }
      count = place.writes();
      assert.ok(count > 0);
      await assert.rejects(place.store(`half${nth}`).resolve("v1"), "the tag is last");
      assert.ok(one.outputs["__provider"] === "stub", "partial state keeps its stub");
      assert.equal(await one.up(attempt), "update");
      assert.equal(await one.up(attempt), "same");
      assert.equal(
        (await signaturesOf(place, `half${nth}`, digestOf(one))).length,
        1,
        `broken at write ${nth}`,
      );
      assert.deepEqual(await one.refresh(), []);
    }
    void life;
    assert.fail("it never got through");
  },
  ["distribution", "olareg"],
);

forEachPlace(
  "an unreachable registry never drops anything",
  async (place) => {
    const { args, life } = arrange(place);
    await life.up(args);
    const before = life.outputs;
    place.registry?.setFaults([
      {
        fault: { kind: "status", status: 401, headers: { "www-authenticate": 'Basic realm="x"' } },
      },
    ]);
    await assert.rejects(life.refresh(), failsWith("REGISTRY_UNAUTHORIZED"));
    await place.registry?.stop();
    await assert.rejects(life.refresh(), failsWith("REGISTRY_UNREACHABLE"));
    assert.equal(life.outputs, before);
  },
  ["olareg"],
);

test("layout and from: what a build wrote, and what is pushed already", async (context) => {
  const place = await openPlace("olareg", context);
  const { args, life } = arrange(place);
  const built = await openPlace("layout", context);
  const image = await pushImage(built.store("build"), { tag: "v1" });
  const { files: _, ...others } = args;
  await life.up({ ...others, layout: `oci:${join(built.folder, "layouts", "build")}:v1` });
  assert.equal(digestOf(life), image.descriptor.digest);
  const adopting = new Life(signedArtifact, { folder: place.folder });
  place.clear();
  await adopting.up({ ...others, from: `${place.location("app")}:v1` });
  assert.equal(place.writes(), 0, "it is there, signed and tagged");
  const elsewhere = new Life(signedArtifact, { folder: place.folder });
  await elsewhere.up({
    ...others,
    repository: place.location("app3"),
    from: `${place.location("app")}:v1`,
  });
  assert.equal((await place.store("app3").resolve("v1")).digest, image.descriptor.digest);
  await assert.rejects(
    elsewhere.up({ ...others, layout: `${place.location("app")}:v1` }),
    (error) => error instanceof Refused && error.failures[0]?.property === "layout",
  );
});

forEachPlace(
  "get reads what is there",
  async (place) => {
    const { args, life } = arrange(place);
    await life.up(args);
    const got = new Life(signedArtifact, { folder: place.folder });
    await got.get("app", args);
    for (const name of [
      "digest",
      "reference",
      "signature",
      "content",
      "tagged",
      "signatures",
      "signedReference",
    ])
      assert.deepEqual(got.outputs[name], life.outputs[name], name);
    assert.equal(await got.up(args), "same");
  },
  ["olareg", "layout"],
);

forEachPlace(
  "onDelete: retain leaves all, untag the artifact, purge what others tagged",
  async (place) => {
    const { args } = arrange(place);
    const lives = {
      retain: new Life(signedArtifact, { folder: place.folder }),
      untag: new Life(signedArtifact, { folder: place.folder }),
      purge: new Life(signedArtifact, { folder: place.folder }),
    };
    for (const [onDelete, life] of Object.entries(lives))
      await life.up({ ...args, repository: place.location(onDelete), onDelete });
    await lives.retain.destroy();
    assert.deepEqual(await place.store("retain").tags(), ["v1"]);
    await lives.untag.destroy();
    assert.deepEqual(await place.store("untag").tags(), []);
    assert.ok(await place.store("untag").resolve(digestOf(lives.untag)));
    const store = place.store("purge");
    await store.tag(await store.manifest("v1"), "theirs");
    await lives.purge.destroy();
    assert.match(lives.purge.warnings.join(), /is not purged, as the tag theirs/);
    assert.deepEqual(await place.store("purge").tags(), ["theirs"]);
    assert.equal(
      (await signaturesOf(place, "purge", digestOf(lives.purge))).length,
      1,
      "what stays, stays signed",
    );
  },
  ["olareg", "distribution", "layout"],
);
