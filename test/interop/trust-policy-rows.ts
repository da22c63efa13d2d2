// SPDX-License-Identifier: Apache-2.0
// The table of notation's own files: what stands in a configuration directory, what we answer about
// a good signature under it, and, where notation 1.3.2 accepts, why we are stricter.
import type { ErrorCode } from "../../provider/errors";
import { authority } from "../harness/certificates";
import { root } from "../notation/arrange";
import type { Answer } from "./matrix-world";

/** Files below notation's directory; `HERE` in them stands for the repository's name. */
export interface PolicyRow {
  input: string;
  /** `verified`: notation must accept as well. Anything else: it must refuse, but for `stricter`. */
  ours: Answer;
  stricter?: string;
  /** `trustpolicy.json`, as text or as what is written as JSON. */
  policy?: unknown;
  files?: Record<string, string | Buffer>;
  /** Another name of the registry's host, made of the one that `HERE` has. */
  asked?: (host: string) => string;
}

const GOOD: Answer = ["verified"];
const no = (code: ErrorCode): Answer => ["error", code];
const INVALID = no("TRUST_POLICY_INVALID");
const STORE = no("TRUST_STORE_INVALID");
const NONE = no("TRUST_POLICY_NOT_APPLICABLE");

const identity = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const mine = {
  name: "mine",
  registryScopes: ["HERE"],
  signatureVerification: { level: "strict" },
  trustStores: ["ca:good"],
  trustedIdentities: [identity],
};
const other = { ...mine, name: "other", registryScopes: ["registry.example/other"] };
const all = { ...mine, name: "all", registryScopes: ["*"] };
const strangers = { ...mine, trustStores: ["ca:strangers"] };
const document = (...trustPolicies: unknown[]) => ({ version: "1.0", trustPolicies });
/** The statement that applies, beside one that does not. */
const beside = (change: object) => document({ ...other, ...change }, mine);
const used = (change: object) => document({ ...mine, ...change });
const arn = "arn:aws:signer:us-west-2:111122223333:/signing-profiles/wabbit";
const json = JSON.stringify;
const BOM = "\ufeff";
const UNKNOWN = "a member that is not known may ask for something; in a statement that is used";
const CASE = "in other letters, one reader takes a member for another and one passes over it";

const DOCUMENTS: PolicyRow[] = [
  { input: "one statement", ours: GOOD, policy: document(mine) },
  { input: "two statements", ours: GOOD, policy: beside({}) },
  {
    input: "only trustpolicy.oci.json",
    ours: no("FILE_NOT_FOUND"),
    files: { "trustpolicy.oci.json": json(document(mine)) },
  },
  {
    input: "trustpolicy.oci.json that says the same",
    ours: GOOD,
    policy: document(mine),
    files: { "trustpolicy.oci.json": json(document(mine), null, 2) },
  },
  {
    input: "trustpolicy.oci.json that says less, beside one that trusts others",
    ours: INVALID,
    policy: document(strangers),
    files: { "trustpolicy.oci.json": json(document(mine)) },
  },
  {
    input: "trustpolicy.oci.json that trusts others",
    ours: INVALID,
    stricter: "later versions of notation read that one",
    policy: document(mine),
    files: { "trustpolicy.oci.json": json(document(strangers)) },
  },
  {
    input: "trustpolicy.oci.json that is no JSON",
    ours: INVALID,
    stricter: "as above",
    policy: document(mine),
    files: { "trustpolicy.oci.json": "{" },
  },
  { input: "a byte order mark", ours: INVALID, policy: `${BOM}${json(document(mine))}` },
  {
    input: "something after the document",
    ours: INVALID,
    stricter: "notation reads the first JSON value of the file alone",
    policy: `${json(document(mine))}{}`,
  },
  {
    input: "a member twice",
    ours: INVALID,
    stricter: "which of two members counts depends on the reader",
    policy: json(document(mine)).replace("{", `{"version":"1.0",`),
  },
  { input: "an unknown member beside the statements", ours: GOOD, policy: { ...beside({}), x: 1 } },
  {
    input: "statements in another case",
    ours: INVALID,
    stricter: CASE,
    policy: { version: "1.0", trustpolicies: [mine] },
  },
  {
    input: "statements in two cases",
    ours: INVALID,
    policy: { ...document(mine), TrustPolicies: [strangers] },
  },
  { input: "another version", ours: INVALID, policy: { ...document(mine), version: "2.0" } },
  { input: "no statement", ours: INVALID, policy: document() },
  { input: "a name twice", ours: INVALID, policy: beside({ name: "mine" }) },
  {
    input: "a scope in two statements",
    ours: INVALID,
    policy: beside({ registryScopes: ["HERE"] }),
  },
];

