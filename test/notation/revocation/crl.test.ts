// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  revocationChecker,
  type RevocationOptions,
} from "../../../provider/notation/revocation/revocation";
import { authority, codeSigner, intermediate } from "../../harness/certificates";
import { extension, name, signatureAlgorithm, type Issued } from "../../harness/keys";
import * as der from "../../harness/der";
import {
  httpFetch,
  makeCrl,
  serve,
  type Answer,
  type CrlOptions,
  type Loopback,
} from "../../harness/pki";
import { tempDir } from "../../harness/temp";

const DAY = 86_400_000;
const now = new Date();
const root = authority();
const lists = new Map<string, Uint8Array | (() => Answer | undefined)>();
let server: Loopback;
before(async () => {
  server = await serve(answer);
});
after(() => server.close());

async function answer(_: Buffer, path: string): Promise<Answer | undefined> {
  const list = lists.get(path);
  if (list instanceof Uint8Array) return { type: "application/pkix-crl", body: list };
  return list === undefined ? { status: 404, body: Buffer.from("no such list") } : list();
}

let paths = 0;

/** A leaf and a place for its list. */
function leafWithPoint(overrides: Parameters<typeof codeSigner>[1] = {}): {
  leaf: Issued;
  path: string;
  url: string;
} {
  const path = `/${++paths}.crl`;
  const url = `${server.url}${path}`;
  return { leaf: codeSigner(root, { crl: url, ...overrides }), path, url };
}

function check(
  chain: readonly Uint8Array[],
  o: { at?: Date; now?: Date } & Partial<RevocationOptions> = {},
) {
  const { at, now: when = now, ...options } = o;
  const checker = revocationChecker({
    fetch: httpFetch,
    timeouts: { crl: 1000, ocsp: 1000 },
    ...options,
  });
  return checker.check(chain, {
    now: when,
    purpose: "codeSigning",
    ...(at === undefined ? {} : { at }),
  });
}

async function outcome(
  list: Omit<CrlOptions, "authority"> & { authority?: Issued; revoke?: string | true },
  o: { at?: Date; now?: Date } = {},
) {
  const { leaf, path } = leafWithPoint();
  const { revoke, ...options } = list;
  const revoked =
    revoke === undefined
      ? []
      : [{ certificate: leaf, ...(revoke === true ? {} : { reason: revoke }) }];
  lists.set(path, await makeCrl({ authority: root, revoked, ...options }));
  return check(leaf.chain, o);
}

test("a list that does not have the certificate makes it ok", async () => {
  const verdict = await outcome({ revoked: [{ certificate: codeSigner(root) }] });
  assert.equal(verdict.result, "ok");
  assert.equal(verdict.certificates?.length, 1);
});

test("a list that has the certificate makes it revoked, whatever the reason", async () => {
  for (const reason of [true, "keyCompromise", "certificateHold", "superseded"] as const) {
    const verdict = await outcome({ revoke: reason });
    assert.equal(verdict.result, "revoked", String(reason));
    assert.match(verdict.reason, /Wabbit Networks Release.*revoked at 20/);
  }
});

test("an invalidity date after a proven signing time lets the signature stand; one before, or no proof, does not", async () => {
  const revoke = "keyTime,20250601000000Z";
  assert.equal((await outcome({ revoke }, { at: new Date("2025-05-31T23:59:59Z") })).result, "ok");
  assert.equal(
    (await outcome({ revoke }, { at: new Date("2025-06-01T00:00:00Z") })).result,
    "revoked",
  );
  assert.equal((await outcome({ revoke })).result, "revoked");
  assert.equal(
    (await outcome({ revoke: "keyCompromise" }, { at: new Date("2020-01-01T00:00:00Z") })).result,
    "revoked",
  );
});

