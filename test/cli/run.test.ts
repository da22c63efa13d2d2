// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { bytesBlob, packManifest, pushArtifact } from "../../provider/content/index";
import { digestOf } from "../../provider/oci/digest";
import { codeSigner } from "../harness/certificates";
import {
  acme,
  now,
  pushClaim,
  pushNetMonitor,
  pushSignature,
  wabbit,
  wabbitRoot,
} from "../report/arrange";
import { consign, workplace, type Workplace } from "./arrange";

const REFERENCE = "oci:net-monitor:v1";
const ACME = "x509.subject: C=US, ST=WA, O=ACME Rockets";
const statement = {
  name: "ours",
  signatureVerification: { level: "strict" },
  roots: { ca: ["wabbit.pem"] },
  trustedIdentities: ["*"],
};

let place: Workplace;
before(async () => {
  place = await workplace();
});

/** notation's configuration directory, with the root in its trust store. */
function notationConfig(folder: string, scopes: readonly string[]): void {
  const config = join(folder, "config", "notation");
  mkdirSync(join(config, "truststore", "x509", "ca", "wabbit"), { recursive: true });
  writeFileSync(join(config, "truststore", "x509", "ca", "wabbit", "root.pem"), wabbitRoot.pem);
  const policy = {
    name: "stored",
    registryScopes: scopes,
    signatureVerification: { level: "strict" },
    trustStores: ["ca:wabbit"],
    trustedIdentities: ["*"],
  };
  writeFileSync(
    join(config, "trustpolicy.json"),
    JSON.stringify({ version: "1.0", trustPolicies: [policy] }),
  );
}

