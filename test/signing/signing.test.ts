// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createPrivateKey, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseDuration } from "../../provider/claims/index";
import { revocationChecker, type HttpFetch } from "../../provider/notation/index";
import { artifactTypeOf } from "../../provider/oci/manifest";
import { signedArtifact } from "../../provider/artifact/artifact";
import type { Properties } from "../../provider/world/reconciler";
import { authority, timestampSigner } from "../harness/certificates";
import { makeCrl, httpFetch, serve, timestampAuthority } from "../harness/pki";
import { missing, runTool } from "../harness/toolchain";
import { Life, Refused, type LifeOptions } from "../harness/life";
import { installPlugin } from "../harness/plugin";
import {
  openPlace,
  removeManifest,
  signaturesOf,
  signerFiles,
  type Place,
} from "../harness/places";
import { codeOf, failsWith } from "../harness/failure";

const tsaRoot = authority({ subject: { C: "US", O: "Time Keepers", CN: "Time Keepers Root" } });
const tsa = timestampSigner(tsaRoot);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function arrange(signer = signerFiles(), options: Partial<LifeOptions> = {}) {
  const place = await openPlace("layout", { after: () => undefined });
  writeFileSync(join(place.folder, "app.sh"), "echo 1\n");
  writeFileSync(join(place.folder, "tsa.pem"), tsaRoot.pem);
  const args = {
    repository: place.location("app"),
    tags: ["v1"],
    files: ["app.sh"],
    signer: signer.args,
  };
  const life = new Life(signedArtifact, { folder: place.folder, ...options });
  return { place, args, life, signer };
}

const signed = (life: Life, place: Place): Promise<string[]> =>
  signaturesOf(place, "app", String(life.outputs["digest"]));
const records = (life: Life) =>
  life.outputs["signatures"] as { digest: string; signedAt: string; expiresAt?: string }[];

/** A clock that the test moves. */
function clock() {
  let offset = 0;
  return {
    now: () => new Date(Date.now() + offset),
    advance: (text: string) => void (offset += parseDuration(text)),
  };
}

function refusedAt(property: string, reason: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof Refused, String(error));
    assert.equal(error.failures[0]?.property, property);
    assert.match(error.failures[0]?.reason ?? "", reason);
    return true;
  };
}

test("an encrypted key takes its passphrase from the environment, and nothing of it reaches state", async () => {
  const { place, args, life, signer } = await arrange();
  const passphrase = randomBytes(12).toString("hex");
  const pem = createPrivateKey(signer.issued.keyPem).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase,
  });
  writeFileSync(join(place.folder, "encrypted.key"), pem);
  const encrypted = {
    ...args,
    signer: {
      keyFile: "encrypted.key",
      certificateChainFile: signer.args.certificateChainFile,
      passphraseEnv: "CONSIGN_TEST_PASSPHRASE",
    },
  };
  await life.preview(encrypted);
  assert.match(life.warnings.join(), /^signer\.passphraseEnv: a signature is due.*KEY_UNREADABLE/);
  process.env["CONSIGN_TEST_PASSPHRASE"] = "wrong";
  await assert.rejects(life.preview(encrypted), refusedAt("signer.keyFile", /KEY_UNREADABLE/));
  process.env["CONSIGN_TEST_PASSPHRASE"] = passphrase;
  assert.equal(await life.up(encrypted), "create");
  assert.ok(!JSON.stringify([life.inputs, life.outputs]).includes(passphrase));
  delete process.env["CONSIGN_TEST_PASSPHRASE"];
  assert.equal(await life.up(args), "same", "the same certificate, so nothing changes");
});

test("a key of notation's signingkeys.json", async () => {
  const { place, args, life, signer } = await arrange();
  writeFileSync(
    join(place.folder, "signingkeys.json"),
    JSON.stringify({
      default: "k",
      keys: [
        { name: "k", keyPath: signer.args.keyFile, certPath: signer.args.certificateChainFile },
      ],
    }),
  );
  await assert.rejects(
    life.preview({ ...args, signer: { notationKey: "other", configDir: "." } }),
    refusedAt("signer.notationKey", /SIGNER_UNKNOWN/),
  );
  assert.equal(await life.up({ ...args, signer: { notationKey: "k", configDir: "." } }), "create");
  assert.equal(await life.up(args), "same");
});

