// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { deploymentManifest, toYaml, type Manifest } from "../../../sdk/kubernetes/manifests";
import { deployment, IMAGE } from "./arrange";

const object = (more: object): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a" },
  ...more,
});

test("a manifest as YAML reads as one would write it", () => {
  const text = toYaml([deploymentManifest(IMAGE, deployment)]);
  assert.ok(
    text.startsWith("---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: net-monitor\n"),
    text,
  );
  assert.match(text, /\n {8}containers:\n|\n {6}containers:\n/);
  assert.ok(text.includes(`        - name: net-monitor\n          image: "${IMAGE}"\n`), text);
  assert.ok(text.includes('            - "--listen"\n            - ":8080"\n'), text);
  assert.ok(text.endsWith("\n"));
});

test("what YAML would take for something else is quoted", () => {
  const data = {
    yes: "no",
    number: "1e3",
    date: "2026-01-01",
    colon: "a: b",
    hash: "a # b",
    lines: "a\nb",
    empty: "",
    tilde: "~",
    next: "\u0085\u2028",
    star: "*a",
    on: "ON",
  };
  const text = toYaml([object({ data })]);
  for (const line of [
    '"yes": "no"',
    'number: "1e3"',
    'date: "2026-01-01"',
    'colon: "a: b"',
    'hash: "a # b"',
    'lines: "a\\nb"',
    'empty: ""',
    'tilde: "~"',
    'next: "\\u0085\\u2028"',
    'star: "*a"',
    '"on": "ON"',
  ]) {
    assert.ok(text.includes(`  ${line}\n`), `${line} in\n${text}`);
  }
});

test("empty and nested lists, absent members, several documents", () => {
  const text = toYaml([
    object({ list: [], map: {}, nested: [[1, 2], [{ a: true, b: null }]], absent: undefined }),
    object({}),
  ]);
  assert.equal(
    text,
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\nlist: []\nmap: {}\nnested:\n  -\n    - 1\n    - 2\n  -\n    - a: true\n      b: null\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
  );
});

test("what is no data is refused", () => {
  for (const value of [Number.NaN, 1n, () => 1])
    assert.throws(() => toYaml([object({ value })]), TypeError);
});