describe("consign verify", () => {
  test("prints the pinned reference, the answer and what it rests on", async () => {
    const { exitCode, stdout } = await consign(place.folder, [
      "verify",
      REFERENCE,
      "--policy",
      place.file("ours.json", statement),
    ]);
    assert.equal(exitCode, 0);
    assert.deepEqual(stdout.split("\n"), [
      `oci:net-monitor@${place.artifact.digest}`,
      '✔ verified under trust policy "ours"',
      `  ✔ signature verified by CN=Wabbit Networks Release,O=Wabbit Networks,ST=WA,C=US at ${now.toISOString().slice(0, 19)}Z`,
    ]);
  });

  test("JSON has the signature, its signer and every check", async () => {
    const { stdout } = await consign(place.folder, [
      "verify",
      REFERENCE,
      "--policy",
      place.file("ours.json", statement),
      "--require",
      "provenance",
      "--json",
    ]);
    const report = JSON.parse(stdout) as Record<string, never> & {
      signature: {
        outcome: string;
        signer: { subject: string };
        checks: { check: string; result: string }[];
      };
      requirements: { met: boolean }[];
    };
    assert.deepEqual(Object.keys(report), [
      "reference",
      "digest",
      "verified",
      "policy",
      "signature",
      "requirements",
      "warnings",
    ]);
    assert.equal(report.signature.outcome, "verified");
    assert.match(report.signature.signer.subject, /Wabbit Networks Release/);
    assert.deepEqual(
      report.signature.checks.map(({ check }) => check),
      [
        "integrity",
        "authenticity",
        "expiry",
        "authenticTimestamp",
        "revocation",
        "pluginVerification",
      ],
    );
    assert.deepEqual(
      report.requirements.map(({ met }) => met),
      [true],
    );
  });

  test("without flags it reads notation's configuration directory", async () => {
    const { folder } = await workplace();
    const without = await consign(folder, ["verify", REFERENCE]);
    assert.equal(without.exitCode, 2);
    assert.match(without.stderr, /\[FILE_NOT_FOUND\]$/);
    notationConfig(folder, ["*"]);
    assert.equal((await consign(folder, ["verify", REFERENCE])).exitCode, 0);
    notationConfig(folder, ["registry.example/other"]);
    const elsewhere = await consign(folder, ["verify", REFERENCE]);
    assert.equal(elsewhere.exitCode, 2);
    assert.match(elsewhere.stderr, /\[TRUST_POLICY_NOT_APPLICABLE\]$/);
    assert.equal(
      (await consign(folder, ["verify", REFERENCE, "--scope", "registry.example/other"])).exitCode,
      0,
    );
    assert.equal(
      (
        await consign(
          folder,
          [
            "verify",
            REFERENCE,
            "--config-dir",
            join(folder, "config", "notation"),
            "--scope",
            "registry.example/other",
          ],
          { env: {} },
        )
      ).exitCode,
      0,
    );
  });

  test("takes notation's document as a policy, and the statement that applies", async () => {
    const other = {
      ...statement,
      name: "other",
      registryScopes: ["registry.example/other"],
      roots: { ca: ["acme.pem"] },
    };
    const document = {
      version: "1.0",
      trustPolicies: [other, { ...statement, registryScopes: ["oci:net-monitor"] }],
    };
    assert.equal(
      (
        await consign(place.folder, [
          "verify",
          REFERENCE,
          "--policy",
          place.file("document.json", document),
        ])
      ).exitCode,
      0,
    );
    const twice = { version: "1.0", trustPolicies: [statement, { ...statement, name: "again" }] };
    const refused = await consign(place.folder, [
      "verify",
      REFERENCE,
      "--policy",
      place.file("twice.json", twice),
    ]);
    assert.deepEqual([refused.exitCode, refused.stdout], [2, ""]);
    assert.match(refused.stderr, /two statements have the scope .* \[TRUST_POLICY_INVALID\]$/);
  });

  test("--root adds to a policy's roots", async () => {
    const policy = place.file("acme.json", { ...statement, roots: { ca: ["acme.pem"] } });
    assert.equal(
      (await consign(place.folder, ["verify", REFERENCE, "--policy", policy])).exitCode,
      1,
    );
    const { exitCode, stderr } = await consign(place.folder, [
      "verify",
      REFERENCE,
      "--policy",
      policy,
      "--root",
      "wabbit.pem",
    ]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
  });

  test("another identity is not verified", async () => {
    const { exitCode, stdout } = await consign(place.folder, [
      "verify",
      REFERENCE,
      "--policy",
      place.file("identity.json", { ...statement, trustedIdentities: [ACME] }),
    ]);
    assert.equal(exitCode, 1);
    assert.match(stdout, /✘ signature untrusted by CN=Wabbit.*\[SIGNATURE_UNTRUSTED\]/);
  });

  test("a required claim that is not there, or that nobody trusted signed, is unmet", async () => {
    const policy = place.file("ours.json", statement);
    const absent = await consign(place.folder, [
      "verify",
      REFERENCE,
      "--policy",
      policy,
      "--require",
      "vex",
    ]);
    assert.equal(absent.exitCode, 1);
    assert.match(
      absent.stdout,
      /✘ a claim of type vex: there is no claim of type vex \[VERIFICATION_UNMET\]/,
    );
    const { folder, layout, artifact, file } = await workplace();
    await pushClaim(
      layout,
      { type: "https://example.com/note", subject: artifact, predicate: {} },
      acme,
    );
    const foreign = await consign(folder, [
      "verify",
      REFERENCE,
      "--policy",
      file("ours.json", statement),
      "--require",
      "https://example.com/note",
    ]);
    assert.equal(foreign.exitCode, 1);
    assert.match(foreign.stdout, /is untrusted/);
  });

  test("a revocation by a trusted signer means not verified, without being asked for", async () => {
    const { folder, layout, artifact } = await workplace();
    await pushClaim(
      layout,
      {
        type: "revocation",
        subject: artifact,
        predicate: { target: artifact.digest, reason: "key stolen" },
      },
      wabbit,
    );
    const { exitCode, stdout } = await consign(folder, [
      "verify",
      REFERENCE,
      "--root",
      "wabbit.pem",
    ]);
    assert.equal(exitCode, 1);
    assert.match(stdout, /✘ not revoked: revoked by .*key stolen/);
  });

  test("--follow-redirects goes on to what is pointed to, under the policy that applies there; without it a redirect is a warning", async () => {
    const { folder, layout, artifact, file } = await workplace();
    const policy = file("ours.json", statement);
    const packed = packManifest({
      artifactType: "application/vnd.wabbit.net-monitor.v1",
      layers: [bytesBlob(Buffer.from("v2"), "text/plain")],
    });
    await pushArtifact(layout, packed);
    const v2 = packed.manifest.descriptor;
    await pushClaim(
      layout,
      { type: "redirect", subject: artifact, predicate: { to: v2.digest } },
      wabbit,
    );
    const unsigned = await consign(folder, [
      "verify",
      REFERENCE,
      "--policy",
      policy,
      "--follow-redirects",
    ]);
    assert.equal(unsigned.exitCode, 1);
    assert.match(unsigned.stdout, /✘ signature missing: .*\[SIGNATURE_MISSING\]/);
    await pushSignature(layout, v2, wabbit);
    const { exitCode, stdout } = await consign(folder, [
      "verify",
      REFERENCE,
      "--policy",
      policy,
      "--follow-redirects",
    ]);
    assert.equal(exitCode, 0);
    assert.deepEqual(stdout.split("\n").slice(0, 3), [
      `oci:net-monitor@${v2.digest}`,
      `  - redirected from oci:net-monitor@${artifact.digest}`,
      '✔ verified under trust policy "ours"',
    ]);
    const json = JSON.parse(
      (
        await consign(folder, [
          "verify",
          REFERENCE,
          "--policy",
          policy,
          "--follow-redirects",
          "--json",
        ])
      ).stdout,
    ) as { followed: string[] };
    assert.deepEqual(json.followed, [
      `oci:net-monitor@${artifact.digest}`,
      `oci:net-monitor@${v2.digest}`,
    ]);
    const never = await consign(folder, ["verify", REFERENCE, "--policy", policy]);
    assert.match(
      never.stdout,
      new RegExp(
        `^oci:net-monitor@${artifact.digest}\n✔ verified[\\s\\S]*points to ${v2.digest} instead`,
      ),
    );
    const { stderr } = await consign(folder, [
      "verify",
      REFERENCE,
      "--root",
      "wabbit.pem",
      "--follow-redirects",
    ]);
    assert.equal(stderr.split("\n").length, 1, "what is assumed is told once");
    await pushClaim(
      layout,
      { type: "redirect", subject: v2, predicate: { to: artifact.digest } },
      wabbit,
    );
    const circle = await consign(folder, [
      "verify",
      REFERENCE,
      "--policy",
      policy,
      "--follow-redirects",
    ]);
    assert.equal(circle.exitCode, 1);
    assert.match(circle.stdout, /✘ redirects are followed: .* goes in a circle \[REDIRECT_LOOP\]/);
    const misplaced = await consign(folder, ["claims", REFERENCE, "--follow-redirects"]);
    assert.equal(misplaced.exitCode, 2);
    assert.match(misplaced.stderr, /--follow-redirects is for verify.*\[INPUT_INVALID\]$/);
  });

  test("unsigned is not verified; a certificate that nobody answers for is not known", async () => {
    const { folder, layout, file } = await workplace();
    await pushNetMonitor(layout, "v1");
    const bare = packManifest({
      artifactType: "application/vnd.wabbit.bare",
      layers: [bytesBlob(Buffer.from("x"), "text/plain")],
    });
    await pushArtifact(layout, bare);
    const unsigned = await consign(folder, [
      "verify",
      `oci:net-monitor@${bare.manifest.descriptor.digest}`,
      "--root",
      "wabbit.pem",
    ]);
    assert.equal(unsigned.exitCode, 1);
    assert.match(unsigned.stdout, /signature missing: .*\[SIGNATURE_MISSING\]/);

    const asked = codeSigner(wabbitRoot, { crl: "http://127.0.0.1:9/list.crl" });
    await pushSignature(layout, bare.manifest.descriptor, asked);
    const unknown = await consign(folder, [
      "verify",
      `oci:net-monitor@${bare.manifest.descriptor.digest}`,
      "--policy",
      file("ours.json", statement),
    ]);
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.stdout, /\? could not tell/);
    assert.match(unknown.stdout, /\[SIGNATURE_INCONCLUSIVE\]/);
  });
});