/** Of the kind that the plugin describes. */
const pluginKey = (): ReturnType<typeof signerFiles> => signerFiles("plugin", { key: "p-256" });

describe("plugins", () => {
  for (const capability of ["RAW", "ENVELOPE"] as const) {
    test(`one that makes ${capability === "RAW" ? "signatures" : "whole envelopes"}`, async () => {
      const { place, args, life, signer } = await arrange(pluginKey());
      const calls = installPlugin(`tester-${capability.toLowerCase()}`, signer.issued, capability);
      const plugin = {
        plugin: `tester-${capability.toLowerCase()}`,
        keyId: "key-1",
        pluginConfig: { token: "s3cret" },
      };
      assert.equal(await life.up({ ...args, signer: plugin }), "create");
      const [signature = ""] = await signed(life, place);
      const { annotations } = (await place.store("app").manifest(signature)).value;
      assert.equal(
        annotations?.["example.test/plugin"],
        capability === "RAW" ? undefined : "wrote this",
        "a plugin's annotations are kept",
      );
      assert.equal(await life.up({ ...args, signer: plugin }), "same");
      assert.deepEqual(await life.refresh(), []);
      assert.equal(
        calls().filter((command) => command === "generate-envelope").length,
        capability === "RAW" ? 0 : 1,
      );
      await removeManifest(place, "app", records(life)[0]?.digest ?? "");
      assert.deepEqual(await life.refresh(), ["signature"]);
      assert.equal(await life.up({ ...args, signer: plugin }), "update");
      assert.equal((await signed(life, place)).length, 1);
      await assert.rejects(
        life.preview({ ...args, signer: { ...plugin, plugin: "absent" } }),
        refusedAt("signer", /PLUGIN_NOT_FOUND/),
      );

      const named = new Life(signedArtifact, { folder: place.folder });
      const before = calls().length;
      assert.equal(
        await named.up({
          ...args,
          signer: { ...plugin, certificateChainFile: signer.args.certificateChainFile },
        }),
        "create",
      );
      assert.equal(
        (await signed(named, place)).length,
        1,
        "its certificate is known, so what is signed already is recognised",
      );
      assert.ok(
        !calls()
          .slice(before)
          .some((command) => command.startsWith("generate")),
        "and nothing is signed",
      );
    });
  }

  test("an envelope that its plugin made half-way is found again", async () => {
    const { place, args, life, signer } = await arrange(pluginKey());
    installPlugin("tester-half", signer.issued, "ENVELOPE");
    const plugin = { plugin: "tester-half", keyId: "key-1" };
    await life.up({ ...args, signer: plugin });
    await assert.rejects(
      life.up({ ...args, signer: plugin, tags: ["v1"], files: ["gone.sh"] }),
      failsWith("FILE_NOT_FOUND"),
    );
    assert.equal(await life.up({ ...args, signer: plugin }), "same");
    assert.equal((await signed(life, place)).length, 1);
    await assert.rejects(
      life.up({ ...args, signer: plugin, renewBefore: "1d" }),
      refusedAt("renewBefore", /certificateChainFile/),
    );
  });
});

