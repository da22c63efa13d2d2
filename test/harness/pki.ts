// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HttpFetch } from "../../provider/notation/revocation/http-fetch";
import type { Issued } from "./keys";
import { tempDir } from "./temp";

const run = promisify(execFile);

/** The openssl of the machine is the second party: it makes what the code under test reads. */
export async function openssl(args: readonly string[], cwd?: string): Promise<void> {
  await run("openssl", args, { cwd, timeout: 30_000 });
}

/** The network as the code under test gets it: no redirects, bounded in time and size. */
export const httpFetch: HttpFetch = async ({ url, method, headers, body, timeoutMs, maxBytes }) => {
  const init = {
    method,
    redirect: "error" as const,
    signal: AbortSignal.timeout(timeoutMs),
    ...(headers === undefined ? {} : { headers }),
  };
  const response = await fetch(
    url,
    body === undefined ? init : { ...init, body: Uint8Array.from(body) },
  );
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.byteLength > maxBytes) throw new Error("the answer is too large");
  return { status: response.status, body: bytes, headers: Object.fromEntries(response.headers) };
};

export interface Answer {
  status?: number;
  type?: string;
  body: Uint8Array;
}

export interface Loopback {
  url: string;
  /** Paths that were asked for, in order. */
  requests: string[];
  close(): Promise<void>;
}

/** A server on loopback that answers by function. An answer of undefined never comes. */
export async function serve(
  answer: (body: Buffer, path: string) => Promise<Answer | undefined>,
): Promise<Loopback> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    read(request)
      .then((body) => answer(body, request.url ?? ""))
      .then((given) => {
        if (given !== undefined)
          response
            .writeHead(given.status ?? 200, {
              "content-type": given.type ?? "application/octet-stream",
            })
            .end(given.body);
      })
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, requests, close };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function files(
  issued: Issued,
): Promise<{ folder: string; key: string; certificate: string; above: string }> {
  const folder = tempDir("pki");
  const paths = {
    folder,
    key: join(folder, "key.pem"),
    certificate: join(folder, "certificate.pem"),
    above: join(folder, "above.pem"),
  };
  await writeFile(paths.key, issued.keyPem);
  await writeFile(paths.certificate, issued.pem);
  await writeFile(paths.above, issued.chainPem);
  return paths;
}

/** Answers timestamp queries with `openssl ts`. */
export async function timestampReply(
  tsa: Issued,
  query: Uint8Array,
  settings: Record<string, string> = {},
): Promise<Buffer> {
  const { folder, key, certificate, above } = await files(tsa);
  const config = {
    dir: folder,
    serial: join(folder, "serial"),
    crypto_device: "builtin",
    signer_digest: "sha256",
    default_policy: "1.2.3.4.1",
    digests: "sha1, sha256, sha384, sha512",
    accuracy: "secs:1, millisecs:500",
    ess_cert_id_alg: "sha256",
    ...settings,
  };
  const text = Object.entries(config).map(([name, value]) => `${name} = ${value}`);
  await writeFile(
    join(folder, "tsa.cnf"),
    ["[tsa]", "default_tsa = t", "[t]", ...text, ""].join("\n"),
  );
  await writeFile(join(folder, "serial"), "01\n");
  await writeFile(join(folder, "query"), query);
  const names = [
    "-queryfile",
    join(folder, "query"),
    "-out",
    join(folder, "reply"),
    "-config",
    join(folder, "tsa.cnf"),
  ];
  await openssl(["ts", "-reply", ...names, "-inkey", key, "-signer", certificate, "-chain", above]);
  return readFile(join(folder, "reply"));
}

export interface CmsOptions {
  /** @default "sha256" */
  digest?: string;
  /** Leave the signer's certificate out of the signed attributes. */
  unnamed?: boolean;
  contentType?: string;
  /** More signers beside the first. */
  others?: readonly Issued[];
}

/**
 * Signs a TSTInfo with `openssl cms`, which asks nothing of the signer, so that tokens of wrong
 * authorities can be made.
 */
export async function cmsToken(
  signer: Issued,
  content: Uint8Array,
  options: CmsOptions = {},
): Promise<Buffer> {
  const {
    digest = "sha256",
    unnamed = false,
    contentType = "1.2.840.113549.1.9.16.1.4",
    others = [],
  } = options;
  const signers = await Promise.all([signer, ...others].map(files));
  const folder = tempDir("cms");
  const [input, output] = [join(folder, "content"), join(folder, "token")];
  await writeFile(input, content);
  const who = signers.flatMap(({ key, certificate }) => ["-signer", certificate, "-inkey", key]);
  const how = [
    "-binary",
    "-nodetach",
    "-nosmimecap",
    ...(unnamed ? [] : ["-cades"]),
    "-econtent_type",
    contentType,
    "-md",
    digest,
  ];
  await openssl(["cms", "-sign", ...how, ...who, "-in", input, "-outform", "DER", "-out", output]);
  return readFile(output);
}

/** A timestamp authority on loopback. */
export function timestampAuthority(
  tsa: Issued,
  settings: Record<string, string> = {},
): Promise<Loopback> {
  return serve(async (query) => ({
    type: "application/timestamp-reply",
    body: await timestampReply(tsa, query, settings),
  }));
}

