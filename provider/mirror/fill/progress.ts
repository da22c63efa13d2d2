// SPDX-License-Identifier: Apache-2.0
import type { CopyProgress, CopyReport } from "../../content/copy";
import type { Digest } from "../../oci/digest";

/** A line at most this often. */
const EVERY_MS = 5_000;

/**
 * Says from time to time how far the filling of one destination is, in the middle of a large blob
 * as well.
 */
export class CopyMeter {
  #saidAt: number;
  #manifests = 0;
  #blobs = 0;
  #bytes = 0;
  #artifacts = "";
  readonly #underWay = new Map<Digest, number>();

  constructor(
    private readonly place: string,
    private readonly now: () => Date,
    private readonly say: (line: string) => void,
  ) {
    this.#saidAt = now().getTime();
  }

  readonly seen = (event: CopyProgress): void => {
    if (event.kind === "bytes") this.#underWay.set(event.descriptor.digest, event.bytes);
    else if (event.kind === "blob") this.#endOf(event.descriptor, event.action === "copied");
    else if (event.kind === "manifest" && event.action === "copied") this.#manifests++;
    this.#tick();
  };

  /** So many of the artifacts have all of their content and their tags. */
  done(artifacts: number, of: number): void {
    this.#artifacts = `${artifacts} of ${of} artifacts; `;
    this.#tick();
  }

  /** The last line, where there is something to tell. */
  end({ manifests, blobs, bytes, tagsMoved, repaired }: CopyReport): void {
    if (manifests === 0 && repaired === 0) return;
    const lost =
      repaired === 0 ? "" : `; ${repaired} manifests that it took and did not have were sent again`;
    this.say(
      `${this.place}: ${manifests} manifests, ${blobs} blobs, ${bytes} bytes copied, ${tagsMoved} tags set${lost}`,
    );
  }

  #endOf({ digest, size }: { digest: Digest; size: number }, copied: boolean): void {
    this.#underWay.delete(digest);
    if (!copied) return;
    this.#blobs++;
    this.#bytes += size;
  }

  #tick(): void {
    const now = this.now().getTime();
    if (now - this.#saidAt < EVERY_MS) return;
    this.#saidAt = now;
    const bytes = [...this.#underWay.values()].reduce((sum, part) => sum + part, this.#bytes);
    this.say(
      `${this.place}: ${this.#artifacts}${this.#manifests} manifests, ${this.#blobs} blobs, ${bytes} bytes copied`,
    );
  }
}
