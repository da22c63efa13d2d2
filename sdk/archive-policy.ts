// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";
import type { Promotion } from "./promotion";
import { ConsignResource, type Deep } from "./stub";
import type { Signer, Timestamp, TrustPolicy } from "./values";
import type { LifecycleIssuers } from "./verification";

/** How long an archived artifact is kept. */
export interface Retention {
  /** As `"7y"`; a year has 365 days. @default for ever */
  for?: string;
  /**
   * From when it is counted: the end of the last stay in production, the latest end of life that is
   * claimed, or the archiving. Where nobody has announced an end of life, `end-of-support` keeps.
   * @default "end-of-production"
   */
  from?: "end-of-production" | "end-of-support" | "archived";
  /**
   * Of each source, so many of those that left production last are kept, however old. @default none
   */
  last?: number;
  /**
   * Legal holds: digests, or a type of claim that holds whatever it is about, until it is revoked.
   */
  holds?: (string | { claim: string })[];
  /**
   * Further places whose environments count as using an artifact. Sources are looked at in any
   * case.
   */
  whileRunningIn?: string[];
}

export interface ArchivePolicyArgs {
  /** Where artifacts are used: the places of promotions. Update. */
  sources: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Where they are kept after: a repository or an `oci:` layout, for archived things alone. A
   * change replaces; what is archived stays. Of what several policies bring to one archive each
   * looks after its own, by the names in the records, and removes nothing that another has brought
   * too.
   */
  archive: pulumi.Input<string>;
  /**
   * The name in this policy's records. It has 1 to 256 printable ASCII characters, without spaces.
   * Who changes it gives up what was archived before: it is kept for ever. Update. @default
   * project, stack and name of the resource when it was made, as `acme/prod/archive`
   */
  policy?: pulumi.Input<string>;
  /**
   * Promotions of this program, so that the plan comes after them and its preview knows of them.
   */
  promotions?: Promotion[];
  /**
   * Which environments are production: the end of the last stay there starts the clock. @default
   * all
   */
  deployments?: Deep<{ environments?: string[] }>;
  /**
   * Grace: how long after its end in production an artifact is left where it is; `"0d"` is none.
   * @default "30d"
   */
  archiveAfter?: pulumi.Input<string>;
  retain?: Deep<Retention>;
  /**
   * What happens when its time is over. `report`: nothing, it is only listed. `purge-content`: its
   * layers go, manifests, claims and signatures stay as history. `purge`: everything goes, its blobs
   * as `freeBlobs` says. Only what a run before has marked is ever removed, and only what nobody
   * else needs: no tag, index, claim, hold, record or lease of another policy. @default "report"
   */
  onExpiry?: pulumi.Input<"report" | "purge-content" | "purge">;
  /**
   * How old a mark has to be before blobs go for it, as `"7d"`, by the policy's clock (`asOf`, else
   * now) and on registries by the real clock too; `"0s"` lets them go with the run after the mark.
   * Manifests do not wait for it. Blobs that wait are freed by a later run. Update.
   * @default "24h"
   */
  purgeGrace?: pulumi.Input<string>;
  /**
   * Whether a purge removes blobs from an archive that is a registry; if not, they are left to the
   * registry's own collector. In an OCI layout it always does, under the layout's lock, and
   * `purge-content` does everywhere, as that is what it means. Say `true` only where nobody writes
   * to the archive but policies of this program's version: those announce by a lease what they rely
   * on. Update. @default false
   */
  freeBlobs?: pulumi.Input<boolean>;
  /**
   * `after-archive`: a source is rid of an artifact, and of all that refers to it, one run after
   * the archive is seen to have it. Right before, the archive is asked for every manifest and blob,
   * and the artifact is verified there. Layers that nothing refers to any more are the registry's
   * to collect; in an OCI layout they stay. @default "never"
   */
  release?: pulumi.Input<"never" | "after-archive">;
  /**
   * Tags and globs, as `["v*"]`: at a source they do not keep what is to leave it, and go with it.
   * Any other tag there is somebody's, and holds the artifact. Update. @default none
   */
  releaseTags?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Whether an artifact leaves its source although it does not verify in the archive, as it is
   * unsigned, or its signature has ended. Update. @default false
   */
  releaseUnverified?: pulumi.Input<boolean>;
  /**
   * `live`: every plan looks at all places. `refresh`: plans are made from what is recorded, and
   * `pulumi refresh` looks; for many thousand artifacts. What is about to be removed is looked at
   * in either case. @default "live"
   */
  observe?: pulumi.Input<"live" | "refresh">;
  /** Who signs the archive's records. Must be trusted by `trust`. */
  signer: Deep<Signer>;
  /**
   * Also used for signatures of archived things that would end with their certificate while they
   * are kept. @default none
   */
  timestamp?: Deep<Timestamp>;
  signatureForm?: pulumi.Input<"current" | "legacy">;
  /**
   * Whose claims count: that something was in use, was archived, ends, is on hold. What others say
   * is ignored, and never leads to a removal.
   */
  trust: Deep<TrustPolicy | { notationConfig: string }>;
  /**
   * Of those whom `trust` trusts, who may say when support ends, and who may revoke the claims of
   * others, so that a hold of theirs ends; everybody may revoke their own. What others say of it is
   * ignored, with a warning. @default end of life: everyone `trust` trusts; revocation: nobody
   */
  lifecycleIssuers?: Deep<Pick<LifecycleIssuers, "endOfLife" | "revocation">>;
  /**
   * The time to plan for, RFC 3339 or a day. By itself it changes nothing, and it never goes back.
   * @default now
   */
  asOf?: pulumi.Input<string>;
}