export interface Revoked {
  certificate: Issued;
  /**
   * As openssl's index writes it: `keyCompromise`, `certificateHold`, `keyTime,20240101000000Z` for
   * an invalidity date.
   */
  reason?: string;
}

const stamp = (time: Date): string => `${time.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`;

/** openssl's database of what an authority issued. */
async function writeIndex(
  folder: string,
  good: readonly Issued[],
  revoked: readonly Revoked[],
): Promise<string> {
  const line = (certificate: Issued, status: string, when: string) =>
    [
      status,
      stamp(certificate.x509.validToDate),
      when,
      certificate.x509.serialNumber,
      "unknown",
      `/CN=${certificate.subject.CN}`,
    ].join("\t");
  const lines = [
    ...good.map((certificate) => line(certificate, "V", "")),
    ...revoked.map(({ certificate, reason }) =>
      line(
        certificate,
        "R",
        [stamp(new Date(Date.now() - 3_600_000)), ...(reason === undefined ? [] : [reason])].join(
          ",",
        ),
      ),
    ),
  ];
  const index = join(folder, "index.txt");
  await writeFile(index, lines.map((each) => `${each}\n`).join(""));
  await writeFile(`${index}.attr`, "unique_subject = no\n");
  return index;
}

export interface OcspOptions {
  authority: Issued;
  /** Who signs the answers. @default the authority */
  responder?: Issued;
  good?: readonly Issued[];
  revoked?: readonly Revoked[];
  /** Without it an answer does not say until when it holds. @default 60 */
  validMinutes?: number | undefined;
  /** Identify the responder by its key rather than its name. */
  byKey?: boolean;
}

/** Answers one OCSP request with `openssl ocsp`. */
export async function ocspReply(options: OcspOptions, request: Uint8Array): Promise<Buffer> {
  const { authority, responder = authority, good = [], revoked = [] } = options;
  const signer = await files(responder);
  const ca = await files(authority);
  const index = await writeIndex(signer.folder, good, revoked);
  const [input, output] = [join(signer.folder, "request"), join(signer.folder, "response")];
  await writeFile(input, request);
  const validity =
    "validMinutes" in options && options.validMinutes === undefined
      ? []
      : ["-nmin", String(options.validMinutes ?? 60)];
  const how = [...validity, ...(options.byKey === true ? ["-resp_key_id"] : [])];
  await openssl([
    "ocsp",
    "-index",
    index,
    "-CA",
    ca.certificate,
    "-rsigner",
    signer.certificate,
    "-rkey",
    signer.key,
    "-reqin",
    input,
    "-respout",
    output,
    ...how,
  ]);
  return readFile(output);
}

/** An OCSP responder on loopback. */
export function ocspResponder(options: OcspOptions): Promise<Loopback> {
  return serve(async (request) => ({
    type: "application/ocsp-response",
    body: await ocspReply(options, request),
  }));
}

export interface CrlOptions {
  authority: Issued;
  revoked?: readonly Revoked[];
  /** @default 1 */
  number?: number;
  lastUpdate?: Date;
  nextUpdate?: Date;
  /** Lines of openssl's extension syntax, as `freshestCRL = URI:http://…`. */
  extensions?: readonly string[];
}

const DAY = 86_400_000;

/** Makes a revocation list with `openssl ca -gencrl`, in DER. */
export async function makeCrl(options: CrlOptions): Promise<Buffer> {
  const { authority, revoked = [], number = 1, extensions = [] } = options;
  const { folder, key, certificate } = await files(authority);
  const index = await writeIndex(folder, [], revoked);
  const serial = join(folder, "crlnumber");
  const hex = number.toString(16);
  await writeFile(serial, `${hex.length % 2 === 0 ? hex : `0${hex}`}\n`);
  const config = [
    "[ca]",
    "default_ca = c",
    "[c]",
    `database = ${index}`,
    `crlnumber = ${serial}`,
    "default_md = sha256",
    "default_crl_days = 7",
    "crl_extensions = x",
  ];
  await writeFile(
    join(folder, "ca.cnf"),
    [
      ...config,
      "[x]",
      "authorityKeyIdentifier = issuer:always",
      ...extensions,
      "[points]",
      "",
    ].join("\n"),
  );
  const long = (time: Date) => `20${stamp(time)}`;
  const dates = [
    "-crl_lastupdate",
    long(options.lastUpdate ?? new Date(Date.now() - DAY)),
    "-crl_nextupdate",
    long(options.nextUpdate ?? new Date(Date.now() + 7 * DAY)),
  ];
  const pem = join(folder, "list.pem");
  await openssl([
    "ca",
    "-config",
    join(folder, "ca.cnf"),
    "-gencrl",
    "-keyfile",
    key,
    "-cert",
    certificate,
    "-out",
    pem,
    ...dates,
  ]);
  await openssl(["crl", "-in", pem, "-outform", "DER", "-out", `${pem}.der`]);
  return readFile(`${pem}.der`);
}
