// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { packManifest, bytesBlob, pushArtifact } from "../../provider/content/pack";
import type { Store } from "../../provider/content/storage";
import { keySigner, packSignature, signEnvelope } from "../../provider/notation";
import { plainDescriptor, type Descriptor } from "../../provider/oci/descriptor";
import type { Digest } from "../../provider/oci/digest";
import { lastOf, ModelArtifact, type ModelLife, type ModelRules } from "../archive/decade-model";
import { tellings, type Told } from "../archive/decade-lives";
import { family, quickParty, type Party } from "../harness/memory-world";

export const wabbit = quickParty("Wabbit Networks");
export const stranger = quickParty("Stranger");

/**
 * One repository or layout, as the program names it and as others see it, past every cache of ours.
 */
export interface Home {
  location: string;
  store: () => Store;
}

export interface Inhabitant {
  name: string;
  source: Home;
  descriptor: Descriptor;
  model: ModelArtifact;
  told: Told[];
}

const CONCURRENCY = 8;

/** Runs over what is given, some at a time, each one's own in order. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

/**
 * A signed artifact, with a layer of its own beside one that all have in common. The older form of
 * signature is the one that notation finds in layouts.
 */
async function publish(store: Store, name: string, { issued }: Party): Promise<Descriptor> {
  const layers = ["what all have in common\n", `the content of ${name}\n`].map((text) =>
    bytesBlob(Buffer.from(text), "text/plain"),
  );
  const packed = packManifest({ artifactType: "application/vnd.example.app", layers });
  await pushArtifact(store, packed);
  const subject = plainDescriptor(packed.manifest.descriptor);
  const envelope = await signEnvelope({
    target: subject,
    signer: keySigner(issued.key.privateKey, issued.chain),
    signingTime: new Date(),
  });
  await pushArtifact(store, packSignature({ subject, envelope, form: "legacy" }));
  await store.tag(packed.manifest, name);
  return subject;
}

/**
 * Artifacts at their sources with lives before them, the model of each, and beside them what
 * belongs to others.
 */
export class DecadeWorld {
  readonly inhabitants: Inhabitant[] = [];
  readonly #foreign: { home: Home; descriptor: Descriptor; family: Digest[] }[] = [];

  constructor(
    readonly rules: ModelRules,
    readonly sources: readonly Home[],
    readonly archive: Home,
  ) {}

  /** @param lives most go to the first source, one in five to the last */
  async settle(lives: readonly ModelLife[]): Promise<void> {
    const stores = this.sources.map(({ store }) => store());
    await forAll([...lives.entries()], async ([index, life]) => {
      const place = index % 5 === 4 ? this.sources.length - 1 : 0;
      const [source, store] = [this.sources[place], stores[place]];
      if (source === undefined || store === undefined) return;
      const descriptor = await publish(store, `v${index}`, wabbit);
      this.inhabitants.push({
        name: `v${index}`,
        source,
        descriptor,
        model: new ModelArtifact(descriptor.digest, life),
        told: tellings(store, descriptor, life, wabbit, stranger),
      });
    });
    for (const home of [...this.sources, this.archive]) {
      const descriptor = await publish(home.store(), "foreign", stranger);
      this.#foreign.push({
        home,
        descriptor,
        family: await family(home.store(), descriptor.digest),
      });
    }
  }

  /** Everybody learns what happened until that day, and the model says what becomes of each. */
  async live(day: number): Promise<Map<Digest, string>> {
    await forAll(this.inhabitants, async ({ told }) => {
      while (told[0] !== undefined && told[0].day <= day) await told.shift()?.tell();
    });
    const last = this.sources.map((home) =>
      lastOf(
        this.inhabitants.filter(({ source }) => source === home).map(({ model }) => model),
        day,
        this.rules,
      ),
    );
    return new Map(
      this.inhabitants.map(({ descriptor: { digest }, model }) => [
        digest,
        model.run(
          day,
          this.rules,
          last.some((digests) => digests.has(digest)),
        ),
      ]),
    );
  }

  /** Where the bytes are is where the model has them. */
  async compare(day: number): Promise<void> {
    const archive = this.archive.store();
    const sources = new Map(this.sources.map((home) => [home, home.store()]));
    await forAll(this.inhabitants, async ({ name, source, descriptor, model }) => {
      const there = [await sources.get(source)?.has(descriptor), await archive.has(descriptor)];
      assert.deepEqual(
        there,
        [model.atSource, model.inArchive],
        `day ${day}, ${name}, at its source and in the archive: ${JSON.stringify([model.life, this.rules])}`,
      );
      if (!model.inArchive) return;
      const manifest = await archive.manifest(descriptor);
      const own = manifest.kind === "manifest" ? manifest.value.layers[1] : undefined;
      assert.equal(
        own !== undefined && (await archive.has(own)),
        !model.contentPurged,
        `day ${day}, the content of ${name}`,
      );
    });
  }

  /**
   * Of what is archived every claim and signature can be read, and of what was purged none is left;
   * what is others' is as it was.
   */
  async compareAtTheEnd(): Promise<void> {
    const archive = this.archive.store();
    await forAll(this.inhabitants, async ({ name, descriptor, model }) => {
      const digests = await family(archive, descriptor.digest);
      if (!model.inArchive) assert.deepEqual(digests, [descriptor.digest], `${name} left nothing`);
      else for (const digest of digests) await archive.manifest(digest);
    });
    for (const { home, descriptor, family: before } of this.#foreign)
      assert.deepEqual(
        await family(home.store(), descriptor.digest),
        before,
        `what is not ours at ${home.location}`,
      );
  }
}
