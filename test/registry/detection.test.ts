// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test, type TestContext } from "node:test";
import { packManifest } from "../../provider/content/pack";
import { digestOf } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import type { Repository } from "../../provider/registry/index";
import { RegistryReferrers, ReferrersCapability } from "../../provider/registry/capabilities";
import { referrersWayOf, parseRegistrySettings } from "../../provider/registry/settings";
import { fallbackTag } from "../../provider/registry/tags";
import { failsWith } from "../harness/failure";
import { json, quickClient, scripted, type Scripted } from "./scripted";

const SUBJECT = digestOf("subject");
const NOBODYS = `sha256:${"0".repeat(64)}`;
const INDEX = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] as unknown[] };
const VERSION = { "docker-distribution-api-version": "registry/2.0" };
const ENTRY = {
  mediaType: MEDIA_TYPES.manifest,
  digest: digestOf("entry"),
  size: 3,
  artifactType: "application/vnd.t",
};

type Reply = (response: ServerResponse) => void;

const index =
  (...manifests: unknown[]): Reply =>
  (response) =>
    json(response, 200, { ...INDEX, manifests }, { "content-type": MEDIA_TYPES.index });
const plain =
  (status: number, headers: Record<string, string> = {}, body = ""): Reply =>
  (response) =>
    void response.writeHead(status, headers).end(body);
const error =
  (status: number, code: string): Reply =>
  (response) =>
    json(response, status, { errors: [{ code, message: "no" }] }, VERSION);
const noRoute = plain(404, { ...VERSION, "content-type": "text/plain" }, "404 page not found\n");
const notThere = error(404, "MANIFEST_UNKNOWN");
const nowhere = error(404, "NAME_UNKNOWN");
const isThere = plain(200, {
  "content-type": MEDIA_TYPES.manifest,
  "content-length": "7",
});

/** What is asked for, by the path without `/v2/<repository>/`; replies in order, the last for ever. */
interface Answers {
  subject?: Reply[];
  other?: Reply[];
  tag?: Reply[];
  held?: Reply[];
  tags?: Reply[];
}

