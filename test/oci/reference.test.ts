// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isConsignError } from "../../provider/errors";
import { digestOf } from "../../provider/oci/digest";
import { formatReference, parseReference } from "../../provider/oci/reference";

const DIGEST = digestOf("x");

for (const host of ["registry.example:70000", "999.1.1.1", "1.2.3.4.5", "[:::]", "[::1]:99999"]) {
  test(`${host} is no host`, () => {
    assert.throws(
      () => parseReference(`${host}/app:v1`),
      (error) =>
        isConsignError(error, "REFERENCE_INVALID") && error.message.includes("is not a host"),
    );
  });
}

for (const host of ["registry.example:65535", "10.0.0.1", "[::1]:5000", "localhost", "quay.io"]) {
  test(`${host} is a host`, () =>
    assert.deepEqual(parseReference(`${host}/app`).location, {
      kind: "registry",
      registry: host,
      repository: "app",
    }));
}

const LAYOUTS: [string, string, string | undefined, string | undefined][] = [
  ["oci:../@acme/app", "../@acme/app", undefined, undefined],
  ["oci:/builds/job@2/app:v1", "/builds/job@2/app", "v1", undefined],
  [`oci:/builds/job@2/app@${DIGEST}`, "/builds/job@2/app", undefined, DIGEST],
  [`oci:app:v1@${DIGEST}`, "app", "v1", DIGEST],
];
for (const [text, path, tag, digest] of LAYOUTS) {
  test(`${text} is the directory ${path}`, () => {
    const reference = parseReference(text);
    assert.deepEqual(
      [reference.location, reference.tag, reference.digest],
      [{ kind: "layout", path }, tag, digest],
    );
    assert.equal(formatReference(reference), text);
  });
}

test("Docker Hub's own images lie under library/", () => {
  for (const [text, repository] of [
    ["docker.io/alpine:3", "library/alpine"],
    ["docker.io/library/alpine:3", "library/alpine"],
    ["docker.io/grafana/loki:3", "grafana/loki"],
  ] as const)
    assert.deepEqual(parseReference(text).location, {
      kind: "registry",
      registry: "docker.io",
      repository,
    });
});

test("a URL is no location: oci:// is how others write a registry's", () => {
  for (const text of [
    "oci://registry.example/app",
    "oci://registry.example/app:v1",
    "https://a.example/b",
  ])
    assert.throws(
      () => parseReference(text),
      (error) =>
        isConsignError(error, "REFERENCE_INVALID") &&
        error.message.includes("write host/repository, or oci:/path"),
    );
  assert.deepEqual(parseReference("oci:/app").location, { kind: "layout", path: "/app" });
});

test("what follows the @ of a reference is a digest", () => {
  for (const text of ["oci:app@2", "registry.example/app@v1", "user@registry.example/app"])
    assert.throws(
      () => parseReference(text),
      (error) => isConsignError(error, "REFERENCE_INVALID"),
    );
});
