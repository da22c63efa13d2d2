// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { packManifest, bytesBlob, pushArtifact } from "../../provider/content/pack";
import { digestOf } from "../../provider/oci/digest";
import { MEDIA_TYPES } from "../../provider/oci/media-types";
import { fallbackTag, isFallbackTag } from "../../provider/registry/tags";
import { pushImage, pushReferrer } from "../harness/artifacts";
import type { FaultRule } from "../harness/faults";
import { noReferrersApi } from "../harness/faults";
import { registryMissing, startRegistry, type RegistryKind } from "../harness/registries";
import { failsWith } from "../harness/failure";
import { json, quickClient, scripted } from "./scripted";

const skip = registryMissing("ggcr", "distribution", "olareg");
const SUBJECT = digestOf("subject");
const INDEX = { schemaVersion: 2, mediaType: MEDIA_TYPES.index };

test("tags come page by page, sorted, without fallback tags", async (context) => {
  const server = await scripted(context, (request, response) => {
    if (request.url.includes("last=b"))
      return json(response, 200, {
        name: "a",
        tags: ["a", `sha256-${"0".repeat(64)}`, `sha256-${"0".repeat(64)}.sig`],
      });
    json(
      response,
      200,
      { name: "a", tags: ["c", "b"] },
      { link: '</v2/a/tags/list?last=b&n=2>; rel="next"' },
    );
  });
  assert.deepEqual(await quickClient(context).repository(server.host, "a").tags(), [
    "a",
    "b",
    "c",
    `sha256-${"0".repeat(64)}.sig`,
  ]);
  assert.deepEqual(server.requests, [
    "GET /v2/a/tags/list?n=1000",
    "GET /v2/a/tags/list?last=b&n=2",
  ]);
});

const BAD_PAGES: [
  string,
  Parameters<typeof failsWith>[0],
  (n: number) => Record<string, string>,
  unknown,
][] = [
  [
    "a link to another origin",
    "PAGE_LINK_INVALID",
    () => ({ link: '<https://evil.example/v2/a/tags/list?last=b>; rel="next"' }),
    { tags: [] },
  ],
  [
    "a link in a circle",
    "PAGE_LINK_INVALID",
    (n) => ({ link: `</v2/a/tags/list?last=${n % 2}>; rel=next` }),
    { tags: ["x"] },
  ],
  [
    "pages without end",
    "PAGE_LINK_INVALID",
    (n) => ({ link: `</v2/a/tags/list?last=${n}>; rel="prev next"` }),
    { tags: ["x"] },
  ],
  ["something else", "REGISTRY_RESPONSE_INVALID", () => ({}), []],
];
for (const [name, code, headers, body] of BAD_PAGES) {
  test(`a list of tags is refused: ${name}`, async (context) => {
    const server = await scripted(context, (_request, response) =>
      json(response, 200, body, headers(server.requests.length)),
    );
    await assert.rejects(
      quickClient(context, { limits: { pages: 7 } })
        .repository(server.host, "a")
        .tags(),
      failsWith(code),
    );
    assert.ok(server.requests.length <= 7);
  });
}

test("names that are no tags are told, and not listed", async (context) => {
  const server = await scripted(context, (_request, response) =>
    json(response, 200, { tags: ["../x", "v1"] }),
  );
  const odd: string[] = [];
  const repository = quickClient(context).repository(server.host, "a");
  assert.deepEqual(await repository.tags({ odd: (name) => odd.push(name) }), ["v1"]);
  assert.deepEqual(odd, ["../x"]);
});

test("null tags, and other link relations, end the list", async (context) => {
  const server = await scripted(context, (_request, response) =>
    json(response, 200, { tags: null }, { link: '</v2/>; rel="prev", </x>; rel="nextish"' }),
  );
  assert.deepEqual(await quickClient(context).repository(server.host, "a").tags(), []);
});

test("fallback tags are named after the subject, sha512 cut to 64 digits", () => {
  assert.equal(fallbackTag(`sha512:${"ab".repeat(64)}`), `sha512-${"ab".repeat(32)}`);
  assert.ok(isFallbackTag(fallbackTag(SUBJECT)));
  assert.ok(!isFallbackTag(`${fallbackTag(SUBJECT)}.sig`));
});

for (const [status, code] of [
  [401, "REGISTRY_UNAUTHORIZED"],
  [403, "REGISTRY_DENIED"],
  [429, "REGISTRY_RATE_LIMITED"],
  [500, "REGISTRY_FAILED"],
  [503, "REGISTRY_FAILED"],
] as const) {
  test(`referrers: ${status} is an error, and proves nothing about the API`, async (context) => {
    const server = await scripted(context, (_request, response) => json(response, status, {}));
    const repository = quickClient(context, { limits: { tries: 2 } }).repository(server.host, "a");
    await assert.rejects(repository.referrers(SUBJECT), failsWith(code));
    assert.equal(repository.referrersSupport.support, "unknown");
    assert.ok(
      server.requests.every((line) => line.includes("/referrers/")),
      "the fallback tag was not asked",
    );
  });
}

