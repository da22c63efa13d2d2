// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { cyclonedxFromXml } from "../../provider/claims/cyclonedx-xml";
import { MAX_READ_DOCUMENT, readDocument } from "../../provider/claims/document";
import { kindOf } from "../../provider/claims/types";
import type { MemoryStore } from "../../provider/content/memory";
import type { Descriptor } from "../../provider/oci/descriptor";
import { verification } from "../../provider/verification/verification";
import type { Properties } from "../../provider/world/reconciler";
import { Life } from "../harness/life";
import { MemoryStores, claim, publish, quickParty, trustOf } from "../harness/memory-world";

const wabbit = quickParty("Wabbit Networks");
const HERE = "registry.example/wabbit/app";
const TRIVY = "https://trivy.dev/report/v2";
const report = (severity: string, padding = 0): string =>
  JSON.stringify({
    SchemaVersion: 2,
    Results: [
      { Target: "app", Vulnerabilities: [{ VulnerabilityID: "CVE-1", Severity: severity }] },
    ],
    Padding: "x".repeat(padding),
  });
const bom = (more: string, attributes = 'version="1"'): string =>
  `<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.5" ${attributes}>${more}</bom>`;
const LOG4J = bom(`<components>
    <component type="library" bom-ref="a"><group>org.apache</group><name>log4j</name><version>2.14</version>
      <licenses><license><id>Apache-2.0</id></license><expression>MIT OR ISC</expression></licenses></component>
  </components>`);
const CRITICAL = {
  type: TRIVY,
  condition:
    'has(predicate.Results) && predicate.Results.exists(r, r.Vulnerabilities.exists(v, v.Severity == "CRITICAL"))',
};
const NONE = {
  type: TRIVY,
  condition:
    '!has(predicate.Results) || !predicate.Results.exists(r, r.Vulnerabilities.exists(v, v.Severity == "CRITICAL"))',
};
const HAS_LOG4J = {
  type: "sbom/cyclonedx",
  condition: 'has(predicate.components) && predicate.components.exists(c, c.name == "log4j")',
};

let stores: MemoryStores;
let store: MemoryStore;
let v1: Descriptor;
beforeEach(async () => {
  stores = new MemoryStores();
  store = stores.at(HERE);
  v1 = await publish(store, "v1", wabbit);
});

async function attach(type: string, text: string, mediaType: string): Promise<void> {
  const document = { bytes: Buffer.from(text), mediaType };
  await claim(store, { type, subject: v1, document, audience: "public" }, wabbit);
}

async function asked(more: Properties): Promise<{ verified: boolean; why: string }> {
  const gate = new Life(verification, { folder: "/nonexistent", world: { stores } });
  const { planned } = await gate.preview({
    artifact: `${HERE}@${v1.digest}`,
    trust: trustOf(wabbit),
    ...more,
  });
  return { verified: planned["reference"] !== undefined, why: gate.warnings.join("\n") };
}

describe("a document in JSON of a type that is not in the vocabulary", () => {
  test("is read where a condition asks about it", async () => {
    for (const mediaType of ["application/vnd.trivy.report+json", "application/octet-stream"]) {
      v1 = await publish(store, mediaType, wabbit);
      await attach(TRIVY, report("CRITICAL", 300_000), mediaType);
      const { verified, why } = await asked({ deny: [CRITICAL] });
      assert.equal(verified, false);
      assert.doesNotMatch(why, /gives no answer/);
      assert.equal((await asked({ require: [NONE] })).verified, false);
    }
    v1 = await publish(store, "v2", wabbit);
    await attach(TRIVY, report("LOW"), "application/json");
    assert.equal((await asked({ deny: [CRITICAL] })).verified, true);
    assert.equal((await asked({ require: [NONE] })).verified, true);
  });

  for (const [what, text, mediaType] of [
    ["is no JSON", "{ Results: ", "application/json"],
    ["is text", "1 CRITICAL", "text/plain"],
    ["is too large", report("CRITICAL", MAX_READ_DOCUMENT), "application/json"],
  ] as const)
    test(`gives no answer where it ${what}: it is denied, and meets nothing`, async () => {
      await attach(TRIVY, text, mediaType);
      const denied = await asked({ deny: [CRITICAL] });
      assert.equal(denied.verified, false);
      assert.match(denied.why, /deny\[0\]: unmet: .*cannot be told.*gives no answer/);
      assert.equal((await asked({ require: [NONE] })).verified, false);
      // Who asks for no content needs none.
      assert.equal((await asked({ require: [{ type: TRIVY }] })).verified, true);
      const condition = 'issuer.contains("Wabbit")';
      assert.equal((await asked({ require: [{ type: TRIVY, condition }] })).verified, true);
    });
});

