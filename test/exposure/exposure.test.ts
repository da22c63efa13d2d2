// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { tempDir } from "../harness/temp";
import {
  advisory,
  ARCHIVE,
  cyclonedx,
  document,
  ExposureWorld,
  LIVE,
  only,
  scanOf,
  spdx,
  vexOf,
} from "./world";

const CVE = "CVE-2026-1";

function osvFolder(...advisories: object[]): string {
  const folder = tempDir("osv");
  advisories.forEach((each, index) =>
    writeFileSync(join(folder, `${index}.json`), JSON.stringify(each)),
  );
  return folder;
}

const stay = (from: string, until?: string, environment = "production") => ({
  environment,
  resource: `${LIVE}:current`,
  from,
  ...(until === undefined ? {} : { until }),
});

describe("a package", () => {
  for (const [name, sbom] of Object.entries({ cyclonedx, spdx })) {
    test(`is found in an SBOM of ${name}, and its version is held against the range`, async () => {
      const world = new ExposureWorld();
      const subject = await world.publish("v1");
      await world.say({
        type: `sbom/${name}`,
        subject,
        document: document(sbom("pkg:npm/log4js@2.0.1", "pkg:npm/other@1.0.0")),
      });
      const within = await world.ask({ package: "pkg:npm/log4js@<2.1" });
      assert.deepEqual([within.status, only(within).status], ["some", "affected"]);
      assert.deepEqual(only(within).names, [`${LIVE}:v1`]);
      assert.equal(only(within).findings[0]?.package, "pkg:npm/log4js@2.0.1");
      assert.equal((await world.ask({ package: "pkg:npm/log4js@>=2.1" })).status, "none");
      assert.equal((await world.ask({ package: "pkg:npm/absent" })).status, "none");
    });
  }

  test("is unknown where there is no SBOM, where nobody trusted signed it, and where it cannot be read", async () => {
    const world = new ExposureWorld();
    await world.publish("without");
    const untrusted = await world.publish("untrusted");
    await world.say(
      {
        type: "sbom/cyclonedx",
        subject: untrusted,
        document: document(cyclonedx("pkg:npm/a@1.0.0")),
      },
      { by: world.stranger },
    );
    const empty = await world.publish("empty");
    await world.say({ type: "sbom/cyclonedx", subject: empty, document: document(cyclonedx()) });
    const old = await world.publish("old");
    await world.say({
      type: "sbom/cyclonedx",
      subject: old,
      document: document({ bomFormat: "CycloneDX", specVersion: "9.9", components: [] }),
    });
    const answer = await world.ask({ package: "pkg:npm/log4js@<2.1" });
    assert.equal(answer.status, "unknown");
    assert.deepEqual(
      answer.entries.map(({ status }) => status),
      ["unknown", "unknown", "unknown", "unknown"],
    );
  });

  test("without a package URL is never taken for another, and its version may be incomparable", async () => {
    const world = new ExposureWorld();
    const subject = await world.publish("v1");
    await world.say({
      type: "sbom/cyclonedx",
      subject,
      document: document({
        bomFormat: "CycloneDX",
        specVersion: "1.5",
        components: [
          { type: "library", name: "log4js", version: "1.0.0" },
          { type: "library", name: "x", purl: "pkg:npm/odd@latest" },
        ],
      }),
    });
    assert.equal(only(await world.ask({ package: "pkg:npm/log4js@<2.1" })).status, "unknown");
    assert.equal(only(await world.ask({ package: "pkg:npm/odd@<2.1" })).status, "unknown");
    assert.equal((await world.ask({ package: "pkg:npm/absent@<2.1" })).status, "none");
  });
});

