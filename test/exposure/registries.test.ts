// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { askExposure } from "../../provider/exposure/ask";
import { RegistryClient } from "../../provider/registry/index";
import { claim, publish, quickParty, trustOf } from "../harness/memory-world";
import { forEachRegistry } from "../harness/registries";
import { tempDir } from "../harness/temp";
import { cyclonedx, document, NOW, only } from "./world";

forEachRegistry(
  "a package is found at a real registry, and content is read there once",
  async (registry, context) => {
    const client = new RegistryClient({ baseDir: "/", env: {} });
    context.after(() => client.close());
    const vendor = quickParty("Vendor");
    const place = client.repository(registry.host, "a/app");
    const subject = await publish(place, "v1", vendor, "v1");
    await claim(
      place,
      {
        type: "sbom/cyclonedx",
        subject,
        audience: "public",
        document: document(cyclonedx("pkg:npm/log4js@2.0.1")),
      },
      vendor,
    );
    await claim(
      place,
      {
        type: "deployment",
        subject,
        audience: "public",
        predicate: { environment: "production", from: "2026-01-01T00:00:00Z" },
      },
      vendor,
    );
    const kept = tempDir("content");
    const ask = (range: string) =>
      askExposure(
        {
          package: range,
          places: [`${registry.host}/a/app`],
          trust: trustOf(vendor),
          environments: ["production"],
          cache: kept,
        },
        { baseDir: "/", now: NOW },
      );
    registry.clear();
    const found = await ask("pkg:npm/log4js@<2.1");
    assert.deepEqual(
      [found.status, only(found).digest, only(found).running],
      ["some", subject.digest, true],
      JSON.stringify(found),
    );
    assert.ok(registry.requests("GET", /blobs/).length > 0);
    registry.clear();
    assert.equal((await ask("pkg:npm/log4js@>=2.1")).status, "none");
    assert.equal(registry.requests("GET", /blobs/).length, 0);
    assert.equal(registry.requests("PUT", /./).length + registry.requests("POST", /./).length, 0);
  },
);
