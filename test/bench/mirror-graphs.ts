// SPDX-License-Identifier: Apache-2.0
import { forEachBounded } from "../../provider/content/bounded";
import { survey } from "../../provider/graph";
import { RegistryClient } from "../../provider/registry";
import { isManifestType } from "../../provider/oci/media-types";
import { successorsOf } from "../../provider/oci/manifest";

/**
 * How many manifests and blobs of the source's whole graphs a destination lacks: 0 says that the
 * copy is complete.
 */
export async function missingFrom(
  source: string,
  destination: string,
  tags: readonly string[],
): Promise<number> {
  const client = new RegistryClient({ baseDir: "/", env: {}, limits: { concurrency: 32 } });
  try {
    const [from, to] = [source, destination].map((place) =>
      client.repository(place.slice(0, place.indexOf("/")), place.slice(place.indexOf("/") + 1)),
    );
    if (from === undefined || to === undefined) return -1;
    let missing = 0;
    await forEachBounded(tags, 8, async (tag) => {
      const root = await from.resolve(tag);
      const [here, there] = [
        await survey(from, root),
        await survey(to, root).catch(() => undefined),
      ];
      for (const [digest, manifest] of here.read) {
        if (there?.read.has(digest) !== true) missing++;
        for (const part of successorsOf(manifest))
          if (!isManifestType(part.mediaType) && !(await to.has(part))) missing++;
      }
      if ((await to.resolve(tag).catch(() => undefined))?.digest !== root.digest) missing++;
    });
    return missing;
  } finally {
    await client.close();
  }
}
