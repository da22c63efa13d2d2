// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../errors";

/** What brings an error about, and what to do; what it means is in `ERROR_CODES`. */
export interface Explanation {
  cause: string;
  remedy: string;
}

const says = (cause: string, remedy: string): Explanation => ({ cause, remedy });

/** Every code has one; a code without does not compile. */
export const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  INPUT_INVALID: says(
    "a property or option is missing, misspelt, of another type, or contradicts another one",
    "look at the property that the message names, and at its documentation; for the command line, consign help COMMAND",
  ),
  REFERENCE_INVALID: says(
    "the registry's host is missing (none is assumed), a name has capitals, or a scheme such as oci:// stands before it",
    "write host[:port]/repository[:tag][@digest], or oci:directory[:tag][@digest]",
  ),
  DIGEST_INVALID: says(
    "a digest was cut short, has capitals, or is by an algorithm other than sha256 and sha512",
    "copy the digest whole, as sha256: and 64 hexadecimal digits, or sha512: and 128",
  ),
  FILE_NOT_FOUND: says(
    "the path is misspelt, or relative to another directory than the one meant",
    "relative paths count from the program's directory, and from the current one on the command line; check the path",
  ),
  FILE_UNREADABLE: says(
    "permissions are missing, the path is a directory, or the file is too large for what it is to be",
    "give the user who runs this the right to read the file, or name the right file",
  ),
  MANIFEST_UNKNOWN: says(
    "the tag or digest was never pushed there, was deleted, or was cleaned up by the registry",
    "list what is there with consign ls; push the artifact, or correct the reference",
  ),
  BLOB_UNKNOWN: says(
    "the registry lost a layer or config, or cleaned it up while its manifest stayed",
    "push the artifact again from where it is whole; look at the registry's garbage collection",
  ),
  MANIFEST_INVALID: says(
    "a tool wrote a manifest that breaks the specification, or something on the way changed it",
    "read the bytes that the registry serves; push the artifact again with a tool that follows the specification",
  ),
  MANIFEST_TOO_LARGE: says(
    "an index has very many entries, or annotations hold whole documents",
    "divide the index, or put documents into layers or claims",
  ),
  DIGEST_MISMATCH: says(
    "a registry, cache or proxy served other bytes than were asked for, or a file was changed",
    "do not use the content; clear the cache or proxy, and push the content again from a place where it is whole",
  ),
  SIZE_MISMATCH: says(
    "a transfer was cut short, or a manifest says a wrong size",
    "run again; if it stays so, push the content again",
  ),
  LAYOUT_INVALID: says(
    "oci-layout or index.json is missing or damaged, or the directory is something else",
    "check the path; copy the layout again from where it is whole",
  ),
  LAYOUT_UNWRITABLE: says(
    "the directory belongs to somebody else, the disk is full, or a file is in the way",
    "make room or give permission, and run again: what was written before is used",
  ),
  LAYOUT_LOCKED: says(
    "another run writes to the same layout, or one was killed and left its lock",
    "wait for the other run; if there is none, remove the lock that the message names",
  ),
  GRAPH_TOO_DEEP: says(
    "claims about claims, or indexes in indexes, form a very long chain, perhaps on purpose",
    "find out who pushed the chain; mirror or verify a digest below it",
  ),
  GRAPH_TOO_LARGE: says(
    "somebody attached very many referrers, or a repository has more tags than the bound",
    "select fewer tags or claims, or remove what nobody needs",
  ),
  COPY_FAILED: says(
    "one side of a copy could not be read or written; the error's own cause says why",
    "mend the side that is named, and run again: what is there already is not sent twice",
  ),
  READ_BACK_FAILED: says(
    "the registry answers before it has stored, loses what it took, or a cache shows an old answer",
    "run again; if it stays so, look at the registry's storage and at caches on the way",
  ),
  TAG_MOVED: says(
    "somebody else moved or made the tag between the plan and the write",
    "find out who writes the tag; pulumi refresh shows where it is now, and the next preview what will be done",
  ),
  REGISTRY_UNREACHABLE: says(
    "a wrong host or port, no route, a firewall, a proxy, or a registry that is down",
    "check the address and HTTPS_PROXY; consign doctor HOST shows what answers",
  ),
  REGISTRY_UNAUTHORIZED: says(
    "no credentials were found for this registry and path, or they are wrong or have run out",
    "docker login, or give consign:registries a username and password for it",
  ),
  REGISTRY_DENIED: says(
    "the account may not read or write this repository, or the registry hides what does not exist",
    "ask for the right, or use another account for this path",
  ),
  REGISTRY_RATE_LIMITED: says(
    "the registry's quota is used up, by this or by others at the same address",
    "log in for a higher quota, set requestsPerSecond for it, or run again later",
  ),
  REGISTRY_FAILED: says(
    "the registry or what lies before it has a fault, or answers what the specification does not provide for",
    "run again; look at the registry's own log",
  ),
  REGISTRY_UNSUPPORTED: says(
    "the registry has the operation switched off or never had it: most often deletes",
    "allow it in the registry, or choose settings that do not need it, as onDelete: retain",
  ),
  REFERRERS_UNKNOWN: says(
    "the referrers API failed, or something other than the registry answered in its place",
    'run again; if it stays so set referrers in consign:registries: "tag" for a registry without the API, "api" for one that has it',
  ),
  REGISTRY_RESPONSE_INVALID: says(
    "what answered is no registry, or breaks the specification: a login page, a gateway, a wrong header",
    "check the address and what lies on the way; report it to the registry's makers",
  ),
  PAGE_LINK_INVALID: says(
    "the registry's links between pages of a list are wrong, or the list is endless",
    "report it to the registry's makers; a proxy that rewrites addresses may be at fault",
  ),
  REDIRECT_REFUSED: says(
    "a redirect leads away from https, asks for a write elsewhere, or comes too often",
    "use the address that the registry redirects to, or mend the proxy before it",
  ),
  REQUEST_TIMEOUT: says(
    "the registry or the network is too slow, or a connection hangs",
    "run again; lower the concurrency for this registry",
  ),
  TLS_FAILED: says(
    "the registry's certificate is by an unknown authority, for another name, or has expired; or plain http was answered",
    "give consign:registries the authority as ca, or set plainHttp for a registry that has no TLS",
  ),
  CREDENTIALS_INVALID: says(
    "Docker's config.json or the registry settings are no JSON, or have values that cannot be used",
    "correct the file or setting that the message names; docker login writes a new entry",
  ),
  CREDENTIAL_HELPER_FAILED: says(
    "the helper is not installed, is not in PATH, or has nothing for this registry",
    "run docker-credential-NAME get by hand, log in again, or take the helper out of config.json",
  ),
  KEY_UNREADABLE: says(
    "the file is no PEM or DER, or is encrypted and the passphrase is missing or wrong",
    "check the file and its passphrase",
  ),
  KEY_UNSUPPORTED: says(
    "the key is of another kind than RSA or EC, or too small",
    "use RSA of 2048, 3072 or 4096 bits, or EC on P-256, P-384 or P-521",
  ),
  KEY_MISMATCH: says(
    "key and certificate come from different requests, or the chain is in the wrong order",
    "put the leaf certificate first, and the key that belongs to it beside it",
  ),
  CERTIFICATE_INVALID: says(
    "a usage, constraint or chain is not as the Notary Project asks for code signing",
    "issue the certificate anew with the property that the message names",
  ),
  SIGNER_UNKNOWN: says(
    "the key's name is misspelt, or notation keeps its configuration elsewhere",
    "notation key list shows the names; set notationConfig to where they are",
  ),
  PLUGIN_FAILED: says(
    "the plugin, or the service behind it, refused or failed; its own words are in the message",
    "run the plugin by hand; check its configuration and credentials",
  ),
  PLUGIN_NOT_FOUND: says(
    "the plugin is not in notation's plugin directory, or under another name",
    "notation plugin list shows what is there; notation plugin install adds it",
  ),
  TIMESTAMP_FAILED: says(
    "the authority cannot be reached, refuses, or its token is by an authority that is not trusted",
    "check the authority's address and the roots given for it; run again",
  ),
  CBOR_INVALID: says(
    "a signature was damaged, or made by a tool that does not encode strictly",
    "sign again with a tool that follows the Notary Project",
  ),
  ENVELOPE_INVALID: says(
    "a signature was damaged, or its headers are not those of the Notary Project",
    "sign again; remove the broken signature if it is yours",
  ),
  ENVELOPE_UNSUPPORTED: says(
    "a signature is in a format other than COSE and JWS of the Notary Project",
    "sign with notation or Consign",
  ),
  ENVELOPE_TOO_LARGE: says(
    "an envelope holds far more than a signature, perhaps on purpose",
    "find out who pushed it; sign again",
  ),
  SIGNATURE_INVALID: says(
    "the signature was made over something else, or was changed",
    "do not use the artifact before it is known why; have its maker sign it again",
  ),
  SIGNATURE_UNTRUSTED: says(
    "the signer's certificate is under no root of the policy, or its identity is not among the trusted ones",
    "if the signer is to be trusted, add the root or the identity to the trust policy; otherwise do not use the artifact",
  ),
  SIGNATURE_EXPIRED: says(
    "the signature had an end, or the certificate ran out and no timestamp shows that it was made before",
    "have it signed again; with a timestamp, a signature outlives its certificate",
  ),
  SIGNATURE_REVOKED: says(
    "the authority has revoked the signer's certificate or one above it",
    "do not use the artifact; have it signed again with a good certificate",
  ),
  SIGNATURE_INCONCLUSIVE: says(
    "a responder, list or authority could not be asked, or the signature's bytes are lost",
    "run again once what the message names can be reached; until then it counts as not verified",
  ),
  SIGNATURE_MISSING: says(
    "the artifact was never signed, or its signatures were not copied along",
    "sign it, or mirror it with its signatures",
  ),
  TRUST_POLICY_INVALID: says(
    "the document is no JSON or breaks the Notary Project's rules for trust policies",
    "correct what the message names; notation policy show checks the same rules",
  ),
  TRUST_POLICY_NOT_APPLICABLE: says(
    "no statement's registryScopes has this repository, and none has *",
    "add the repository to a statement, or name what the policy calls it with --scope",
  ),
  TRUST_STORE_INVALID: says(
    "a named trust store is missing or empty, or holds a leaf certificate where a root is needed",
    "put the root certificates into it; notation certificate list shows what is there",
  ),
  STATEMENT_INVALID: says(
    "the claim's layer is no JSON, or no in-toto statement of version 1",
    "have the claim made again; broken claims never count",
  ),
  PREDICATE_INVALID: says(
    "a field that the claim's type needs is missing or has another form",
    "correct the predicate as the message says; the type's documentation has its form",
  ),
  SUBJECT_MISMATCH: says(
    "a claim was attached to another artifact than the one it speaks about",
    "attach it where it belongs; such a claim never counts",
  ),
  CONDITION_INVALID: says(
    "the condition has a syntax error, or names what a claim does not have",
    "correct the expression at the place that the message names",
  ),
  CLAIM_SUPERSEDED: says(
    "the same issuer has made a later claim of this type and scope",
    "go by the later one, or make a new claim",
  ),
  VERIFICATION_UNMET: says(
    "the artifact lacks a signature or claim that is required, or is revoked or out of support",
    "consign claims shows for each claim why it counts or does not",
  ),
  REDIRECT_LOOP: says(
    "redirects point at one another, or more follow one another than the bound",
    "have one of the redirects revoked by its issuer",
  ),
  REDIRECT_UNUSABLE: says(
    "what a redirect points to is gone, or trusted issuers disagree",
    "have the redirect made anew, or name the artifact by its digest",
  ),
  PLAN_STALE: says(
    "somebody changed what the preview had seen",
    "run again: the next preview shows the world as it is now",
  ),
  STATE_INVALID: says(
    "the state was written by a later version, or edited by hand",
    "use the version that wrote it, or a later one",
  ),
  INTERNAL: says(
    "the program met what its makers did not think of",
    "report it with the command, the version and the whole message, without secrets",
  ),
};