test("validFor, userMetadata and signatureForm sign again where what is there is not as wanted", async () => {
  const { place, args, life } = await arrange();
  await life.up(args);
  assert.equal(await life.up({ ...args, validFor: "30d" }), "update");
  assert.equal(
    Date.parse(records(life)[0]?.expiresAt ?? "") - Date.parse(records(life)[0]?.signedAt ?? ""),
    30 * DAY,
  );
  assert.equal(await life.up({ ...args, validFor: "30d" }), "same");
  assert.deepEqual(await life.refresh(), []);
  assert.equal(await life.up(args), "update", "without end again");
  assert.equal(records(life)[0]?.expiresAt, undefined);
  assert.equal((await signed(life, place)).length, 2, "the first signature has no end, so it does");

  assert.equal(await life.up({ ...args, userMetadata: { build: "7" } }), "update");
  assert.equal((await signed(life, place)).length, 3);
  const before = records(life).map(({ digest }) => digest);
  assert.equal(
    await life.up({ ...args, userMetadata: { build: "7" }, signatureForm: "legacy" }),
    "update",
  );
  const [legacy] = records(life);
  assert.ok(legacy !== undefined && !before.includes(legacy.digest));
  assert.equal((await place.store("app").manifest(legacy.digest)).value.artifactType, undefined);
  assert.equal(
    artifactTypeOf(await place.store("app").manifest(legacy.digest)),
    "application/vnd.cncf.notary.signature",
  );
  const layers = await Promise.all(
    [...before, legacy.digest].map(
      async (digest) =>
        ((await place.store("app").manifest(digest)).value as { layers: unknown[] }).layers,
    ),
  );
  assert.ok(
    before.length === 1 && JSON.stringify(layers[0]) === JSON.stringify(layers[1]),
    "the same envelope in another manifest: nothing was signed",
  );
  await assert.rejects(
    life.preview({ ...args, userMetadata: { "io.cncf.notary.x": "y" } }),
    refusedAt("userMetadata", /INPUT_INVALID/),
  );
});

test(
  "what notation signed is adopted; notation verifies the legacy form in a layout",
  { skip: missing("notation") },
  async () => {
    const { place, args, life, signer } = await arrange();
    await life.up({ ...args, signatureForm: "legacy" });
    const home = join(place.folder, "xdg");
    const env = { XDG_CONFIG_HOME: home, NOTATION_EXPERIMENTAL: "1" };
    await runTool("notation", ["cert", "add", "--type", "ca", "--store", "test", signer.rootFile], {
      env,
    });
    writeFileSync(
      join(home, "notation", "trustpolicy.json"),
      JSON.stringify({
        version: "1.0",
        trustPolicies: [
          {
            name: "all",
            registryScopes: ["*"],
            signatureVerification: { level: "strict" },
            trustStores: ["ca:test"],
            trustedIdentities: ["*"],
          },
        ],
      }),
    );
    const verified = await runTool(
      "notation",
      [
        "verify",
        "--oci-layout",
        "--scope",
        "local/app",
        join(place.folder, "layouts", "app") + ":v1",
      ],
      { env },
    );
    assert.equal(verified.code, 0, verified.stderr);
    const adopting = new Life(signedArtifact, { folder: place.folder });
    await adopting.up(args);
    assert.equal(
      (await signed(adopting, place)).length,
      1,
      "either form will do where none is asked for",
    );
  },
);

test("a timestamp goes with the signature, is verified first, and outlives the certificate", async (t) => {
  const server = await timestampAuthority(tsa);
  t.after(() => server.close());
  const time = clock();
  const signer = signerFiles("short", { notAfter: new Date(Date.now() + 2 * DAY) });
  const { place, args, life } = await arrange(signer, {
    now: time.now,
    world: { fetch: httpFetch },
  });
  const timestamp = { url: server.url, roots: ["tsa.pem"] };
  assert.equal(await life.up(args), "create");
  assert.equal(await life.up({ ...args, timestamp }), "update");
  assert.equal(
    (await signed(life, place)).length,
    2,
    "one without a timestamp is not what is wanted",
  );
  assert.equal(
    await life.up({ ...args, timestamp: { ...timestamp, roots: [tsaRoot.pem] } }),
    "update",
  );
  assert.equal((await signed(life, place)).length, 2, "PEM text for a path: nothing to sign");
  assert.equal(server.requests.length, 1);
  time.advance("3d");
  assert.deepEqual(
    await life.refresh(),
    [],
    "the certificate has ended, and the timestamp says that it was signed before",
  );

  const untrusted = await arrange(signerFiles(), { world: { fetch: httpFetch } });
  writeFileSync(join(untrusted.place.folder, "tsa.pem"), authority().pem);
  await assert.rejects(
    untrusted.life.up({ ...untrusted.args, timestamp }),
    failsWith("SIGNATURE_UNTRUSTED"),
  );
  assert.deepEqual(
    await signed(untrusted.life, untrusted.place),
    [],
    "verified before it is stored",
  );
  assert.deepEqual(await untrusted.place.store("app").tags(), []);
  const down: HttpFetch = async () => Promise.reject(new Error("down"));
  const offline = await arrange(signerFiles(), { world: { fetch: down } });
  await assert.rejects(
    offline.life.up({ ...offline.args, timestamp }),
    failsWith("TIMESTAMP_FAILED"),
  );
  await assert.rejects(
    offline.life.preview({ ...offline.args, timestamp: { url: "ftp://x" } }),
    refusedAt("timestamp.url", /INPUT_INVALID/),
  );
  await assert.rejects(
    offline.life.preview({ ...offline.args, timestamp: { url: server.url, roots: ["none.pem"] } }),
    refusedAt("timestamp.roots[0]", /FILE_NOT_FOUND/),
  );
});

