// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { parseManifest } from "../../provider/oci/manifest";
import { signedArtifact } from "../../provider/artifact/artifact";
import { pushImage } from "../harness/artifacts";
import { attachClaim } from "../harness/attach";
import { Life } from "../harness/life";
import { forEachPlace, signaturesOf, signerFiles, type Place } from "../harness/places";
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
  return { signer, args, life: (): Life => new Life(signedArtifact, { folder: place.folder }) };
}

const digestOf = (life: Life): string => String(life.outputs["digest"]);
const isThere = (place: Place, digest: string): Promise<boolean> =>
  place
    .store("app")
    .resolve(digest as Digest)
    .then(
      () => true,
      () => false,
    );
const tagsOf = (place: Place): Promise<string[]> => place.store("app").tags();
const targetOf = async (place: Place, tag: string): Promise<string> =>
  (await place.store("app").resolve(tag)).digest;

forEachPlace("an artifact under another name keeps what it adopted", async (place) => {
  for (const onDelete of ["untag", "purge"]) {
    const { args, life } = arrange(place);
    const [old, renamed] = [life(), life()];
    await old.up({ ...args, tags: ["v1", "only-the-old-one"], onDelete });
    await renamed.up({ ...args, onDelete }, old);
    assert.deepEqual(await renamed.refresh(), []);
    assert.deepEqual(await tagsOf(place), ["v1"], "but not what it did not adopt");
    assert.equal(await renamed.up({ ...args, onDelete }, old), "same");
    assert.deepEqual(await renamed.refresh(), []);
    await renamed.destroy();
    assert.deepEqual(await tagsOf(place), ["v1"], "without an alias it is nobody's any more");
    assert.ok(await isThere(place, digestOf(renamed)));
  }
});

forEachPlace(
  "a repository spelt differently is the same one",
  async (place) => {
    const { args, life } = arrange(place);
    const one = life();
    await one.up(args);
    assert.equal(await one.up({ ...args, repository: "oci:./layouts/other/../app/" }), "update");
    assert.deepEqual(await one.refresh(), []);
    assert.equal(
      await one.up({ ...args, repository: `oci:${place.folder}/layouts/app` }),
      "replace",
      "that an absolute path leads to the same place, a diff cannot tell",
    );
    assert.deepEqual(await one.refresh(), []);
    assert.deepEqual(await tagsOf(place), ["v1"]);
  },
  ["layout"],
);

forEachPlace(
  "a tag that somebody moved: not moved back unseen, and not taken away when it is no longer wanted",
  async (place) => {
    const { args, life } = arrange(place);
    const one = life();
    await one.up({ ...args, tags: ["v1", "latest"] });
    const hotfix = await pushImage(place.store("app"), { layers: ["hotfix"] });
    await place.store("app").tag(hotfix, "v1");
    const before = one.outputs;
    place.clear();
    await assert.rejects(
      one.up({ ...args, tags: ["v1", "latest"], onDelete: "untag" }),
      codeOf("TAG_MOVED", /tag v1 is at sha256:.* refresh first/),
    );
    assert.equal(place.writes(), 0);
    assert.equal(one.outputs, before, "nothing was done, so the state is as it was");
    assert.equal(await targetOf(place, "v1"), hotfix.descriptor.digest);

    assert.deepEqual(await one.refresh(), ["tagged.v1"]);
    assert.equal(await one.up({ ...args, tags: ["latest"] }), "update");
    assert.equal(
      await targetOf(place, "v1"),
      hotfix.descriptor.digest,
      "it is somebody else's by now",
    );

    await place.store("app").tag(hotfix, "latest");
    assert.deepEqual(await one.refresh(), ["tagged.latest"]);
    assert.equal(
      await one.up({ ...args, tags: ["latest"] }),
      "update",
      "a refresh has shown it, so the preview does",
    );
    assert.equal(await targetOf(place, "latest"), digestOf(one));

    await place.store("app").untag("latest");
    assert.equal(
      await one.up({ ...args, tags: ["latest"], onDelete: "untag" }),
      "update",
      "what is gone nobody loses",
    );
    assert.equal(await targetOf(place, "latest"), digestOf(one));
  },
  ["olareg", "distribution", "layout"],
);

forEachPlace(
  "tags half-way: what is moved is known, and the next content may move on from there",
  async (place) => {
    const { args, life } = arrange(place);
    const one = life();
    await one.up({ ...args, tags: ["a", "b"] });
    const first = digestOf(one);
    writeFileSync(join(place.folder, "files", "app.sh"), "echo 2\n");
    place.registry?.setFaults([
      { method: "PUT", path: /\/manifests\/b$/, fault: { kind: "status", status: 403 } },
    ]);
    await assert.rejects(one.up({ ...args, tags: ["a", "b"] }), failsWith("REGISTRY_DENIED"));
    place.registry?.setFaults([]);
    assert.deepEqual(one.outputs["tagged"], { a: digestOf(one), b: first });
    writeFileSync(join(place.folder, "files", "app.sh"), "echo 3\n");
    assert.equal(await one.up({ ...args, tags: ["a"] }), "update");
    assert.equal(await targetOf(place, "a"), digestOf(one));
    assert.deepEqual(await tagsOf(place), ["a"], "b was still where this resource had set it");
  },
  ["olareg", "distribution"],
);