test("a list that cannot be believed tells nothing", async (t) => {
  const cases: Record<string, [Parameters<typeof outcome>[0], RegExp, { now?: Date }?]> = {
    "out of date": [
      { lastUpdate: new Date(now.getTime() - 3 * DAY), nextUpdate: new Date(now.getTime() - DAY) },
      /out of date/,
    ],
    "out of date by the given clock": [
      {},
      /out of date/,
      { now: new Date(now.getTime() + 30 * DAY) },
    ],
    "from the future": [{ lastUpdate: new Date(now.getTime() + DAY) }, /from the future/],
    "of another issuer": [
      { authority: authority({ subject: { O: "Somebody", CN: "Else" } }) },
      /another issuer/,
    ],
    "of another key with the same name": [
      { authority: authority() },
      /signature is not the issuer's/,
    ],
    "with a critical extension nobody knows": [
      { extensions: ["1.2.3.4 = critical,DER:0500"] },
      /1\.2\.3\.4/,
    ],
    "a delta in place of a complete list": [
      { extensions: ["2.5.29.27 = critical,DER:020101"] },
      /delta where a complete list/,
    ],
    "for CA certificates only": [
      { extensions: ["2.5.29.28 = critical,DER:30038201ff"] },
      /limited \(authorities\)/,
    ],
    indirect: [{ extensions: ["2.5.29.28 = critical,DER:30038401ff"] }, /limited \(indirect\)/],
    "of another distribution point": [
      { extensions: [`2.5.29.28 = critical,DER:${point("http://127.0.0.1/other.crl")}`] },
      /another distribution point/,
    ],
  };
  for (const [title, [list, reason, o]] of Object.entries(cases)) {
    await t.test(title, async () => {
      const verdict = await outcome({ ...list, revoke: true }, o);
      assert.equal(verdict.result, "unknown");
      assert.match(verdict.reason, reason);
    });
  }
});

function point(url: string): string {
  return der
    .sequence(der.context(0, der.context(0, der.contextPrimitive(6, Buffer.from(url)))))
    .toString("hex");
}

test("a list for this distribution point, and for user certificates, speaks about a leaf", async () => {
  const { leaf, path, url } = leafWithPoint();
  const scope = der
    .sequence(
      der.context(0, der.context(0, der.contextPrimitive(6, Buffer.from(url)))),
      der.contextPrimitive(1, Buffer.from([0xff])),
    )
    .toString("hex");
  lists.set(
    path,
    await makeCrl({ authority: root, extensions: [`2.5.29.28 = critical,DER:${scope}`] }),
  );
  assert.equal((await check(leaf.chain)).result, "ok");
});

test("what the server does instead of answering tells nothing", async (t) => {
  const cases: Record<string, [(() => Answer | undefined) | undefined, RegExp]> = {
    "not found": [undefined, /status 404/],
    garbage: [
      () => ({ body: Buffer.from("<html>maintenance</html>") }),
      /not a certificate revocation list/,
    ],
    "a truncated list": [() => ({ body: truncated }), /ends too early/],
    "something after the list": [
      () => ({ body: Buffer.concat([whole, Buffer.from([0])]) }),
      /follows its end/,
    ],
    silence: [() => undefined, /cannot be had/],
    "a redirect": [() => ({ status: 302, body: Buffer.alloc(0) }), /cannot be had|status 302/],
  };
  const whole = await makeCrl({ authority: root });
  const truncated = whole.subarray(0, -20);
  for (const [title, [answer, reason]] of Object.entries(cases)) {
    await t.test(title, async () => {
      const { leaf, path } = leafWithPoint();
      if (answer !== undefined) lists.set(path, answer);
      const verdict = await check(leaf.chain, { timeouts: { crl: 200 } });
      assert.equal(verdict.result, "unknown");
      assert.match(verdict.reason, reason);
    });
  }
});

test("an ldap address is not followed", async () => {
  const leaf = codeSigner(root, { crl: "ldap://127.0.0.1/cn=list" });
  const verdict = await check(leaf.chain, { fetch: () => assert.fail("it was") });
  assert.equal(verdict.result, "unknown");
  assert.match(verdict.reason, /not an http or https address/);
});

test("a certificate that names no place to ask is not revokable, and neither is a root", async () => {
  assert.equal((await check(codeSigner(root).chain)).result, "nonRevokable");
  assert.equal((await check(root.chain)).result, "nonRevokable");
});

test("the worst of the chain counts, and the root is never asked about", async () => {
  const path = `/${++paths}.crl`;
  const issuing = intermediate(authority({ crl: `${server.url}/never.crl` }), {
    crl: `${server.url}${path}`,
  });
  const leafPath = `/${++paths}.crl`;
  const leaf = codeSigner(issuing, { crl: `${server.url}${leafPath}` });
  lists.set(leafPath, await makeCrl({ authority: issuing }));
  assert.equal((await check(leaf.chain)).result, "unknown");
  assert.ok(!server.requests.includes("/never.crl"));
});

test("a chain that is none is unknown, not an exception", async () => {
  assert.equal((await check([codeSigner(authority()).der, root.der])).result, "unknown");
  assert.equal((await check([Buffer.from("no certificate")])).result, "unknown");
  assert.equal((await check([])).result, "unknown");
});

