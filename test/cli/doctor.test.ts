// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Diagnosis } from "../../provider/cli/doctor/diagnosis";
import type { Answer, Check } from "../../provider/registry/examination";
import { RegistryClient } from "../../provider/registry/index";
import { authority, tlsServer } from "../harness/certificates";
import { registryMissing, startRegistry, type RegistryKind } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { json, scripted } from "../registry/scripted";
import { pushNetMonitor } from "../report/arrange";
import { consign, type Ended } from "./arrange";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

async function examine(
  host: string,
  ...args: string[]
): Promise<Ended & { found: Diagnosis; answers: Partial<Record<Check, Answer>> }> {
  const folder = tempDir("doctor");
  writeFileSync(join(folder, "r.json"), JSON.stringify({ [host]: { plainHttp: true } }));
  const ended = await consign(folder, ["doctor", "--json", "--registries", "r.json", ...args]);
  const found = JSON.parse(ended.stdout) as Diagnosis;
  const answers: Partial<Record<Check, Answer>> = Object.fromEntries(
    found.findings.map(({ check, answer }) => [check, answer]),
  );
  return { ...ended, found, answers };
}

/** What each of the registries here is known to do. */
const KNOWN: Partial<Record<RegistryKind, Partial<Record<Check, Answer>>>> = {
  distribution: { referrersApi: "no", listsCanHide: "yes", deletes: "yes" },
  olareg: { referrersApi: "yes", listsCanHide: "no", deletes: "yes" },
  "olareg-fallback": { referrersApi: "no", listsCanHide: "yes", deletes: "yes" },
};

