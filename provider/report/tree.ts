// SPDX-License-Identifier: Apache-2.0
import { MEDIA_TYPES } from "../oci/media-types";
import { claimLine, claimReason, foreignLine } from "./claim-text";
import type { ClaimReport, ObservedArtifact, RelatedReport } from "./observation";
import { loggedFailures } from "./signatures";
import { printable } from "../printable";
import { dress, formatSize, shortDigest, words, type Dress, type Mood } from "./words";
import type { SignatureReport } from "./signature-report";

export interface TreeOptions {
  /** First line. @default the artifact's pinned reference */
  title?: string | undefined;
  /** Escape sequences for a terminal. @default false */
  color?: boolean | undefined;
}

interface Node {
  text: string;
  below: Node[];
}

/**
 * Draws an artifact for people: its signatures, its claims with theirs, whatever else refers to it.
 * The same observation gives the same text. Without a trust policy nothing is called verified. Ends
 * without a line break.
 */
export function renderTree(observed: ObservedArtifact, options: TreeOptions = {}): string {
  const style = dress(options.color ?? false);
  const lines = [printable(options.title ?? observed.reference)];
  draw(artifactNode(observed, style), "", lines);
  return lines.join("\n");
}

function draw(node: Node, indent: string, lines: string[]): void {
  const [first = "", ...more] = node.text.split("\n");
  lines.push(first);
  for (const line of more) lines.push(`${indent}${node.below.length > 0 ? "│ " : "  "}  ${line}`);
  node.below.forEach((child, index) => {
    const last = index === node.below.length - 1;
    const inner: string[] = [];
    draw(child, `${indent}${last ? "   " : "│  "}`, inner);
    lines.push(`${indent}${last ? "└─ " : "├─ "}${inner[0] ?? ""}`, ...inner.slice(1));
  });
}

function artifactNode(observed: ObservedArtifact, style: Dress): Node {
  const { problem, signatures, claims, foreign, related, manifests } = observed;
  const platform = observed.platform === undefined ? undefined : printable(observed.platform);
  const below = [
    ...trustNodes(observed, style),
    ...signatures.map((signature) => signatureNode(signature, style)),
    ...claims.map((claim) => claimNode(claim, style)),
    ...foreign.map((claim) => ({ text: foreignLine(claim, style), below: [] })),
    ...related.map((each) => relatedNode(each, style)),
    ...manifests.map((manifest) => artifactNode(manifest, style)),
  ];
  if (problem !== undefined)
    return {
      text: words(
        style.mark("bad"),
        platform,
        shortDigest(observed.digest),
        `cannot be read: ${withCode(problem.reason, problem.code)}`,
      ),
      below: signatures.length + claims.length > 0 ? below : [],
    };
  const size =
    observed.contentSize === undefined
      ? `index of ${manifests.length}`
      : formatSize(observed.contentSize);
  return {
    text: words(platform, shortDigest(observed.digest), kindOfArtifact(observed), size),
    below,
  };
}

function kindOfArtifact({ artifactType, mediaType }: ObservedArtifact): string {
  return printable(
    artifactType === undefined || artifactType === MEDIA_TYPES.empty ? mediaType : artifactType,
  );
}

/** What to know before the signatures: that there are none, or that the policy asks for none. */
function trustNodes({ verdict, signatures, platform }: ObservedArtifact, style: Dress): Node[] {
  if (verdict?.outcome === "verified" && signatures.every(({ status }) => status !== "verified")) {
    return [
      {
        text: words(
          style.mark("unsure"),
          printable(verdict.reason ?? "accepted without a signature"),
        ),
        below: [],
      },
    ];
  }
  // An index's signature speaks for its members too.
  return signatures.length > 0
    ? []
    : [
        {
          text: words(style.mark(platform === undefined ? "bad" : "quiet"), "not signed"),
          below: [],
        },
      ];
}

export const SIGNATURE_MOODS: Readonly<Record<SignatureReport["status"], Mood>> = {
  verified: "good",
  valid: "plain",
  invalid: "bad",
  untrusted: "bad",
  inconclusive: "unsure",
};

function signatureNode(signature: SignatureReport, style: Dress): Node {
  const { status, signer, signedAt, expiresAt, reason, code, checks } = signature;
  const mood = SIGNATURE_MOODS[status];
  const logged = status === "verified" ? loggedFailures(checks) : [];
  const by = signer === undefined ? undefined : `by ${printable(signer.subject)}`;
  const when = signedAt === undefined ? undefined : `at ${signedAt}`;
  const until = expiresAt === undefined ? undefined : `until ${expiresAt}`;
  const verdict =
    status === "verified"
      ? logged.length === 0
        ? "verified"
        : "accepted"
      : status === "valid"
        ? `valid, ${reason}`
        : `not verified: ${status}`;
  const why =
    status === "verified"
      ? logged.map((each) => printable(each))
      : status === "valid" || reason === undefined
        ? []
        : [withCode(reason, code)];
  const line = words(
    style.mark(logged.length === 0 ? mood : "unsure"),
    `signature ${shortDigest(signature.digest)}`,
    style.colored(logged.length === 0 ? mood : "unsure", verdict),
    by,
    when,
    until,
  );
  return { text: [line, ...why].join("\n"), below: [] };
}

function claimNode(claim: ClaimReport, style: Dress): Node {
  const below = [
    ...claim.signatures.map((signature) => signatureNode(signature, style)),
    ...claim.claims.map((each) => claimNode(each, style)),
    ...claim.related.map((each) => relatedNode(each, style)),
  ];
  return { text: [claimLine(claim, style), ...claimReason(claim)].join("\n"), below };
}

function relatedNode({ digest, artifactType }: RelatedReport, style: Dress): Node {
  return {
    text: words(style.mark("quiet"), printable(artifactType ?? "unknown"), shortDigest(digest)),
    below: [],
  };
}

function withCode(reason: string, code: string | undefined): string {
  return code === undefined ? printable(reason) : `${printable(reason)} [${code}]`;
}