test("expiry: drift once it is over, a planned renewal before", async () => {
  const time = clock();
  const { place, args, life } = await arrange(signerFiles(), { now: time.now });
  const expiring = { ...args, validFor: "30d" };
  await life.up(expiring);
  time.advance("31d");
  assert.deepEqual(await life.refresh(), ["signature"]);
  assert.match(String(life.outputs["signature"]), /^expired: since 20.*SIGNATURE_EXPIRED/);
  const first = life.outputs["signature"];
  time.advance("1d");
  assert.deepEqual(await life.refresh(), [], "the same fault reads the same a day later");
  assert.equal(life.outputs["signature"], first);
  assert.deepEqual((await life.preview(expiring)).changed, ["signature"]);
  assert.equal(await life.up(expiring), "update");
  assert.deepEqual(await life.refresh(), []);

  const renewed = { ...expiring, renewBefore: "14d" };
  assert.equal(await life.up(renewed), "update", "an argument changes, nothing is signed");
  assert.equal((await signed(life, place)).length, 2);
  time.advance("15d");
  assert.equal(await life.up(renewed), "same");
  time.advance("2d");
  const preview = await life.preview(renewed);
  assert.deepEqual([preview.op, preview.changed], ["update", ["renewal"]], "one line");
  assert.match(String(preview.planned["renewal"]), /^due: expires 20/);
  assert.deepEqual(await life.refresh(), [], "and none in a refresh, as it is still valid");
  assert.equal(await life.up(renewed), "update");
  assert.equal((await signed(life, place)).length, 3);
  assert.equal(life.outputs["renewal"], "none");
  assert.equal(await life.up(renewed), "same");
  assert.deepEqual(await life.refresh(), []);
  await assert.rejects(
    life.preview({ ...args, validFor: "7d", renewBefore: "14d" }),
    refusedAt("renewBefore", /INPUT_INVALID/),
  );
});

test("many renewals: the newest signature is always among those that are looked at", async () => {
  const time = clock();
  const { args, life, place } = await arrange(
    signerFiles(
      "long",
      { notAfter: new Date(Date.now() + 3650 * DAY) },
      authority({ notAfter: new Date(Date.now() + 3650 * DAY) }),
    ),
    { now: time.now },
  );
  const renewed = { ...args, validFor: "30d", renewBefore: "14d" };
  await life.up(renewed);
  for (let turn = 0; turn < 24; turn++) {
    time.advance("20d");
    assert.equal(await life.up(renewed), "update", `turn ${turn}`);
  }
  assert.equal((await signed(life, place)).length, 25);
  assert.equal(await life.up(renewed), "same");
  assert.deepEqual(await life.refresh(), []);
});