describe("consign doctor", () => {
  for (const [kind, known] of Object.entries(KNOWN) as [
    RegistryKind,
    Partial<Record<Check, Answer>>,
  ][]) {
    test(
      `${kind}: reading writes nothing; writing tells the rest and leaves nothing`,
      {
        skip: registryMissing(kind),
      },
      async (context) => {
        const registry = await startRegistry(kind);
        context.after(() => registry.stop());
        const { host } = registry;
        const client = new RegistryClient({
          settings: { [host]: { plainHttp: true } },
          baseDir: ".",
          env: { DOCKER_CONFIG: tempDir("docker") },
        });
        context.after(() => client.close());
        const repository = client.repository(host, "net-monitor");
        await pushNetMonitor(repository);

        const before = registry.requests().length;
        const read = await examine(host, `${host}/net-monitor`);
        const methods = registry
          .requests()
          .slice(before)
          .map(({ method }) => method);
        assert.deepEqual(
          methods.filter((method) => method !== "GET" && method !== "HEAD"),
          [],
        );
        assert.equal(read.exitCode, 1, "plain HTTP is never good");
        assert.deepEqual(
          [read.answers.reachable, read.answers.tls, read.answers.repository],
          ["yes", "no", "yes"],
        );
        assert.deepEqual(
          [read.answers.deletes, read.answers.sha512, read.answers.tagImmutability],
          ["unasked", "unasked", "unasked"],
        );
        for (const check of ["referrersApi", "listsCanHide"] as const)
          assert.equal(read.answers[check], known[check], check);

        const written = await examine(host, `${host}/net-monitor`, "--write");
        assert.equal(written.found.wroteTo, `${host}/net-monitor/consign-doctor`);
        for (const [check, answer] of Object.entries(known) as [Check, Answer][])
          assert.equal(written.answers[check], answer, `${check}: ${written.stdout}`);
        assert.equal(written.answers.tagImmutability, "no");
        assert.ok(
          !Object.values(written.answers).includes("unasked") ||
            written.answers.credentials === "unasked",
        );
        assert.deepEqual(written.found.left, []);
        const own = client.repository(host, "net-monitor/consign-doctor");
        assert.deepEqual(await own.tags({ fresh: true }), []);
        assert.deepEqual(await repository.tags({ fresh: true }), ["v1"]);
      },
    );
  }

  test(
    "a repository with tags of others is not written to",
    { skip: registryMissing("olareg") },
    async (context) => {
      const registry = await startRegistry("olareg");
      context.after(() => registry.stop());
      const { host } = registry;
      const client = new RegistryClient({
        settings: { [host]: { plainHttp: true } },
        baseDir: ".",
        env: { DOCKER_CONFIG: tempDir("docker") },
      });
      context.after(() => client.close());
      await pushNetMonitor(client.repository(host, "consign-doctor"));
      const before = registry.requests().length;
      const folder = tempDir("doctor");
      writeFileSync(join(folder, "r.json"), JSON.stringify({ [host]: { plainHttp: true } }));
      const refused = await consign(folder, ["doctor", host, "--write", "--registries", "r.json"]);
      assert.equal(refused.exitCode, 2);
      assert.match(refused.stderr, /tags of others.*\[INPUT_INVALID\]$/);
      assert.ok(
        registry
          .requests()
          .slice(before)
          .every(({ method }) => method === "GET" || method === "HEAD"),
      );
    },
  );

  test("what does not answer, or not as a registry, is unknown and never good", async (context) => {
    const nobody = await examine("127.0.0.1:1", "127.0.0.1:1");
    assert.notEqual(nobody.exitCode, 0);
    assert.equal(nobody.answers.reachable, "unknown");
    assert.equal(nobody.found.findings[0]?.code, "REGISTRY_UNREACHABLE");
    const { host } = await scripted(context, (_, response) => {
      response.writeHead(404, { "content-type": "text/html" });
      response.end("<h1>Hello</h1>");
    });
    const page = await examine(host, `${host}/app`, "--write");
    assert.equal(page.answers.reachable, "unknown");
    assert.ok(!Object.values(page.answers).includes("yes"), page.stdout);
    assert.equal(page.found.wroteTo, undefined);
  });

  test("credentials that are refused, lists that are denied, and a quota with a stranger's words", async (context) => {
    let asks = true;
    const { host } = await scripted(context, ({ url }, response) => {
      if (url === "/v2/" && asks)
        return json(response, 401, {}, { "www-authenticate": "Basic realm=x" });
      if (url === "/v2/") return json(response, 200, {});
      if (url.includes("/tags/list")) return json(response, 200, { tags: ["v1"] });
      if (url.includes("/referrers/")) return json(response, 403, {});
      response.writeHead(200, {
        "content-type": "application/vnd.oci.image.manifest.v1+json",
        "content-length": 100,
        "docker-content-digest": `sha256:${"a".repeat(64)}`,
        "ratelimit-limit": "100;w=21600",
        "ratelimit-remaining": "76\x80\xadx",
      });
      response.end();
    });
    const refused = await examine(host, `${host}/app`);
    assert.equal(refused.exitCode, 1);
    assert.deepEqual([refused.answers.authorization, refused.answers.credentials], ["yes", "no"]);
    for (const check of [
      "repository",
      "referrersApi",
      "listsCanHide",
      "fallbackTags",
      "quota",
    ] as const)
      assert.equal(refused.answers[check], "unknown", check);
    asks = false;
    const { exitCode, answers, found } = await examine(host, `${host}/app`);
    assert.equal(exitCode, 1);
    assert.deepEqual(
      [answers.authorization, answers.credentials, answers.referrersApi, answers.listsCanHide],
      ["no", "unasked", "unknown", "unknown"],
    );
    assert.equal(answers.quota, "yes");
    const quota = found.findings.find(({ check }) => check === "quota");
    assert.match(quota?.evidence ?? "", /ratelimit-limit: 100;w=21600/);
    const folder = tempDir("doctor");
    writeFileSync(join(folder, "r.json"), JSON.stringify({ [host]: { plainHttp: true } }));
    const { stdout } = await consign(folder, ["doctor", `${host}/app`, "--registries", "r.json"]);
    for (const line of stdout.split("\n")) assert.doesNotMatch(line, /[\p{C}]/u);
    assert.match(stdout, /^\? {2}whoever pushes can hide what forbids +unknown /m);
  });

  test(
    "a certificate that nobody here trusts is no TLS",
    { skip: registryMissing("olareg") },
    async (context) => {
      const { keyPem: key, chainPem: cert } = tlsServer(authority());
      const registry = await startRegistry("olareg", { tls: { key, cert } });
      context.after(() => registry.stop());
      const folder = tempDir("doctor");
      writeFileSync(
        join(folder, "r.json"),
        JSON.stringify({ [registry.host]: { plainHttp: false } }),
      );
      const { exitCode, stdout } = await consign(folder, [
        "doctor",
        registry.host,
        "--json",
        "--registries",
        "r.json",
      ]);
      const found = JSON.parse(stdout) as Diagnosis;
      assert.equal(exitCode, 1);
      assert.deepEqual(
        found.findings
          .filter(({ check }) => check === "tls" || check === "reachable")
          .map(({ check, answer, code }) => [check, answer, code]),
        [
          ["reachable", "unknown", "TLS_FAILED"],
          ["tls", "no", "TLS_FAILED"],
        ],
      );
    },
  );

  test("what is no registry is refused", async () => {
    const folder = tempDir("doctor");
    for (const [asked, code] of [
      ["oci:net-monitor", "INPUT_INVALID"],
      ["no host", "REFERENCE_INVALID"],
      ["registry.example/app:v1", "REFERENCE_INVALID"],
    ] as const) {
      const { exitCode, stderr } = await consign(folder, ["doctor", asked]);
      assert.equal(exitCode, 2);
      assert.match(stderr, new RegExp(`\\[${code}\\]$`));
    }
  });
});