async function serve(
  context: TestContext,
  answers: Answers,
  settings: { referrers?: "api" | "tag" } = {},
): Promise<{ server: Scripted; repository: Repository; asked: () => string[] }> {
  const seen = new Map<Reply[], number>();
  const next = (replies: Reply[]): Reply => {
    const count = seen.get(replies) ?? 0;
    seen.set(replies, count + 1);
    return replies[Math.min(count, replies.length - 1)] ?? notThere;
  };
  const routes: [string, Reply[]][] = [
    [`/referrers/${NOBODYS}`, answers.other ?? [noRoute]],
    ["/referrers/", answers.subject ?? [noRoute]],
    [`/manifests/${fallbackTag(SUBJECT)}`, answers.tag ?? [notThere]],
    ["/manifests/sha256-", [notThere]],
    ["/manifests/", answers.held ?? [notThere]],
    ["/tags/list", answers.tags ?? [nowhere]],
    ["/v2/", [plain(200, VERSION)]],
  ];
  const server = await scripted(context, (request, response) => {
    const route = routes.find(([path]) => request.url.includes(path));
    next(route?.[1] ?? [])(response);
  });
  const client = quickClient(context, {
    settings: { [server.host]: settings },
    limits: { tries: 2, mutableCacheMs: 0 },
  });
  return {
    server,
    repository: client.repository(server.host, "a"),
    asked: () =>
      server.requests.splice(0).map((line) => line.replace(/\/v2\/[a-z]+\//, "").slice(0, 30)),
  };
}

const GET_SUBJECT = `GET referrers/${SUBJECT}`.slice(0, 30);
const GET_OTHER = `GET referrers/${NOBODYS}`.slice(0, 30);
const HEAD_TAG = `HEAD manifests/${fallbackTag(SUBJECT)}`.slice(0, 30);
const HEAD_SUBJECT = `HEAD manifests/${SUBJECT}`.slice(0, 30);

const HTML = { "content-type": "text/html", ...VERSION };
for (const [name, reply] of [
  ["200 with a page", plain(200, HTML, "<h1>hello</h1>")],
  ["200 without a content type", plain(200, VERSION, JSON.stringify(INDEX))],
  ["200 with other JSON", (response) => json(response, 200, INDEX)],
  ["400", error(400, "DIGEST_INVALID")],
  ["406", error(406, "UNSUPPORTED")],
  ["410", error(410, "UNSUPPORTED")],
  ["404 with a page", plain(404, HTML, "<h1>not found</h1>")],
  ["405 with a page", plain(405, HTML, "<h1>not allowed</h1>")],
] as [string, Reply][]) {
  test(`referrers: ${name} is no list, and does not say that there is none`, async (context) => {
    const { server, repository } = await serve(context, { subject: [reply], held: [isThere] });
    await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
    assert.equal(repository.referrersSupport.support, "unknown");
    assert.ok(
      server.requests.every((line) => !line.includes("/manifests/sha256-")),
      "the fallback tag was not asked",
    );
  });
}

test("referrers: another host's 404 is not the registry's", async (context) => {
  const elsewhere = await scripted(context, (_request, response) => noRoute(response));
  const { repository } = await serve(context, {
    subject: [plain(303, { location: `http://${elsewhere.host}/packages` })],
  });
  await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
});

for (const [status, reply] of [
  [404, noRoute],
  [405, error(405, "UNSUPPORTED")],
  [501, plain(501, VERSION)],
] as [number, Reply][]) {
  test(`the registry's own ${status}, twice and for another digest, means that it has no referrers API`, async (context) => {
    const { repository, asked } = await serve(context, {
      subject: [reply],
      other: [reply],
      held: [isThere],
    });
    assert.deepEqual(await repository.referrers(SUBJECT), []);
    assert.deepEqual(asked(), [
      GET_SUBJECT,
      GET_SUBJECT,
      GET_OTHER,
      HEAD_SUBJECT,
      HEAD_TAG,
      HEAD_TAG,
    ]);
    repository.forget();
    assert.deepEqual(await repository.referrers(SUBJECT, { fresh: true }), []);
    assert.deepEqual(asked(), [HEAD_TAG, HEAD_TAG], "found out once");
  });
}

test("where a registry has no referrers API, another of its repositories is asked once", async (context) => {
  const server = await scripted(context, (request, response) =>
    request.url.includes("/referrers/")
      ? noRoute(response)
      : request.method === "HEAD" && request.url.endsWith(SUBJECT)
        ? isThere(response)
        : notThere(response),
  );
  const client = quickClient(context);
  await client.repository(server.host, "a").referrers(SUBJECT);
  server.requests.length = 0;
  const other = client.repository(server.host, "b");
  assert.deepEqual(await other.referrers(SUBJECT), []);
  assert.deepEqual(await other.referrers(digestOf("another")), []);
  assert.equal(server.requests.filter((line) => line.includes("/referrers/")).length, 1);
});

test("many lists at once find out together", async (context) => {
  const { server, repository } = await serve(context, { held: [isThere] });
  const subjects = Array.from({ length: 20 }, (_, n) => digestOf(`subject ${n}`));
  await Promise.all(subjects.map((subject) => repository.referrers(subject)));
  const asked = server.requests.filter((line) => line.includes("/referrers/"));
  assert.equal(asked.length, subjects.length + 2);
});

test("what was found out where nothing exists is asked again once something does", async (context) => {
  const pushed = packManifest({ artifactType: "application/vnd.t", layers: [] }).manifest;
  let exists = false;
  const server = await scripted(context, (request, response) => {
    if (request.method === "PUT") {
      exists = true;
      return plain(201)(response);
    }
    if (request.url.includes("/referrers/")) return (exists ? index(ENTRY) : noRoute)(response);
    if (exists && request.method === "HEAD" && request.url.endsWith(pushed.descriptor.digest))
      return plain(200, {
        "content-type": MEDIA_TYPES.manifest,
        "content-length": String(pushed.descriptor.size),
      })(response);
    notThere(response);
  });
  const repository = quickClient(context, { limits: { mutableCacheMs: 0 } }).repository(
    server.host,
    "a",
  );
  assert.deepEqual(await repository.referrers(SUBJECT), []);
  await repository.pushManifest(pushed);
  assert.deepEqual(await repository.referrers(SUBJECT), [ENTRY]);
});

test("a referrers API that has answered is there: a refusal cannot be told, and a passing one is asked again", async (context) => {
  const { repository } = await serve(context, {
    subject: [index(ENTRY), noRoute, index(ENTRY), noRoute],
    held: [isThere],
  });
  assert.deepEqual(await repository.referrers(SUBJECT), [ENTRY]);
  assert.deepEqual(await repository.referrers(SUBJECT), [ENTRY]);
  await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
});

test("so it is where only another digest's list shows the API", async (context) => {
  const { repository } = await serve(context, { other: [index()], held: [isThere] });
  await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
  assert.equal(repository.referrersSupport.support, "supported");
});

test("so it is where only another repository's list shows it", async (context) => {
  const server = await scripted(context, (request, response) =>
    request.url.startsWith("/v2/a/")
      ? index(ENTRY)(response)
      : request.method === "HEAD"
        ? isThere(response)
        : noRoute(response),
  );
  const client = quickClient(context);
  assert.deepEqual(await client.repository(server.host, "a").referrers(SUBJECT), [ENTRY]);
  await assert.rejects(
    client.repository(server.host, "b").referrers(SUBJECT),
    failsWith("REFERRERS_UNKNOWN"),
  );
});

for (const [name, refusal] of [
  ["which is named", nowhere],
  ["which is not named, on a registry that has the API", plain(404, VERSION)],
] as const) {
  test(`in a repository that does not exist, ${name}, nothing refers to anything`, async (context) => {
    const server = await scripted(context, (request, response) =>
      request.url.startsWith("/v2/a/referrers/")
        ? index(ENTRY)(response)
        : request.url.includes("/referrers/")
          ? refusal(response)
          : nowhere(response),
    );
    const client = quickClient(context);
    await client.repository(server.host, "a").referrers(SUBJECT);
    server.requests.length = 0;
    const repository = client.repository(server.host, "b");
    assert.deepEqual(await repository.referrers(SUBJECT), []);
    assert.equal(server.requests.length, 4);
    assert.deepEqual(await repository.referrers(digestOf("another")), []);
    assert.equal(server.requests.length, 4);
  });
}

test("a repository that is said not to exist, and holds the subject, cannot be told", async (context) => {
  const { repository } = await serve(context, {
    subject: [index(ENTRY), nowhere],
    held: [isThere],
  });
  assert.deepEqual(await repository.referrers(SUBJECT), [ENTRY]);
  await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
});

test("a fallback tag that is not found once is looked for again", async (context) => {
  const { repository, asked } = await serve(
    context,
    { tag: [notThere, index(ENTRY)] },
    { referrers: "tag" },
  );
  assert.deepEqual(await repository.referrers(SUBJECT), [ENTRY]);
  assert.ok(asked().every((line) => line.includes("sha256-")));
});

test("a fallback tag that leads to no index cannot be told; one that leads to the subject is no list", async (context) => {
  const { bytes, descriptor } = packManifest({ artifactType: "a/b", layers: [] }).manifest;
  const server = await scripted(
    context,
    (_request, response) =>
      void response.writeHead(200, { "content-type": MEDIA_TYPES.manifest }).end(bytes),
  );
  const repository = quickClient(context, {
    settings: { [server.host]: { referrers: "tag" } },
  }).repository(server.host, "a");
  await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
  assert.deepEqual(await repository.referrers(descriptor.digest), []);
});

test("referrers: api asks no fallback tag, whatever is answered", async (context) => {
  const { server, repository } = await serve(context, { held: [isThere] }, { referrers: "api" });
  await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
  assert.ok(!server.requests.some((line) => line.includes("sha256-")));
});

test("referrers: settings win over what is known of a host", () => {
  assert.equal(referrersWayOf("registry.gitlab.com", {}), "tag");
  assert.equal(referrersWayOf("registry.gitlab.com", { referrers: "api" }), "api");
  assert.equal(referrersWayOf("registry.acme.example", {}), undefined);
  assert.throws(
    () => parseRegistrySettings("registry.acme.example", { referrers: "tags" }),
    failsWith("INPUT_INVALID"),
  );
});

test("an entry whose digest cannot be read is not passed over; one with an odd type is read without it", async (context) => {
  const { repository } = await serve(context, {
    subject: [
      index({ ...ENTRY, artifactType: undefined, annotations: { k: 1 } }, ENTRY),
      index({ ...ENTRY, digest: "sha256:zz" }),
    ],
  });
  assert.equal((await repository.referrers(SUBJECT, { settled: () => true })).length, 1);
  await assert.rejects(repository.referrers(SUBJECT), failsWith("REFERRERS_UNKNOWN"));
});

test("an entry whose manifest is not found is listed all the same", async (context) => {
  const bare = { ...ENTRY, artifactType: undefined };
  const { repository } = await serve(context, { subject: [index(bare)] });
  const [found] = await repository.referrers(SUBJECT);
  assert.equal(found?.digest, ENTRY.digest);
});

test("an entry's media type is a hint as well: the manifest says what it is", async (context) => {
  const { bytes, descriptor } = packManifest({
    artifactType: "application/vnd.real",
    layers: [],
    subject: { mediaType: MEDIA_TYPES.manifest, digest: SUBJECT, size: 7 },
  }).manifest;
  const server = await scripted(context, (request, response) =>
    request.url.includes("/referrers/")
      ? index({ ...descriptor, mediaType: "application/octet-stream", artifactType: "a/b" })(
          response,
        )
      : void response.writeHead(200, { "content-type": descriptor.mediaType }).end(bytes),
  );
  const [found] = await quickClient(context).repository(server.host, "a").referrers(SUBJECT);
  assert.deepEqual(found, { ...descriptor, artifactType: "application/vnd.real" });
});

test("a repository where the API does not know what was pushed is not taken for one with it", () => {
  const capability = new ReferrersCapability(new RegistryReferrers());
  capability.answered();
  capability.disprove("it lists nothing");
  capability.answered();
  capability.forget();
  assert.equal(capability.support, "unsupported");
});