describe("consign claims and tree", () => {
  test("claims lists them, under a policy with what counts", async () => {
    const bare = await consign(place.folder, ["claims", REFERENCE]);
    assert.equal(bare.exitCode, 0);
    assert.match(
      bare.stdout,
      /^oci:net-monitor@sha256:\S+\n• {2}provenance {2}public {2}sha256:\S+ {2}unchecked$/,
    );
    const judged = await consign(place.folder, [
      "claims",
      REFERENCE,
      "--root",
      "wabbit.pem",
      "--json",
    ]);
    const { verification, claims } = JSON.parse(judged.stdout) as {
      verification: { verified: string };
      claims: {
        name: string;
        status: string;
        predicate: object;
        signatures: { status: string }[];
      }[];
    };
    assert.equal(verification.verified, "yes");
    assert.deepEqual(
      claims.map(({ name, status, signatures }) => [
        name,
        status,
        ...signatures.map((each) => each.status),
      ]),
      [["provenance", "effective", "verified"]],
    );
    assert.ok(claims[0]?.predicate);
  });

  test("the tree's JSON is the observation, without predicates", async () => {
    const { exitCode, stdout } = await consign(place.folder, [
      "tree",
      REFERENCE,
      "--root",
      "wabbit.pem",
      "--json",
    ]);
    assert.equal(exitCode, 0);
    const { artifact, verification } = JSON.parse(stdout) as {
      verification: { verified: string };
      artifact: {
        digest: string;
        policy: string;
        signatures: { status: string }[];
        claims: object[];
      };
    };
    assert.deepEqual(
      [artifact.digest, artifact.policy, verification.verified],
      [place.artifact.digest, "--root", "yes"],
    );
    assert.deepEqual(
      artifact.signatures.map(({ status }) => status),
      ["verified"],
    );
    assert.ok(artifact.claims.every((claim) => !("predicate" in claim)));
  });

  test("without a policy they never ask notation's configuration, and exit with 1 if something is broken", async () => {
    const { folder, layout, artifact } = await workplace();
    notationConfig(folder, ["registry.example/other"]);
    assert.equal((await consign(folder, ["tree", REFERENCE])).exitCode, 0);
    const fake = packManifest({
      artifactType: "application/vnd.cncf.notary.signature",
      layers: [bytesBlob(Buffer.from("no envelope"), "application/cose")],
      subject: artifact,
    });
    await pushArtifact(layout, fake);
    const { exitCode, stdout } = await consign(folder, ["tree", REFERENCE]);
    assert.equal(exitCode, 1);
    assert.match(stdout, /✘ {2}signature \S+ {2}not verified: invalid/);
  });
});

