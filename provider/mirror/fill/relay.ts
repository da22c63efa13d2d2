// SPDX-License-Identifier: Apache-2.0
import type { SendBlob } from "../../content/copy";
import type { Content, ReadStore } from "../../content/storage";
import { isConsignError } from "../../errors";
import type { Descriptor } from "../../oci/descriptor";
import type { Digest } from "../../oci/digest";

/** Up to here a blob is held for all destinations, see SharedSource; larger ones are relayed. */
const SMALL = 1024 * 1024;

interface Bringing {
  destination: ReadStore;
  /** Whether it is there. */
  done: Promise<boolean>;
}

/**
 * Large blobs on their way to several destinations: the first that needs one brings it from the
 * source, the others wait for that and read it there, so that the source is read once. Where it
 * cannot be read there, it is read from the source after all.
 */
export class BlobRelay {
  readonly #bringing = new Map<Digest, Bringing>();

  /** How one destination sends its blobs. */
  to(destination: ReadStore): SendBlob {
    return (target, open, push) => this.#send(destination, target, open, push);
  }

  async #send(
    destination: ReadStore,
    target: Descriptor,
    open: () => Promise<Content>,
    push: (open: () => Promise<Content>) => Promise<boolean>,
  ): Promise<boolean> {
    if (target.size <= SMALL) return push(open);
    for (
      let first = this.#bringing.get(target.digest);
      first !== undefined;
      first = this.#bringing.get(target.digest)
    ) {
      const { destination: there, done } = first;
      if (there === destination) return push(open);
      if (await done) return push(() => readAt(there, target, open));
    }
    return this.#bring(destination, target.digest, () => push(open));
  }

  async #bring(
    destination: ReadStore,
    digest: Digest,
    push: () => Promise<boolean>,
  ): Promise<boolean> {
    const sent = push();
    this.#bringing.set(digest, {
      destination,
      done: sent.then(
        () => true,
        () => false,
      ),
    });
    try {
      return await sent;
    } catch (error) {
      this.#bringing.delete(digest);
      throw error;
    }
  }
}

async function readAt(
  there: ReadStore,
  target: Descriptor,
  open: () => Promise<Content>,
): Promise<Content> {
  try {
    return await there.blob(target);
  } catch (error) {
    if (!isConsignError(error)) throw error;
    return open();
  }
}
