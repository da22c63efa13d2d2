// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import fc from "fast-check";
import { effectOn } from "../../provider/exposure/advisories/affects";
import { readAdvisory, type Advisory } from "../../provider/exposure/advisories/osv";
import { compareDebian } from "../../provider/exposure/packages/debian";
import { packagesOf, parsePurl } from "../../provider/exposure/packages/identity";
import { PackageList } from "../../provider/exposure/packages/package-list";
import { isInRange, parsePackageRange } from "../../provider/exposure/packages/range";
import { compareVersions } from "../../provider/exposure/packages/versions";

describe("versions", () => {
  test("are in the order of their ecosystem, and in none where there is none", () => {
    const before: [string, string, string][] = [
      ["npm", "1.0.0-rc.1", "1.0.0"],
      ["golang", "v1.2.3", "1.10.0"],
      ["pypi", "1.0rc1", "1.0"],
      ["pypi", "1.0", "1.0.post1"],
      ["gem", "1.0.a", "1.0"],
      ["deb", "1.0~rc1-1", "1.0-1"],
      ["deb", "2.0", "1:1.0"],
      ["composer", "1.9.0", "v1.10"],
    ];
    for (const [type, a, b] of before) {
      assert.ok((compareVersions(type, a, b) ?? 0) < 0, `${type} ${a} ${b}`);
      assert.ok((compareVersions(type, b, a) ?? 0) > 0, `${type} ${b} ${a}`);
    }
    for (const [type, a, b] of [
      ["npm", "latest", "1.0.0"],
      ["maven", "1.0", "2.0"],
      ["rpm", "1-1", "2-1"],
      ["composer", "1.0-beta", "1.0"],
      ["deb", "", "1"],
    ] as const)
      assert.equal(compareVersions(type, a, b), undefined, type);
  });

  test("of Debian are in dpkg's order", (t) => {
    if (spawnSync("dpkg", ["--version"]).status !== 0)
      return void t.diagnostic("there is no dpkg here");
    const part = fc.string({ unit: fc.constantFrom(..."0019aAz.+~"), maxLength: 5 });
    const version = fc
      .tuple(
        fc.constantFrom("", "0:", "1:"),
        fc.constantFrom("0", "1", "10"),
        part,
        fc.constantFrom("", "-0", "-1~a", "-1"),
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(version, version, (a, b) => {
        const ours = compareDebian(a, b);
        const dpkg = (relation: string) =>
          spawnSync("dpkg", ["--compare-versions", a, relation, b]).status === 0;
        assert.equal(
          ours === undefined ? undefined : Math.sign(ours),
          dpkg("lt") ? -1 : dpkg("eq") ? 0 : 1,
          `${a} ${b}`,
        );
      }),
      { numRuns: 150, seed: 22 },
    );
  });
});

describe("ranges", () => {
  const inside = (range: string, purl: string) => {
    const [found] = packagesOf(purl) ?? [];
    assert.ok(found !== undefined);
    return isInRange(parsePackageRange(range), found);
  };

  test("hold versions against all their bounds", () => {
    assert.equal(inside("pkg:npm/@angular/core@>=1.0,<2", "pkg:npm/%40angular/core@1.9.9"), true);
    assert.equal(inside("pkg:npm/@angular/core@>=1.0,<2", "pkg:npm/%40angular/core@2.0.0"), false);
    assert.equal(inside("pkg:npm/a@1.0.0", "pkg:npm/a@1.0.0"), true);
    assert.equal(inside("pkg:npm/a@<2", "pkg:npm/a"), undefined);
    assert.equal(inside("pkg:npm/a@<2", "pkg:npm/a@odd"), undefined);
    assert.equal(inside("pkg:maven/org.apache/log4j@2.0", "pkg:maven/org.apache/log4j@2.0"), true);
    assert.equal(
      inside("pkg:maven/org.apache/log4j@2.0", "pkg:maven/org.apache/log4j@2.0.0"),
      undefined,
    );
  });

  test("that cannot be read, or compared at all, are refused", () => {
    for (const text of [
      "log4js@<2",
      "pkg:npm/a@<",
      "pkg:maven/a/b@<2.0",
      "pkg:npm/a@<x",
      "pkg:npm/a@1?x=y",
    ])
      assert.throws(() => parsePackageRange(text), { code: "INPUT_INVALID" }, text);
  });
});