describe("CycloneDX in XML", () => {
  test("is read as its JSON where a condition asks about it", async () => {
    await attach("sbom/cyclonedx", LOG4J, "application/vnd.cyclonedx+xml");
    assert.equal((await asked({ deny: [HAS_LOG4J] })).verified, false);
    assert.equal((await asked({ require: [HAS_LOG4J] })).verified, true);
    v1 = await publish(store, "v2", wabbit);
    await attach("sbom/cyclonedx", bom("<components/>"), "application/vnd.cyclonedx+xml");
    assert.equal((await asked({ deny: [HAS_LOG4J] })).verified, true);
  });

  test("gives no answer where something in it is not known, expanded or well-formed", async () => {
    for (const [index, text] of [
      bom("<formulation/>"),
      bom(`<x:components xmlns:x="http://cyclonedx.org/schema/bom/1.5"/>`),
      bom("<components>").replace("</bom>", ""),
      `<!DOCTYPE bom [<!ENTITY e "log4j">]>${bom("<components><component><name>&e;</name></component></components>")}`,
      bom("<components><component><components>".repeat(10_000)),
      "<sbom/>",
    ].entries()) {
      v1 = await publish(store, `v${index + 3}`, wabbit);
      await attach("sbom/cyclonedx", text, "application/vnd.cyclonedx+xml");
      assert.equal((await asked({ deny: [HAS_LOG4J] })).verified, false, text.slice(0, 200));
      assert.equal((await asked({ require: [{ type: "sbom/cyclonedx" }] })).verified, true);
    }
  });

  test("of SPDX in lines gives no answer", async () => {
    await attach("sbom/spdx", "SPDXVersion: SPDX-2.3\n", "text/spdx");
    const condition = "has(predicate.packages) && size(predicate.packages) > 1000";
    assert.equal((await asked({ deny: [{ type: "sbom/spdx", condition }] })).verified, false);
  });

  test("has the members of the JSON form", () => {
    const xml = bom(
      `<metadata><timestamp>2026-01-01T00:00:00Z</timestamp>
        <tools><tool><vendor>Acme</vendor><name>bomber</name><version>1</version></tool></tools>
        <component type="application" bom-ref="app"><name>app</name></component>
        <supplier><name>Wabbit</name><url>https://a.example</url><url>https://b.example</url></supplier>
        <properties><property name="k">v</property></properties></metadata>
      <components><component type="library" bom-ref="b" mime-type="text/x"><name><![CDATA[b & c]]></name><version>1</version>
        <hashes><hash alg="SHA-256">aa</hash></hashes><purl>pkg:npm/b@1</purl><modified>false</modified>
        <licenses><license><name>Mine</name><text content-type="text/plain">text</text></license></licenses>
        <externalReferences><reference type="vcs"><url>https://v.example</url></reference></externalReferences></component></components>
      <dependencies><dependency ref="app"><dependency ref="b"/></dependency><dependency ref="b"/></dependencies>
      <vulnerabilities><vulnerability bom-ref="v"><id>CVE-1</id><source><name>NVD</name></source>
        <ratings><rating><score>9.8</score><severity>critical</severity></rating></ratings><cwes><cwe>79</cwe></cwes>
        <analysis><state>exploitable</state><responses><response>update</response></responses></analysis>
        <affects><target><ref>b</ref><versions><version><version>1</version><status>affected</status></version></versions></target></affects>
      </vulnerability></vulnerabilities>`,
      'version="3" serialNumber="urn:uuid:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x y"',
    );
    assert.deepEqual(cyclonedxFromXml(Buffer.from(xml)), {
      bomFormat: "CycloneDX",
      specVersion: "1.5",
      version: 3,
      serialNumber: "urn:uuid:1",
      metadata: {
        timestamp: "2026-01-01T00:00:00Z",
        tools: [{ vendor: "Acme", name: "bomber", version: "1" }],
        component: { type: "application", "bom-ref": "app", name: "app" },
        supplier: { name: "Wabbit", url: ["https://a.example", "https://b.example"] },
        properties: [{ name: "k", value: "v" }],
      },
      components: [
        {
          type: "library",
          "bom-ref": "b",
          "mime-type": "text/x",
          name: "b & c",
          version: "1",
          hashes: [{ alg: "SHA-256", content: "aa" }],
          purl: "pkg:npm/b@1",
          modified: false,
          licenses: [
            { license: { name: "Mine", text: { contentType: "text/plain", content: "text" } } },
          ],
          externalReferences: [{ type: "vcs", url: "https://v.example" }],
        },
      ],
      dependencies: [{ ref: "app", dependsOn: ["b"] }, { ref: "b" }],
      vulnerabilities: [
        {
          "bom-ref": "v",
          id: "CVE-1",
          source: { name: "NVD" },
          ratings: [{ score: 9.8, severity: "critical" }],
          cwes: [79],
          analysis: { state: "exploitable", responses: ["update"] },
          affects: [{ ref: "b", versions: [{ version: "1", status: "affected" }] }],
        },
      ],
    });
  });

  test("is bounded in time and memory", () => {
    const many = Buffer.from(bom(`<components>${"<component/>".repeat(2_100_000)}</components>`));
    const started = Date.now();
    assert.equal(readDocument(many, kindOf("sbom/cyclonedx")), undefined);
    assert.ok(Date.now() - started < 2_000);
  });
});

test("a vex document that is lost leaves open what a condition over vex asks", async () => {
  const condition = '!vex.exists(v, v.status == "affected")';
  const require = [{ type: "test-result", condition }];
  const predicate = { result: "PASSED", configuration: [{ name: "unit" }] };
  await claim(store, { type: "test-result", subject: v1, predicate, audience: "public" }, wabbit);
  assert.equal((await asked({ require })).verified, true);
  const packed = await claim(
    store,
    {
      type: "vex",
      subject: v1,
      predicate: {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        author: "Wabbit Networks",
        timestamp: "2026-01-01T00:00:00Z",
        version: 1,
        statements: [
          { vulnerability: { name: "CVE-1" }, status: "affected", action_statement: "update" },
        ],
      },
      audience: "public",
    },
    wabbit,
  );
  assert.equal((await asked({ require })).verified, false);
  const manifest = await store.manifest(packed.manifest.descriptor.digest);
  if (manifest.kind === "manifest")
    for (const layer of manifest.value.layers) await store.deleteBlob(layer);
  assert.equal((await asked({ require })).verified, false);
});