describe("a vulnerability", () => {
  const arranged = async (...purls: string[]) => {
    const world = new ExposureWorld();
    const subject = await world.publish("v1");
    await world.say({
      type: "sbom/spdx",
      subject,
      document: document(spdx(...purls)),
    });
    const osv = osvFolder(
      advisory("GHSA-1", "log4js", "2.1.0", [CVE]),
      advisory("GHSA-2", "absent", "9.0.0"),
    );
    return { world, subject, osv };
  };

  test("is found by an advisory under any of its names", async () => {
    const { world, osv } = await arranged("pkg:npm/log4js@2.0.1");
    for (const vulnerability of [CVE, "GHSA-1", "ghsa-1"])
      assert.equal((await world.ask({ vulnerability, osv })).status, "some", vulnerability);
    assert.equal((await world.ask({ osv })).status, "some");
    assert.equal((await world.ask({ vulnerability: "GHSA-2", osv })).status, "none");
  });

  test("is fixed in a later version", async () => {
    const { world, osv } = await arranged("pkg:npm/log4js@2.1.0");
    const answer = await world.ask({ vulnerability: CVE, osv });
    assert.deepEqual([answer.status, only(answer).status], ["none", "fixed"]);
  });

  test("that no advisory tells of is unknown, and so is a scan's silence", async () => {
    const { world, subject } = await arranged("pkg:npm/log4js@2.0.1");
    assert.equal((await world.ask({ vulnerability: CVE })).status, "unknown");
    await world.say({ type: "vulnerabilities", subject, predicate: scanOf("CVE-2020-1") });
    assert.equal((await world.ask({ vulnerability: CVE })).status, "unknown");
    assert.equal((await world.ask({ vulnerability: "cve-2020-1" })).status, "some");
  });

  test("is not affected where a trusted VEX says so of this artifact, and of no other", async () => {
    const { world, subject, osv } = await arranged("pkg:npm/log4js@2.0.1");
    const other = { products: [{ "@id": `pkg:oci/app@sha256%3A${"0".repeat(64)}` }] };
    await world.say({ type: "vex", subject, predicate: vexOf("not_affected", CVE, other) });
    assert.equal((await world.ask({ vulnerability: CVE, osv })).status, "some");
    await world.say(
      { type: "vex", subject, predicate: vexOf("fixed", CVE) },
      { by: world.stranger },
    );
    assert.equal((await world.ask({ vulnerability: CVE, osv })).status, "some");
    const own = { products: [{ "@id": `pkg:oci/app@${encodeURIComponent(subject.digest)}` }] };
    await world.say({
      type: "vex",
      subject,
      predicate: { ...vexOf("not_affected", CVE, own), "@id": "https://vendor.example/own" },
    });
    const answer = await world.ask({ vulnerability: CVE, osv });
    assert.deepEqual([answer.status, only(answer).status], ["none", "not-affected"]);
    assert.match(only(answer).findings[0]?.by?.issuer ?? "", /Vendor/);
    assert.match(only(answer).findings[0]?.why ?? "", /vulnerable_code_not_present/);
  });

  test("is lifted for the subcomponents that a VEX names, and for no other package", async () => {
    const { world, subject, osv } = await arranged("pkg:npm/log4js@2.0.1", "pkg:npm/log4js@1.0.0");
    const products = [
      { "@id": subject.digest, subcomponents: [{ "@id": "pkg:npm/log4js@2.0.1" }] },
    ];
    await world.say({ type: "vex", subject, predicate: vexOf("not_affected", CVE, { products }) });
    const answer = only(await world.ask({ vulnerability: CVE, osv }));
    assert.deepEqual(
      answer.findings.map(({ status, package: named }) => [status, named]),
      [
        ["affected", "pkg:npm/log4js@1.0.0"],
        ["not-affected", "pkg:npm/log4js@2.0.1"],
      ],
    );
  });

  test("that VEX settles for the whole artifact needs no SBOM", async () => {
    const world = new ExposureWorld();
    const subject = await world.publish("v1");
    await world.say({ type: "vex", subject, predicate: vexOf("not_affected", CVE) });
    assert.equal((await world.ask({ vulnerability: CVE })).status, "none");
    await world.say({
      type: "vex",
      subject,
      predicate: vexOf("affected", CVE, { products: [{ "@id": "pkg:npm/x@1.0.0" }] }),
    });
    assert.equal((await world.ask({ vulnerability: CVE })).status, "some");
  });

  test("an advisory that cannot be matched makes nothing clean", async () => {
    const { world } = await arranged("pkg:npm/fine@1.0.0", "pkg:generic/engine@1.0.0");
    const about = (affected: object[]) =>
      osvFolder({ id: "A-1", modified: "2026-01-01T00:00:00Z", affected });
    const ranges = [{ type: "GIT", events: [{ introduced: "0" }] }];
    for (const [affected, status] of [
      [[], "unknown"],
      [[{ ranges }], "unknown"],
      [[{ package: { ecosystem: "Somewhere", name: "engine" }, ranges }], "unknown"],
      [[{ package: { ecosystem: "Somewhere", name: "absent" }, ranges }], "none"],
    ] as const)
      for (const vulnerability of ["A-1", undefined]) {
        const osv = about([...affected]);
        const answer = await world.ask({
          osv,
          ...(vulnerability === undefined ? {} : { vulnerability }),
        });
        assert.equal(answer.status, status, JSON.stringify(affected));
      }
  });

  test("advisories that cannot be read are a fault of the answer", async () => {
    const { world } = await arranged("pkg:npm/fine@1.0.0");
    const osv = osvFolder(advisory("GHSA-2", "absent", "9.0.0"), { no: "advisory" });
    const answer = await world.ask({ osv });
    assert.deepEqual([answer.status, answer.faults.length], ["unknown", 1]);
  });
});

