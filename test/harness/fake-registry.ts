// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { digestOf, isDigest } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";

export interface Asked {
  method: string;
  /** Without the query. */
  path: string;
  query: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** Answers in the registry's stead. @returns whether it did */
export type Quirk = (asked: Asked, response: ServerResponse) => boolean;

interface Held {
  type: string;
  bytes: Buffer;
}

const VERSION = { "docker-distribution-api-version": "registry/2.0" };

/**
 * A registry in this process, in memory, that checks nothing: what others have pushed to real ones
 * may be put into it as it is. Without quirks it has no referrers API.
 */
export class FakeRegistry {
  readonly manifests = new Map<string, Held>();
  readonly tags = new Map<string, string>();
  readonly blobs = new Map<string, Buffer>();
  readonly requests: Asked[] = [];
  readonly quirks: Quirk[] = [];
  host = "";

  static async start(context: TestContext, ...quirks: Quirk[]): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    registry.quirks.push(...quirks);
    const server = createServer((request, response) => void registry.#serve(request, response));
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    context.after(() => {
      server.close();
      server.closeAllConnections();
    });
    registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return registry;
  }

  /** Puts bytes there as they are, whatever they are. */
  put(bytes: Buffer, type: string, tag?: string): string {
    const digest = digestOf(bytes);
    this.manifests.set(digest, { type, bytes });
    if (tag !== undefined) this.tags.set(tag, digest);
    return digest;
  }

  /** `METHOD path`, of those that match. */
  asked(pattern: RegExp): string[] {
    return this.requests
      .map(({ method, path }) => `${method} ${path}`)
      .filter((line) => pattern.test(line));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const asked: Asked = {
      method: request.method ?? "",
      path,
      query,
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    this.requests.push(asked);
    if (this.quirks.some((quirk) => quirk(asked, response))) return;
    this.#answer(asked, response);
  }

  #answer(asked: Asked, response: ServerResponse): void {
    const [, kind = "", name = ""] =
      /\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(asked.path) ?? [];
    if (asked.path === "/v2/") return void response.writeHead(200, VERSION).end();
    if (kind === "manifests") return this.#manifest(asked, name, response);
    if (kind === "blobs") return this.#blob(asked, name, response);
    if (kind === "tags")
      return answerJson(response, 200, { name: "", tags: [...this.tags.keys()].sort() });
    response.writeHead(404, { ...VERSION, "content-type": "text/plain" }).end("404 page not found");
  }

  #manifest({ method, headers, body }: Asked, name: string, response: ServerResponse): void {
    if (method === "PUT") {
      const digest = this.put(
        body,
        headers["content-type"] ?? "",
        isDigest(name) ? undefined : name,
      );
      return void response.writeHead(201, { ...VERSION, "docker-content-digest": digest }).end();
    }
    const digest = isDigest(name) ? name : this.tags.get(name);
    const held = digest === undefined ? undefined : this.manifests.get(digest);
    if (digest === undefined || held === undefined)
      return answerError(response, 404, "MANIFEST_UNKNOWN");
    if (method === "DELETE") {
      this.manifests.delete(digest);
      return void response.writeHead(202, VERSION).end();
    }
    response.writeHead(200, {
      ...VERSION,
      "content-type": held.type,
      "content-length": String(held.bytes.byteLength),
      "docker-content-digest": digest,
    });
    response.end(method === "HEAD" ? undefined : held.bytes);
  }

  #blob({ method, query, body, path }: Asked, name: string, response: ServerResponse): void {
    if (method === "POST" || method === "PUT") {
      const digest = new URLSearchParams(query).get("digest");
      if (digest === null)
        return void response.writeHead(202, { ...VERSION, location: `${path}one` }).end();
      this.blobs.set(digest, body);
      return void response.writeHead(201, VERSION).end();
    }
    const bytes = this.blobs.get(name);
    if (bytes === undefined) return answerError(response, 404, "BLOB_UNKNOWN");
    response.writeHead(200, { ...VERSION, "content-length": String(bytes.byteLength) });
    response.end(method === "HEAD" ? undefined : bytes);
  }
}

export function answerJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...VERSION, "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

export function answerError(response: ServerResponse, status: number, code: string): void {
  answerJson(response, status, { errors: [{ code, message: "no" }] });
}

/** The index of everything with a subject in a registry, as its referrers API answers. */
export function withReferrersApi(registry: FakeRegistry): Quirk {
  return ({ path }, response) => {
    const subject = /\/referrers\/(.*)$/.exec(path)?.[1];
    if (subject === undefined) return false;
    const manifests = [...registry.manifests].flatMap(([digest, { type, bytes }]) => {
      const value = readJson(bytes);
      const { artifactType, annotations } = value;
      return value.subject?.digest === subject
        ? [{ mediaType: type, digest, size: bytes.byteLength, artifactType, annotations }]
        : [];
    });
    answerJson(
      response,
      200,
      { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests },
      { "content-type": MEDIA_TYPES.index },
    );
    return true;
  };
}

interface Written {
  subject?: { digest: string };
  artifactType?: string;
  annotations?: Record<string, string>;
}

function readJson(bytes: Buffer): Written {
  try {
    return JSON.parse(bytes.toString()) as Written;
  } catch {
    return {};
  }
}