test("referrers: pages, duplicates, and entries without a type are completed; those of another subject are left out", async (context) => {
  const subject = { mediaType: MEDIA_TYPES.manifest, digest: SUBJECT, size: 7 };
  const typed = packManifest({
    artifactType: "application/vnd.t",
    layers: [],
    subject,
    annotations: { k: "v" },
  }).manifest;
  const foreign = packManifest({
    artifactType: "application/vnd.t",
    layers: [],
    subject: { ...subject, digest: digestOf("other") },
  }).manifest;
  const listed = {
    mediaType: MEDIA_TYPES.manifest,
    digest: digestOf("listed"),
    size: 3,
    artifactType: "application/vnd.l",
  };
  const server = await scripted(context, (request, response) => {
    const manifest = [typed, foreign].find(({ descriptor }) =>
      request.url.endsWith(`/manifests/${descriptor.digest}`),
    );
    if (manifest !== undefined)
      return void response
        .writeHead(200, { "content-type": MEDIA_TYPES.manifest })
        .end(manifest.bytes);
    const last = request.url.includes("page=2");
    const headers = {
      "content-type": MEDIA_TYPES.index,
      ...(last ? {} : { link: `</v2/a/referrers/${SUBJECT}?page=2>; rel="next"` }),
    };
    json(
      response,
      200,
      {
        ...INDEX,
        manifests: last ? [listed, foreign.descriptor] : [listed, listed, typed.descriptor],
      },
      headers,
    );
  });
  const found = await quickClient(context).repository(server.host, "a").referrers(SUBJECT);
  assert.deepEqual(
    found,
    [
      listed,
      { ...typed.descriptor, artifactType: "application/vnd.t", annotations: { k: "v" } },
    ].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
  );
});

test(
  "a list that gives the config's media type as artifact type is corrected from the manifests",
  { skip },
  async (context) => {
    const registry = await startRegistry("ggcr");
    context.after(() => registry.stop());
    const repository = quickClient(context).repository(registry.host, "a");
    const image = await pushImage(repository);
    const config = bytesBlob(Buffer.from("{}"), "application/vnd.config");
    await pushArtifact(
      repository,
      packManifest({
        artifactType: "application/vnd.real",
        config,
        layers: [],
        subject: image.descriptor,
      }),
    );
    assert.equal(
      (await repository.referrers(image.descriptor.digest))[0]?.artifactType,
      "application/vnd.real",
    );
  },
);

async function withFaults(context: TestContext, kind: RegistryKind, faults: FaultRule[]) {
  const registry = await startRegistry(kind, { faults });
  context.after(() => registry.stop());
  const client = quickClient(context);
  return { registry, client, repository: client.repository(registry.host, "wabbit/a") };
}

test(
  "OCI-Subject without a referrers API is not believed: the fallback tag is written",
  { skip },
  async (context) => {
    const lie: FaultRule = {
      method: "PUT",
      path: /manifests\/sha256:/,
      fault: { kind: "setHeaders", headers: { "oci-subject": SUBJECT } },
    };
    const { registry, repository } = await withFaults(context, "distribution", [lie]);
    const image = await pushImage(repository);
    const referrer = await pushReferrer(repository, image.descriptor);
    assert.equal(registry.requests("PUT", /manifests\/sha256-/).length, 1);
    assert.deepEqual(
      (await repository.referrers(image.descriptor.digest)).map(({ digest }) => digest),
      [referrer.descriptor.digest],
    );
  },
);

test(
  "a referrers API that lists nothing of what is pushed gets the fallback tag",
  { skip },
  async (context) => {
    const deaf: FaultRule = {
      method: "GET",
      path: /\/referrers\//,
      fault: {
        kind: "status",
        status: 200,
        headers: { "content-type": MEDIA_TYPES.index },
        body: JSON.stringify({ ...INDEX, manifests: [] }),
      },
    };
    const { repository } = await withFaults(context, "distribution", [deaf]);
    const image = await pushImage(repository);
    const referrer = await pushReferrer(repository, image.descriptor);
    assert.deepEqual(
      (await repository.referrers(image.descriptor.digest)).map(({ digest }) => digest),
      [referrer.descriptor.digest],
    );
    assert.equal(repository.referrersSupport.support, "unsupported");
  },
);