export type RetentionState =
  | "in-production"
  | "grace"
  | "to-archive"
  | "archived"
  | "held"
  | "expired"
  | "content-purged"
  | "purged";
export type RetentionDecision =
  "keep" | "archive" | "release" | "report" | "mark" | "purge-content" | "purge";

/** What is known of an artifact, what becomes of it, and why. */
export interface RetentionEntry {
  mediaType: string;
  size: number;
  /** By source. */
  tags: Record<string, string[]>;
  /** Sources that have it. */
  at: string[];
  inArchive?: boolean;
  /** Where it was archived from for other policies too: it is not taken away. */
  others?: string[];
  /** By digest of the claim, what believed claims say. */
  evidence: Record<string, string>;
  running?: string[];
  state: RetentionState;
  decision: RetentionDecision;
  /** Why: the rule that decided, in words. */
  reason: string;
  leftAt?: string;
  archivedAt?: string;
  /** Absent: for ever, or not known yet. */
  retainUntil?: string;
  /** When it was found expired. */
  marked?: string;
  /** When that was by the real clock, where that counts too. */
  markedAt?: string;
  /** It is purged, and its blobs go once its mark is as old as `purgeGrace`. */
  blobs?: "later";
}

/**
 * Brings what left production to an archive with all its claims and signatures, adds a signed
 * record of when it was in use, keeps it for as long as the rules say, and takes it away after.
 * `plan` has one line per artifact; a preview shows those that change.
 *
 * Nothing is ever removed that runs anywhere, that is on hold, or of which something cannot be
 * told. The run that finds an artifact expired marks it, and only a later one removes it: what an
 * `up` removes was recorded before its preview began, and the preview lists it.
 *
 * ```ts
 * new ArchivePolicy("archive", {
 *   sources: ["registry.acme.example/app"],
 *   archive: "archive.acme.example/app",
 *   retain: { for: "7y" },
 *   onExpiry: "purge",
 *   freeBlobs: true,
 *   purgeGrace: "7d",
 *   release: "after-archive",
 *   releaseTags: ["v*"],
 *   signer,
 *   trust,
 * });
 * ```
 *
 * Errors: `INPUT_INVALID` (contradicting rules, an archive that is a source, a signer that would
 * not be believed, a clock that runs backwards), `REFERENCE_INVALID`, `TRUST_*`, `KEY_*`,
 * `COPY_FAILED`, `READ_BACK_FAILED`, `TIMESTAMP_FAILED`, `GRAPH_TOO_LARGE`, `REGISTRY_*`.
 *
 * @example
 * ```ts
 * new ArchivePolicy("archive", {
 *   sources: ["registry.acme-rockets.io/production/net-monitor"],
 *   archive: "archive.acme-rockets.io/net-monitor",
 *   archiveAfter: "60d",
 *   retain: { for: "7y", from: "end-of-production" },
 *   onExpiry: "purge-content",
 *   signer,
 *   trust,
 * });
 * ```
 */
export class ArchivePolicy extends ConsignResource {
  declare readonly archive: pulumi.Output<string>;
  /** By digest, one line for people: decision, artifact, state, time in use, the rule. */
  declare readonly plan: pulumi.Output<Record<string, string>>;
  /** By digest. */
  declare readonly entries: pulumi.Output<Record<string, RetentionEntry>>;
  /**
   * By digest, what a person should know: signatures that will end, content that a registry does
   * not delete.
   */
  declare readonly notices: pulumi.Output<Record<string, string[]>>;

  constructor(name: string, args: ArchivePolicyArgs, options?: pulumi.CustomResourceOptions) {
    const { promotions = [], ...rest } = args;
    // What promotions write has to be there before this looks.
    const optional = {
      deployments: undefined,
      archiveAfter: undefined,
      retain: undefined,
      onExpiry: undefined,
      release: undefined,
      releaseTags: undefined,
      releaseUnverified: undefined,
      purgeGrace: undefined,
      freeBlobs: undefined,
      observe: undefined,
    };
    const upcoming =
      promotions.length === 0 ? {} : { upcoming: promotions.map(({ windows }) => windows) };
    const self = [pulumi.getProject(), pulumi.getStack(), name]
      .join("/")
      .replace(/[^\x21-\x7e]/g, "-")
      .slice(0, 256);
    super(
      "ArchivePolicy",
      name,
      { ...optional, self, ...rest, ...upcoming },
      ["plan", "entries", "notices", "signedBy"],
      pulumi.mergeOptions(options, { dependsOn: promotions }),
    );
  }
}