test("delta lists", async (t) => {
  const cases: Record<
    string,
    {
      base?: string;
      delta?: string;
      deltaOf?: number;
      deltaNumber?: number;
      expected: string;
      authority?: Issued;
      noDelta?: true;
      plainDelta?: true;
    }
  > = {
    "revokes what the complete list had not": { delta: "keyCompromise", expected: "revoked" },
    "says nothing new": { expected: "ok" },
    "lifts a hold": { base: "certificateHold", delta: "removeFromCRL", expected: "ok" },
    "does not lift a revocation": {
      base: "keyCompromise",
      delta: "removeFromCRL",
      expected: "revoked",
    },
    "of a later complete list": { deltaOf: 9, deltaNumber: 10, expected: "unknown" },
    "older than the complete list": { deltaOf: 1, deltaNumber: 1, expected: "unknown" },
    "of another issuer": { authority: authority({ subject: { CN: "Else" } }), expected: "unknown" },
    missing: { noDelta: true, expected: "unknown" },
    "that is a complete list": { plainDelta: true, expected: "unknown" },
  };
  for (const [
    title,
    { base, delta, deltaOf = 5, deltaNumber = 6, expected, authority: other, noDelta, plainDelta },
  ] of Object.entries(cases)) {
    await t.test(title, async () => {
      const { leaf, path } = leafWithPoint();
      const revoked = (reason: string | undefined) =>
        reason === undefined ? [] : [{ certificate: leaf, reason }];
      lists.set(
        path,
        await makeCrl({
          authority: root,
          number: 5,
          revoked: revoked(base),
          extensions: [`freshestCRL = URI:${server.url}/delta${path}`],
        }),
      );
      const indicator =
        plainDelta === true
          ? []
          : [`2.5.29.27 = critical,DER:${der.integer(deltaOf).toString("hex")}`];
      const made = await makeCrl({
        authority: other ?? root,
        number: deltaNumber,
        revoked: revoked(delta),
        extensions: indicator,
      });
      if (noDelta !== true) lists.set(`/delta${path}`, made);
      assert.equal((await check(leaf.chain)).result, expected);
    });
  }
});

test("a delta that only the certificate names is not supported, so nothing is known", async () => {
  const value = der.sequence(
    der.sequence(
      der.context(0, der.context(0, der.contextPrimitive(6, Buffer.from(`${server.url}/d.crl`)))),
    ),
  );
  const { leaf, path } = leafWithPoint({ extensions: [extension("2.5.29.46", false, value)] });
  lists.set(path, await makeCrl({ authority: root }));
  assert.equal((await check(leaf.chain)).result, "unknown");
});

test("a list is fetched once for many, kept on disk, and fetched again when it is due", async () => {
  const { leaf, path } = leafWithPoint();
  lists.set(path, await makeCrl({ authority: root }));
  const asked = () => server.requests.filter((each) => each === path).length;
  const cacheDir = join(tempDir("crl"), "deep", "down");
  const checker = revocationChecker({ fetch: httpFetch, cacheDir });
  await Promise.all(
    Array.from({ length: 5 }, () => checker.check(leaf.chain, { now, purpose: "codeSigning" })),
  );
  assert.equal(asked(), 1);
  assert.equal((await check(leaf.chain, { cacheDir })).result, "ok");
  assert.equal(asked(), 1);
  const [kept] = readdirSync(cacheDir);
  assert.ok(kept !== undefined && readdirSync(cacheDir).length === 1);
  assert.deepEqual(readFileSync(join(cacheDir, kept)), lists.get(path));

  writeFileSync(join(cacheDir, kept), "spoilt");
  assert.equal((await check(leaf.chain, { cacheDir })).result, "ok");
  assert.equal(asked(), 2);
  await check(leaf.chain, { cacheDir, now: new Date(now.getTime() + 30 * DAY) });
  assert.equal(asked(), 3);
});

test("a long list is searched without turning its entries into objects", async () => {
  const { leaf, path } = leafWithPoint();
  const entries = Array.from({ length: 50_000 }, (_, i) =>
    der.sequence(der.integer(1_000_000 + i), der.time(now)),
  );
  const algorithm = signatureAlgorithm(root.key.privateKey);
  const body = (last: Buffer[]) =>
    der.sequence(
      der.integer(1),
      algorithm.identifier,
      name(root.subject),
      der.time(now),
      der.time(new Date(now.getTime() + DAY)),
      der.sequence(...entries, ...last),
    );
  const signed = (tbs: Buffer) =>
    der.sequence(tbs, algorithm.identifier, der.bits(algorithm.sign(tbs)));
  lists.set(path, signed(body([])));
  assert.equal((await check(leaf.chain)).result, "ok");
  lists.set(
    path,
    signed(
      body([der.sequence(der.integer(Buffer.from(leaf.x509.serialNumber, "hex")), der.time(now))]),
    ),
  );
  assert.equal((await check(leaf.chain)).result, "revoked");
});