forEachPlace(
  "states of old do not tell what tags they set: none is taken away, with a warning",
  async (place) => {
    const { args, life } = arrange(place);
    const one = life();
    await one.up({ ...args, tags: ["v1", "latest"] });
    const { placed: _, made: __, onDestroy: ___, ...old } = one.outputs;
    one.outputs = old;
    assert.deepEqual(await one.refresh(), []);
    assert.equal(await one.up({ ...args, tags: ["v1"] }), "update");
    assert.deepEqual(await tagsOf(place), ["latest", "v1"]);
    assert.match(one.warnings.join(), /latest stays.*recorded by 0\.1\.0/);
    await one.destroy();
    assert.deepEqual(await tagsOf(place), ["latest", "v1"]);
    assert.equal((await signaturesOf(place, "app", digestOf(one))).length, 1);
  },
  ["layout"],
);

forEachPlace(
  "two of the same content: each takes its own tags; whoever made it the content, if nobody has it",
  async (place) => {
    const { args, life } = arrange(place);
    const [one, two] = [life(), life()];
    await one.up(args);
    await two.up({ ...args, tags: ["v2"] });
    await one.destroy();
    assert.match(one.warnings.join(), /not purged, as the tag v2/);
    assert.deepEqual(await two.refresh(), []);
    await two.destroy();
    assert.deepEqual(await tagsOf(place), []);
    assert.ok(await isThere(place, digestOf(two)), "it has only adopted it");
    assert.match(two.warnings.join(), /it was there before this resource/);
    await one.destroy();
    assert.equal(await isThere(place, digestOf(two)), false);
    await two.destroy();
  },
);

forEachPlace(
  "purge leaves what an index under somebody's tag contains, and what others said about",
  async (place) => {
    const { args, life } = arrange(place);
    const store = place.store("app");
    const child = await pushImage(store, { layers: ["amd64"] });
    const index = parseManifest(
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.index.v1+json",
          manifests: [child.descriptor],
        }),
      ),
      "application/vnd.oci.image.index.v1+json",
    );
    await store.pushManifest(index);
    await store.tag(index, "multi");
    const { files: _, ...others } = args;
    const one = life();
    await one.up({
      ...others,
      tags: [],
      from: `${place.location("app")}@${child.descriptor.digest}`,
    });
    await one.destroy();
    assert.match(one.warnings.join(), /it was there before this resource/);
    assert.ok(await isThere(place, child.descriptor.digest));

    const two = life();
    await two.up(args);
    const scan = await attachClaim(
      place,
      "app",
      two.outputs["descriptor"] as Descriptor,
      signerFiles("scanner").issued,
      { predicate: { result: "FAILED", configuration: [{ name: "scan" }] } },
    );
    await two.destroy();
    assert.match(
      two.warnings.join(),
      new RegExp(`not purged, as ${scan}, which stays, refers to it`),
    );
    assert.deepEqual(
      [await tagsOf(place), await isThere(place, digestOf(two)), await isThere(place, scan)],
      [["multi"], true, true],
    );
    assert.equal(
      (await signaturesOf(place, "app", digestOf(two))).length,
      1,
      "what stays, stays signed",
    );
  },
);

forEachPlace(
  "purge takes the signatures of all signers that the artifact had",
  async (place) => {
    const { args, life } = arrange(place);
    const one = life();
    await one.up(args);
    await one.up({ ...args, signer: signerFiles("next").args });
    assert.equal((await signaturesOf(place, "app", digestOf(one))).length, 2);
    await one.destroy();
    assert.deepEqual([one.warnings, await isThere(place, digestOf(one))], [[], false]);
    assert.deepEqual(await signaturesOf(place, "app", digestOf(one)), []);
  },
  ["olareg", "distribution", "layout"],
);

forEachPlace(
  "where a tag cannot be removed alone: retain leaves it, purge takes it with its manifest, untag says what to do",
  async (place) => {
    const { args, life } = arrange(place);
    const undeletable = [
      {
        method: "DELETE",
        path: /\/manifests\/(?!sha)/,
        fault: { kind: "status", status: 405 } as const,
      },
    ];
    const one = life();
    await one.up({ ...args, tags: ["v1", "latest"], onDelete: "untag" });
    place.registry?.setFaults(undeletable);
    await assert.rejects(
      one.up({ ...args, tags: ["v1"], onDelete: "untag" }),
      codeOf("REGISTRY_UNSUPPORTED", /latest is no longer wanted.*set onDelete to "retain"/),
    );
    assert.equal(await one.up({ ...args, tags: ["v1"], onDelete: "retain" }), "update");
    assert.match(one.warnings.join(), /latest stays/);
    assert.equal(await one.up({ ...args, tags: ["v1"], onDelete: "retain" }), "same");
    place.registry?.setFaults([]);
    await place.store("app").untag("latest");
    await one.up(args);
    place.registry?.setFaults(undeletable);
    await one.destroy();
    assert.deepEqual([await tagsOf(place), await isThere(place, digestOf(one))], [[], false]);
  },
  ["olareg", "distribution"],
);
