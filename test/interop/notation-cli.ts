// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PackedArtifact } from "../../provider/content/pack";
import { parseManifest, type Manifest } from "../../provider/oci/manifest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { writeKeyFiles, type Issued } from "../harness/keys";
import { tempDir } from "../harness/temp";
import { runTool, type ToolRun } from "../harness/toolchain";

/**
 * Notation's configuration in a directory of its own: one key, one trust store, one strict policy
 * for everything.
 */
export function notationConfig(
  signer: Issued,
  policy: Record<string, unknown> = {},
): { env: Record<string, string>; folder: string } {
  const home = tempDir("notation");
  const folder = join(home, "notation");
  const { keyFile, certificateChainFile, rootFile } = writeKeyFiles(signer);
  const store = join(folder, "truststore", "x509", "ca", "wabbit");
  mkdirSync(store, { recursive: true });
  copyFileSync(rootFile, join(store, "root.crt"));
  const keys = {
    default: "wabbit",
    keys: [{ name: "wabbit", keyPath: keyFile, certPath: certificateChainFile }],
  };
  const statement = {
    name: "wabbit",
    registryScopes: ["*"],
    signatureVerification: { level: "strict" },
    trustStores: ["ca:wabbit"],
    trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks"],
    ...policy,
  };
  writeFileSync(join(folder, "signingkeys.json"), JSON.stringify(keys));
  writeFileSync(
    join(folder, "trustpolicy.json"),
    JSON.stringify({ version: "1.0", trustPolicies: [statement] }),
    { mode: 0o600 },
  );
  return { env: { XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home }, folder };
}

/** One more trust store, as `tsa/name`. */
export function addTrustStore(config: { folder: string }, name: string, pem: string): void {
  const store = join(config.folder, "truststore", "x509", name);
  mkdirSync(store, { recursive: true });
  writeFileSync(join(store, "root.crt"), pem);
}

export function notation(
  config: { env: Record<string, string> },
  ...args: string[]
): Promise<ToolRun> {
  return runTool("notation", args, { env: config.env });
}

/**
 * The few calls of the distribution API that these tests need, so that nothing of ours is between
 * notation and the registry.
 */
export class PlainRepository {
  constructor(
    readonly host: string,
    readonly name: string,
  ) {}

  async push({ manifest, blobs }: PackedArtifact): Promise<string> {
    for (const { descriptor, open } of blobs) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of await open()) chunks.push(chunk);
      const started = await this.#call("blobs/uploads/", { method: "POST" });
      const location = new URL(started.headers.get("location") ?? "", `http://${this.host}`);
      location.searchParams.set("digest", descriptor.digest);
      await this.#call(location, {
        method: "PUT",
        body: Buffer.concat(chunks),
        headers: { "content-type": "application/octet-stream" },
      });
    }
    const { descriptor, bytes } = manifest;
    await this.#call(`manifests/${descriptor.digest}`, {
      method: "PUT",
      body: Buffer.from(bytes),
      headers: { "content-type": descriptor.mediaType },
    });
    return `${this.host}/${this.name}@${descriptor.digest}`;
  }

  async manifest(digest: string): Promise<Manifest> {
    const response = await this.#call(`manifests/${digest}`, {
      headers: { accept: `${MEDIA_TYPES.manifest}, ${MEDIA_TYPES.index}` },
    });
    return parseManifest(
      new Uint8Array(await response.arrayBuffer()),
      response.headers.get("content-type") ?? "",
    );
  }

  async blob(digest: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#call(`blobs/${digest}`)).arrayBuffer());
  }

  async referrers(digest: string): Promise<string[]> {
    const index: unknown = await (await this.#call(`referrers/${digest}`)).json();
    const manifests = parseManifest(Buffer.from(JSON.stringify(index)), MEDIA_TYPES.index);
    return manifests.kind === "index" ? manifests.value.manifests.map((each) => each.digest) : [];
  }

  async #call(path: string | URL, init: RequestInit = {}): Promise<Response> {
    const url = path instanceof URL ? path : `http://${this.host}/v2/${this.name}/${path}`;
    const response = await fetch(url, init);
    if (!response.ok)
      throw new Error(
        `${init.method ?? "GET"} ${String(url)}: ${response.status} ${await response.text()}`,
      );
    return response;
  }
}