test("where the certificate is the limit, a timestamped signature is added; without one there is a warning", async (t) => {
  const server = await timestampAuthority(tsa);
  t.after(() => server.close());
  const time = clock();
  const signer = signerFiles("short", { notAfter: new Date(Date.now() + 20 * DAY) });
  const { place, args, life } = await arrange(signer, {
    now: time.now,
    world: { fetch: httpFetch },
  });
  const renewed: Properties = { ...args, renewBefore: "14d" };
  await life.up(renewed);
  time.advance("7d");
  assert.equal(await life.up(renewed), "same");
  assert.match(life.warnings.join(), /certificate expires.*give timestamp with roots/);
  // The clock of the test's timestamp authority is the real one, so the certificate's end comes
  // near by another certificate.
  const near = signerFiles("near", { notAfter: new Date(Date.now() + 5 * DAY) });
  const fresh = new Life(signedArtifact, { folder: place.folder, world: { fetch: httpFetch } });
  await fresh.up({ ...args, signer: near.args });
  const count = (await signed(fresh, place)).length;
  const timestamp = { url: server.url, roots: [tsaRoot.pem] };
  const due = { ...args, signer: near.args, renewBefore: "14d" };
  assert.equal((await fresh.preview(due)).planned["renewal"], "none");
  await fresh.up({ ...due, timestamp });
  assert.equal((await signed(fresh, place)).length, count + 1);
  assert.equal(
    await fresh.up({ ...due, timestamp }),
    "same",
    "the timestamp outlives the certificate, so nothing is due",
  );
});

test("a revoked certificate is drift, and up does not sign with it", async (t) => {
  const ca = authority({ subject: { C: "US", ST: "WA", O: "Wabbit Networks", CN: "Revoking CA" } });
  let crl: Buffer | undefined;
  const server = await serve(async () => ({
    type: "application/pkix-crl",
    body: crl ?? Buffer.alloc(0),
  }));
  t.after(() => server.close());
  const signer = signerFiles("revocable", { crl: `${server.url}/list.crl` }, ca);
  crl = await makeCrl({ authority: ca });
  const world = () => ({ fetch: httpFetch, revocation: revocationChecker({ fetch: httpFetch }) });
  const { place, args, life } = await arrange(signer, { world: world() });
  await life.up(args);
  assert.deepEqual(await life.refresh(), []);
  crl = await makeCrl({
    authority: ca,
    revoked: [{ certificate: signer.issued, reason: "keyCompromise" }],
    number: 2,
  });
  life.options.world = world();
  assert.deepEqual(await life.refresh(), ["signature"]);
  assert.match(String(life.outputs["signature"]), /^revoked: .*SIGNATURE_REVOKED/);
  const before = await signed(life, place);
  await assert.rejects(
    life.up(args),
    codeOf("SIGNATURE_REVOKED", /not signed, as the signature would not be accepted/),
  );
  assert.deepEqual(await signed(life, place), before, "nothing is written");
  assert.equal(
    await life.up({ ...args, signer: { ...signerFiles("fresh", {}, ca).args } }),
    "update",
    "another certificate is the way out",
  );
  assert.deepEqual(await life.refresh(), []);
});

test("where nobody answers whether it is revoked, what is known stays, with a warning", async () => {
  const signer = signerFiles("silent", { crl: "http://127.0.0.1:1/list.crl" });
  const { args, life } = await arrange(signer, {
    world: { fetch: httpFetch, revocation: revocationChecker({ fetch: httpFetch }) },
  });
  assert.equal(await life.up(args), "create");
  assert.deepEqual(await life.refresh(), []);
  assert.match(life.warnings.join(), /is taken as before/);
});

test("a certificate that has ended cannot sign, and says so before anything of it is written", async () => {
  const signer = signerFiles("ended", {
    notBefore: new Date(Date.now() - 9 * DAY),
    notAfter: new Date(Date.now() - DAY),
  });
  const { place, args, life } = await arrange(signer);
  await assert.rejects(life.up(args), failsWith("CERTIFICATE_INVALID"));
  assert.deepEqual(await place.store("app").tags(), []);
  assert.deepEqual(await signed(life, place), []);
});