describe("when and where", () => {
  test("superseded stays count, and an archive's record", async () => {
    const world = new ExposureWorld();
    const subject = await world.publish("v1", "v1", ARCHIVE);
    const say = (predicate: object) =>
      world.say({ type: "deployment", subject, predicate }, { at: ARCHIVE });
    await say(stay("2020-01-01T00:00:00Z"));
    await say(stay("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"));
    await say(stay("2022-01-01T00:00:00Z", "2022-02-01T00:00:00Z"));
    const archived = {
      archivedAt: "2023-01-01T00:00:00Z",
      inUse: [stay("2018-01-01T00:00:00Z", "2018-02-01T00:00:00Z", "staging")],
    };
    await world.say({ type: "archived", subject, predicate: archived }, { at: ARCHIVE });
    await world.say(
      {
        type: "sbom/cyclonedx",
        subject,
        document: document(cyclonedx("pkg:npm/log4js@2.0.1")),
      },
      { at: ARCHIVE },
    );
    const ask = (from: string, until: string, environment = "production") =>
      world.ask({
        package: "pkg:npm/log4js",
        places: [ARCHIVE],
        environments: [environment],
        from,
        until,
      });
    assert.equal((await ask("2020-01-15", "2020-01-16")).status, "some");
    assert.equal((await ask("2022-02-01", "2022-03-01")).status, "some");
    assert.equal((await ask("2018-01-15", "2018-01-16", "staging")).status, "some");
    for (const [from, until, environment] of [
      ["2020-02-02", "2021-12-31"],
      ["2018-01-15", "2018-01-16", "production"],
    ] as const) {
      const none = await ask(from, until, environment);
      assert.deepEqual([none.status, none.counts.elsewhere], ["none", 1]);
    }
    const entry = only(await ask("2020-01-15", "2020-01-16"));
    assert.equal(entry.environments.length, 3);
    assert.equal(entry.running, false);
    assert.ok(entry.where[0]?.archivedAt);
  });

  test("a stay that lasts comes first and is running", async () => {
    const world = new ExposureWorld();
    const subject = await world.publish("v1");
    await world.say({
      type: "deployment",
      subject,
      predicate: stay("2020-01-01T00:00:00Z", undefined, "production"),
    });
    await world.say({
      type: "deployment",
      subject,
      predicate: stay("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "staging"),
    });
    const entry = only(await world.ask({ package: "pkg:npm/x", environments: ["production"] }));
    assert.deepEqual([entry.environments[0]?.environment, entry.running], ["production", true]);
  });
});

test("a claim with a condition is found, and a condition without an answer is unknown", async () => {
  const world = new ExposureWorld();
  const subject = await world.publish("v1");
  await world.say({
    type: "test-result",
    subject,
    predicate: { result: "FAILED", configuration: [] },
  });
  const ask = (condition: string) => world.ask({ claim: { type: "test-result", condition } });
  assert.equal((await ask('predicate.result == "FAILED"')).status, "some");
  assert.equal((await ask('predicate.result == "PASSED"')).status, "none");
  assert.equal((await ask("predicate.absent == 1")).status, "unknown");
});

test("the roots under which an issuer is meant are read, and one that is missing is told", async () => {
  const world = new ExposureWorld();
  await world.publish("v1");
  const ask = (root: string) => {
    const issuers = [{ identity: "x509.subject: C=US, ST=WA, O=Vendor", roots: [root] }];
    return world.ask({
      package: "pkg:npm/x",
      precedence: issuers,
      lifecycleIssuers: { revocation: issuers },
    });
  };
  assert.equal((await ask(world.vendor.signer.certificateChainFile)).entries.length, 1);
  await assert.rejects(ask("missing.pem"), { code: "FILE_NOT_FOUND" });
});