/** Each is in a statement that does not apply. */
const BESIDE: PolicyRow[] = [
  ...Object.entries<[Answer, object, string?]>({
    "an unknown member": [GOOD, { comment: "x" }],
    "an unknown member of its verification": [
      GOOD,
      { signatureVerification: { level: "strict", x: 1 } },
    ],
    "a member in another case": [INVALID, { TrustStores: ["ca:good"] }, CASE],
    "an identity of AWS Signer": [GOOD, { trustedIdentities: [arn] }],
    "an identity of AWS Signer beside a subject": [GOOD, { trustedIdentities: [arn, identity] }],
    "an identity without a prefix": [INVALID, { trustedIdentities: ["wabbit"] }],
    "an empty identity": [INVALID, { trustedIdentities: [""] }],
    "an identity that is no name": [INVALID, { trustedIdentities: ["x509.subject: wabbit"] }],
    "an identity without organization": [
      INVALID,
      { trustedIdentities: ["x509.subject: C=US, ST=WA"] },
    ],
    "an identity of a multi-valued name": [
      INVALID,
      { trustedIdentities: ["x509.subject: C=US, ST=WA, O=Wabbit Networks+OU=x"] },
    ],
    "an identity with a domain": [GOOD, { trustedIdentities: [`${identity}, DC=example`] }],
    "an identity with a type in small letters": [
      GOOD,
      { trustedIdentities: [`${identity}, cn=x`] },
    ],
    "identities that overlap": [INVALID, { trustedIdentities: [identity, `${identity}, CN=x`] }],
    "any identity and another": [INVALID, { trustedIdentities: ["*", identity] }],
    "no identity": [INVALID, { trustedIdentities: [] }],
    "no store": [INVALID, { trustStores: [] }],
    "roots in the statement, and no store": [
      INVALID,
      { trustStores: [], roots: { ca: [root.pem] } },
    ],
    "only a store of timestamp authorities": [GOOD, { trustStores: ["tsa:x"] }],
    "a store that is not there": [GOOD, { trustStores: ["ca:absent"] }],
    "a store of another type": [INVALID, { trustStores: ["x:good"] }],
    "a store named ..": [GOOD, { trustStores: ["ca:.."] }],
    "a store with a slash": [INVALID, { trustStores: ["ca:a/b"] }],
    "a level that is not known": [INVALID, { signatureVerification: { level: "loose" } }],
    "an override of integrity": [
      INVALID,
      { signatureVerification: { level: "strict", override: { integrity: "log" } } },
    ],
    "expiry skipped": [
      INVALID,
      { signatureVerification: { level: "strict", override: { expiry: "skip" } } },
    ],
    "an override that is null": [
      GOOD,
      { signatureVerification: { level: "strict", override: null } },
    ],
    "an empty verifyTimestamp": [
      GOOD,
      { signatureVerification: { level: "strict", verifyTimestamp: "" } },
    ],
    "skip for everything": [
      GOOD,
      {
        signatureVerification: { level: "skip" },
        registryScopes: ["*"],
        trustStores: null,
        trustedIdentities: null,
      },
    ],
    "skip with an identity": [
      INVALID,
      { signatureVerification: { level: "skip" }, trustStores: [], trustedIdentities: ["*"] },
    ],
    "no name": [INVALID, { name: "" }],
    "no scope": [INVALID, { registryScopes: [] }],
    "a scope twice": [INVALID, { registryScopes: ["registry.example/a", "registry.example/a"] }],
    "a scope with a tag": [INVALID, { registryScopes: ["registry.example/a:v1"] }],
    "a scope of a layout, as only we have it": [INVALID, { registryScopes: ["oci:./layout"] }],
    "a scope of a local name": [GOOD, { registryScopes: ["local/layout"] }],
    "a scope with an address in brackets": [INVALID, { registryScopes: ["[::1]:5000/a"] }],
    "a scope with a host in capitals": [GOOD, { registryScopes: ["Registry.EXAMPLE/a"] }],
    "a scope with dots in a row": [INVALID, { registryScopes: ["registry.example/a..b"] }],
  }).map(([input, [ours, change, stricter]]) => ({
    input: `in another statement: ${input}`,
    ours,
    ...(stricter === undefined ? {} : { stricter }),
    policy: beside(change),
  })),
];