test("a package list finds what is in it, whatever characters are in the names", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          key: fc.string({ minLength: 1 }).map((name) => `npm/${name}`),
          version: fc.string({ minLength: 1 }),
          label: fc.string(),
        }),
        { maxLength: 20 },
      ),
      (packages) => {
        const list = PackageList.of(packages);
        for (const each of packages)
          assert.ok(
            list
              .find(each.key)
              .sure.some(({ version, label }) => version === each.version && label === each.label),
            JSON.stringify(each),
          );
        assert.deepEqual(list.keys(), new Set(packages.map(({ key }) => key)));
      },
    ),
    { numRuns: 300, seed: 22 },
  );
});

test("purls are read alike by the quick way and by the library", () => {
  for (const [a, b] of [
    ["pkg:pypi/foo-bar@1", "pkg:pypi/Foo_Bar@1"],
    ["pkg:npm/@a/b@1", "pkg:npm/%40a/b@1"],
  ] as const)
    assert.equal(parsePurl(a)?.key, parsePurl(b)?.key);
  assert.equal(parsePurl("no purl"), undefined);
});

describe("an advisory", () => {
  const about = (ecosystem: string, name: string, more: object): Advisory => {
    const read = readAdvisory({
      id: "A-1",
      modified: "2026-01-01T00:00:00Z",
      affected: [{ package: { ecosystem, name }, ...more }],
    });
    assert.ok(read !== undefined && typeof read !== "string");
    return read;
  };
  const effect = (advisory: Advisory, purl: string) => {
    const [affected] = advisory.affected;
    const found = packagesOf(purl)?.find(({ key }) => key === affected?.key);
    assert.ok(affected !== undefined && found !== undefined, purl);
    return effectOn(found, affected).is;
  };
  const range = (type: string, ...events: object[]) => ({ ranges: [{ type, events }] });

  test("affects from what introduced it until what fixed it, more than once", () => {
    const twice = about(
      "npm",
      "a",
      range(
        "SEMVER",
        { introduced: "1.0.0" },
        { fixed: "1.5.0" },
        { introduced: "2.0.0" },
        { last_affected: "2.3.0" },
      ),
    );
    const expected = {
      "0.9.0": "not in range",
      "1.0.0": "affected",
      "1.5.0": "fixed",
      "2.0.0": "affected",
      "2.3.0": "affected",
      "2.3.1": "not in range",
      odd: "unknown",
    };
    for (const [version, is] of Object.entries(expected))
      assert.equal(effect(twice, `pkg:npm/a@${version}`), is, version);
  });

  test("that cannot be compared is unknown unless the version is listed", () => {
    const maven = about("Maven", "org.apache:log4j", {
      versions: ["2.0"],
      ...range("ECOSYSTEM", { introduced: "0" }, { fixed: "2.1" }),
    });
    assert.equal(effect(maven, "pkg:maven/org.apache/log4j@2.0"), "affected");
    assert.equal(effect(maven, "pkg:maven/org.apache/log4j@2.2"), "unknown");
    assert.equal(
      effect(about("npm", "a", range("GIT", { introduced: "0" })), "pkg:npm/a@1.0.0"),
      "unknown",
    );
    assert.equal(effect(about("npm", "a", {}), "pkg:npm/a@1.0.0"), "unknown");
  });

  test("about a distribution's source package finds its binaries, in that release", () => {
    const debian = about(
      "Debian:11",
      "curl",
      range("ECOSYSTEM", { introduced: "0" }, { fixed: "7.74.0-1.3" }),
    );
    assert.equal(
      effect(debian, "pkg:deb/debian/libcurl4@7.74.0-1.2?distro=debian-11&upstream=curl"),
      "affected",
    );
    assert.equal(effect(debian, "pkg:deb/debian/curl@7.74.0-1.3?distro=debian-11"), "fixed");
    assert.equal(effect(debian, "pkg:deb/debian/curl@7.74.0-1.2?distro=debian-12"), "not in range");
    assert.equal(effect(debian, "pkg:deb/debian/curl@7.74.0-1.2"), "unknown");
  });
});