test(
  "a referrers API that announces a subject and never lists it fails the push",
  { skip },
  async (context) => {
    const deaf: FaultRule = {
      method: "GET",
      path: /\/referrers\//,
      fault: {
        kind: "status",
        status: 200,
        headers: { "content-type": MEDIA_TYPES.index },
        body: JSON.stringify({ ...INDEX, manifests: [] }),
      },
    };
    const { client, registry, repository } = await withFaults(context, "olareg", [deaf]);
    const image = await pushImage(repository);
    await assert.rejects(pushReferrer(repository, image.descriptor), failsWith("READ_BACK_FAILED"));
    assert.equal(client.counters.repairs, 3);
    assert.equal(registry.requests("PUT", /manifests\/sha256-/).length, 0);
  },
);

test(
  "a fallback index that another client overwrites after our read-back gets all entries again",
  { skip },
  async (context) => {
    let reads = -1;
    let overwrite = async (): Promise<void> => {};
    const registry = await startRegistry("distribution", {
      gates: [
        async (request) => {
          // Our read, our read-back, and then the other client's write before our second read-back.
          if (
            reads >= 0 &&
            request.method === "GET" &&
            /manifests\/sha256-/.test(request.url ?? "") &&
            ++reads === 3
          )
            await overwrite();
          return false;
        },
      ],
    });
    context.after(() => registry.stop());
    const client = quickClient(context);
    const repository = client.repository(registry.host, "wabbit/a");
    const image = await pushImage(repository);
    const first = await pushReferrer(repository, image.descriptor, { content: "one" });
    const rival = packManifest({
      artifactType: "application/vnd.rival",
      layers: [],
      subject: image.descriptor,
    });
    await pushArtifact(client.repository(registry.direct, "wabbit/a"), rival);
    overwrite = async () => {
      const body = JSON.stringify({
        ...INDEX,
        manifests: [{ ...rival.manifest.descriptor, artifactType: "application/vnd.rival" }],
      });
      await fetch(
        `http://${registry.direct}/v2/wabbit/a/manifests/${fallbackTag(image.descriptor.digest)}`,
        { method: "PUT", body, headers: { "content-type": MEDIA_TYPES.index } },
      );
    };
    reads = 0;
    const second = await pushReferrer(repository, image.descriptor, { content: "two" });
    const expected = [first, second, rival.manifest]
      .map(({ descriptor }) => descriptor.digest)
      .sort();
    assert.deepEqual(
      (await repository.referrers(image.descriptor.digest)).map(({ digest }) => digest),
      expected,
    );
    assert.equal(client.counters.repairs, 1);
  },
);

test(
  "a deletion takes its entry out of the fallback index also while another list is asked for anew",
  { skip },
  async (context) => {
    const held = { until: Promise.resolve() };
    const registry = await startRegistry("distribution", {
      gates: [
        async (request) => {
          if (/referrers\//.test(request.url ?? "")) await held.until;
          return false;
        },
      ],
    });
    context.after(() => registry.stop());
    const repository = quickClient(context).repository(registry.host, "wabbit/a");
    const image = await pushImage(repository);
    const referrers = await Promise.all(
      ["one", "two", "three"].map((content) =>
        pushReferrer(repository, image.descriptor, { content }),
      ),
    );
    assert.equal((await repository.referrers(image.descriptor.digest)).length, 3);
    held.until = new Promise((resolve) => setTimeout(resolve, 100));
    const fresh = repository.referrers(SUBJECT, { fresh: true });
    await Promise.all([
      fresh,
      ...referrers.map(({ descriptor }) => repository.deleteManifest(descriptor)),
    ]);
    assert.deepEqual(await repository.referrers(image.descriptor.digest), []);
  },
);

test("a fallback index whose write is lost is written again", { skip }, async (context) => {
  const { registry, repository } = await withFaults(context, "distribution", [
    { method: "PUT", path: /manifests\/sha256-/, times: 2, fault: { kind: "status", status: 201 } },
  ]);
  const image = await pushImage(repository);
  const referrer = await pushReferrer(repository, image.descriptor);
  assert.equal(registry.requests("PUT", /manifests\/sha256-/).length, 3);
  assert.deepEqual(
    (await repository.referrers(image.descriptor.digest)).map(({ digest }) => digest),
    [referrer.descriptor.digest],
  );
});

test("a fallback tag that points to no index is left alone", { skip }, async (context) => {
  const { registry, repository } = await withFaults(context, "ggcr", [noReferrersApi]);
  const image = await pushImage(repository);
  await repository.tag(image, fallbackTag(image.descriptor.digest));
  registry.clear();
  await assert.rejects(pushReferrer(repository, image.descriptor), failsWith("MANIFEST_INVALID"));
  assert.equal(registry.requests("PUT", /manifests\/sha256-/).length, 0);
});