describe("the command line", () => {
  test("help and version", async () => {
    const help = await consign(place.folder, ["--help"]);
    assert.equal(help.exitCode, 0);
    for (const word of [
      "verify",
      "claims",
      "tree",
      "--policy",
      "--root",
      "--require",
      "--registries",
      "--docker-config",
      "Exit codes",
    ])
      assert.match(help.stdout, new RegExp(word));
    const { version } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as {
      version: string;
    };
    assert.deepEqual(await consign(place.folder, ["--version"]), {
      exitCode: 0,
      stdout: version,
      stderr: "",
    });
  });

  const wrong: Record<string, { args: string[]; says: RegExp }> = {
    "no command": { args: [], says: /say what to do.*\[INPUT_INVALID\]$/ },
    "an unknown command": {
      args: ["sign", REFERENCE],
      says: /"sign" is no command.*\[INPUT_INVALID\]$/,
    },
    "no reference": { args: ["tree"], says: /say which artifact.*\[INPUT_INVALID\]$/ },
    "two references": {
      args: ["tree", REFERENCE, REFERENCE],
      says: /one too many.*\[INPUT_INVALID\]$/,
    },
    "an unknown option": {
      args: ["tree", REFERENCE, "--trust", "x"],
      says: /Unknown option '--trust'.*\[INPUT_INVALID\]$/,
    },
    "a reference that is none": { args: ["tree", "nginx"], says: /\[REFERENCE_INVALID\]$/ },
    "a repository alone": {
      args: ["tree", "oci:net-monitor"],
      says: /its tags: v1 \[INPUT_INVALID\]$/,
    },
    "an unknown claim type": {
      args: ["verify", REFERENCE, "--root", "wabbit.pem", "--require", "sbom?"],
      says: /is no claim type.*\[INPUT_INVALID\]$/,
    },
    "a requirement without trust": {
      args: ["claims", REFERENCE, "--require", "vex"],
      says: /--require asks.*\[INPUT_INVALID\]$/,
    },
    "a policy that is not there": {
      args: ["verify", REFERENCE, "--policy", "none.json"],
      says: /none.json does not exist \[FILE_NOT_FOUND\]$/,
    },
    "a policy that is no JSON": {
      args: ["verify", REFERENCE, "--policy", "wabbit.pem"],
      says: /is not JSON.*\[TRUST_POLICY_INVALID\]$/,
    },
    "a root that is not there": {
      args: ["verify", REFERENCE, "--root", "none.pem"],
      says: /\[FILE_NOT_FOUND\]$/,
    },
    "a layout that is not there": {
      args: ["tree", "oci:nowhere:v1"],
      says: /\[MANIFEST_UNKNOWN\]$/,
    },
    "a digest that is not there": {
      args: ["tree", `oci:net-monitor@${digestOf("nothing")}`],
      says: /\[MANIFEST_UNKNOWN\]$/,
    },
  };
  for (const [what, { args, says }] of Object.entries(wrong)) {
    test(`${what} ends with 2 and one line with its code`, async () => {
      const { exitCode, stdout, stderr } = await consign(place.folder, args);
      assert.equal(exitCode, 2);
      assert.equal(stdout, "");
      const last = stderr.split("\n").at(-1) ?? "";
      assert.match(last, /^consign: /);
      assert.match(last, says);
    });
  }

  test("registry settings come from a file, and no value of them is ever printed", async () => {
    place.file("registries.json", {
      "registry.example": { password: "hunter2", plainHttp: "yes" },
    });
    const { exitCode, stderr } = await consign(place.folder, [
      "tree",
      "registry.example/net-monitor:v1",
      "--registries",
      "registries.json",
    ]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /registry\.example.*\[CREDENTIALS_INVALID\]$/);
    assert.doesNotMatch(stderr, /hunter2/);
    place.file("registries.json", {
      "registry.example": { address: "127.0.0.1:9", plainHttp: true },
    });
    const unreachable = await consign(place.folder, [
      "tree",
      "registry.example/net-monitor:v1",
      "--registries",
      "registries.json",
    ]);
    assert.equal(unreachable.exitCode, 2);
    assert.match(unreachable.stderr, /\[REGISTRY_UNREACHABLE\]$/);
  });
});