const USED: PolicyRow[] = [
  { input: "an unknown member", ours: INVALID, stricter: UNKNOWN, policy: used({ comment: "x" }) },
  {
    input: "an unknown member of the verification",
    ours: INVALID,
    stricter: UNKNOWN,
    policy: used({ signatureVerification: { level: "strict", x: 1 } }),
  },
  {
    input: "roots in the statement, which only we have",
    ours: INVALID,
    policy: used({ trustStores: ["ca:strangers"], roots: { ca: [root.pem] } }),
  },
  {
    input: "an identity of AWS Signer beside the signer's",
    ours: GOOD,
    policy: used({ trustedIdentities: [arn, identity] }),
  },
  {
    input: "only an identity of AWS Signer",
    ours: INVALID,
    policy: used({ trustedIdentities: [arn] }),
  },
  {
    input: "skip for everything",
    ours: INVALID,
    stricter: "the specification does not let everything be skipped",
    policy: document({
      name: "skip",
      registryScopes: ["*"],
      signatureVerification: { level: "skip" },
    }),
  },
  {
    input: "an identity with a domain beside the signer's",
    ours: INVALID,
    stricter: "notation never finds such an attribute, so whoever wrote it expects another",
    policy: used({
      trustedIdentities: ["x509.subject: C=US, ST=WA, O=Acme, DC=example", identity],
    }),
  },
];

const SCOPES: PolicyRow[] = [
  { input: "the scope of everything", ours: GOOD, policy: document(all) },
  { input: "the scope of others", ours: NONE, policy: document(other) },
  {
    input: "the named scope goes before that of everything",
    ours: ["untrusted", "SIGNATURE_UNTRUSTED"],
    policy: document(all, strangers),
  },
  {
    input: "asked by another name of the host that is in the scope",
    ours: NONE,
    policy: document(mine),
    asked: (host) => host.toUpperCase(),
  },
  {
    input: "asked by another name of the host, while everything else is trusted with less",
    ours: NONE,
    stricter: "the statement that names the repository is not evaded by writing its name otherwise",
    policy: document(all, strangers),
    asked: (host) => host.toUpperCase(),
  },
];

const CERTIFICATES: PolicyRow[] = [
  ...Object.entries<[Answer, string | Buffer, string?]>({
    "in DER": [GOOD, root.der],
    "with text before and after it": [GOOD, `wabbit\n${root.pem}\nthe end\n`],
    "with lines that end as on Windows": [GOOD, root.pem.replaceAll("\n", "\r\n")],
    "after a byte order mark": [STORE, `${BOM}${root.pem}`],
    "after a byte order mark, and another": [STORE, `${BOM}${root.pem}${authority().pem}`],
    "after another that follows a byte order mark": [
      STORE,
      `${BOM}${authority().pem}${root.pem}`,
      "notation passes over a certificate after a byte order mark, and says nothing",
    ],
    "after a space": [STORE, ` ${root.pem}`],
    "with all of it in one line": [STORE, root.pem.replaceAll("\n", "")],
    "without an end": [STORE, root.pem.replace(/-----END.*/s, "")],
    "with an end that goes on": [STORE, root.pem.replace(/(-----END.*-----)/, "$1x")],
    "with bytes after its DER": [STORE, Buffer.concat([root.der, Buffer.from([0])])],
    "labelled as something else": [
      STORE,
      root.pem.replaceAll("CERTIFICATE", "WABBIT"),
      "only what is called a certificate is one",
    ],
  }).map(([input, [ours, content, stricter]]) => ({
    input: `a root ${input}`,
    ours,
    ...(stricter === undefined ? {} : { stricter }),
    policy: document({ ...mine, trustStores: ["ca:mine"] }),
    files: { "truststore/x509/ca/mine/root.crt": content },
  })),
];

export const POLICY_ROWS: readonly PolicyRow[] = [
  ...DOCUMENTS,
  ...BESIDE,
  ...USED,
  ...SCOPES,
  ...CERTIFICATES,
];
