// SPDX-License-Identifier: Apache-2.0
/**
 * # Which claims count
 *
 * Given an artifact, the claims found for it with the verdicts on their signatures, and an order
 * among issuers, {@link effectiveClaims} gives every claim exactly one status, and says why. It is
 * a pure function: no clock, no network, and the order of the input is of no consequence.
 *
 * **Words.** A claim's *issuer* is the first entry of `precedence` that its signer matches, or else
 * the signer's own subject, in both cases with the root that his chain leads to; so a renewed
 * certificate, or a second one of the same organisation, is still the same issuer where the policy
 * says so; what matches only `*` is its own subject's. An entry that names roots is one issuer under
 * all of them. The *rank* of an issuer is its place in `precedence`, first is highest; who is not
 * listed has none, and is below all that are. A claim that several have signed is the *word* of each of them: all
 * that follows is decided for each word, as if each had made a claim of his own with this content.
 * *Type* is the kind of claim, whichever version of the URI; *scope* is what it speaks about within
 * its type (`types.ts`).
 *
 * **Sure and unsure** (`issuer.ts`). To be the same issuer, to rank above, and to be listed takes away
 * what others say, and what is taken away may be what allows or what forbids. It is *sure* where
 * the signer matches as trust policies match, and under the root of the other, or one that the entry
 * names. It is *unsure* where he may be meant all the same: his subject says more than identities can
 * (an e-mail address, a DC, two OUs), or it is the same under another root. What is revoked or
 * superseded only by one who is unsure does not count, and is not gone: it is `inconclusive`, which
 * meets nothing and is denied.
 *
 * | the entry is in | to match | what is compared | what cannot be compared |
 * |---|---|---|---|
 * | `deny` | forbids | what is there | denied |
 * | `require` | allows | as trust policies do | not met |
 * | `lifecycleIssuers`: who may revoke the artifact, or end it | forbids | what is there, no root | `inconclusive` |
 * | `lifecycleIssuers`: who may revoke claims of others, `precedence` | both | sure: as trust policies do, with the root; unsure: what is there | unsure |
 * | `lifecycleIssuers.redirect` | allows | as trust policies do, and the roots it names | not admitted |
 *
 * **Step 1, admission.** What cannot be relied upon is out and influences nothing:
 * - `tampered`: content missing or other than its digest, or a signature that does not verify;
 * - `subject-mismatch`: it speaks about another artifact. (A revocation may also refer to the claim
 * that it revokes.)
 * - `malformed`: no statement, or its predicate does not fit its type;
 * - `untrusted`: it is wrapped in another tool's signature (`foreign.ts`), which is not judged
 * here;
 * - `unsigned`, `untrusted`, `inconclusive` (a check could not be made): the verdict on its
 * signature. A signer whom the trust policy lets
 *   pass without authenticating (level `audit` or `skip`) could call itself anything, and is `untrusted` here;
 * - `expired`: the signature's own expiry is not after `now`, whatever the trust policy says about
 * expiry;
 * - `inconclusive` also, in place of `tampered` and `malformed`: a revocation or end of life, or a claim
 * of which nobody can tell the type, whose
 * signature verifies, or may, and whose manifest or content is missing, altered or malformed, where
 *   its signer may revoke the artifact or a claim that counts, or may say when the artifact's life ends; else `untrusted`. It may forbid, so it is not
 *   taken for nothing. It is `revoked` where step 2 says so of each word that may forbid: who may revoke it may, whatever it says;
 * - `untrusted` also: a redirect or end of life by an issuer who may not. `lifecycleIssuers` lists
 * who may; a type without a list is open to
 *   every verified signer.
 *
 * **Step 2, revocation.** Who may revoke the artifact is a list as in step 1. Who may revoke a
 * *claim*: its own issuer, one that ranks above it, and one that is listed for revocations and does
 * not rank below it. A revocation without that right is `untrusted`. A claim that another
 * revocation names is `revoked`, once that one's `since` has come. A revoked revocation has no
 * force; so a revocation of a claim is lifted by revoking it, never by superseding it. Revocations
 * that revoke each other (no such digests can be made, but the function is total) all keep their
 * force. Of a claim that several have signed a revocation takes back only the words that its
 * signers may.
 *
 * **Step 3, supersession**, among what is left. B is `superseded` by A if
 * - (a) A names B in its `supersedes`, and A's issuer is B's or ranks above it;
 * - (b) both issuers are listed, type and scope are equal, and A's ranks above;
 * - (c) issuer, type and scope are equal, and A is later: by time of signature, at equal times by
 * greater digest. A claim counts as later than
 *   any of its issuer's that it names, even if the old one has been signed again since, or has been revoked.
 *
 * A signing time that nobody but the signer vouches for and that is not before `now` by more than
 * clocks differ orders nothing: a claim with such a time supersedes, and is superseded, only by
 * rank or by name. Where its issuer has made others, it is `inconclusive`, as which is the last
 * cannot be told.
 *
 * A claim does not supersede itself: what is the last word of its highest issuer is not overtaken
 * as that of another who has signed it.
 *
 * A claim that is revoked only maybe supersedes only maybe. Of two revocations one of which only
 * may replace the other both hold.
 *
 * Issuers that are not comparable never supersede each other: their claims stand side by side.
 * Rules (b) and (c) do not apply to OpenVEX, where documents add up; `vex.ts` resolves them
 * statement by statement. A superseded claim still supersedes: when C replaces B and B replaced A,
 * A stays superseded. A revoked one does not: what it had replaced is `effective` again.
 *
 * *Why it always ends.* Every supersession goes from a higher rank to a lower one, or, within one
 * issuer, from later to earlier in one total order (time, then how many named steps it is above
 * that time, then digest), which names agree with by construction. Only names could run in a
 * circle, and only if digests collided: a name that leads into a circle is ignored, and rule (c)
 * decides.
 *
 * **Step 4, what has lapsed.** A revocation or an end of life that was signed without an end does
 * not go away because its signer's certificate ends. Where it would forbid if it were signed again
 * it is `inconclusive`, until it is signed again, or revoked by one who may, or, an end of life,
 * until its issuer has given another one. An end that its signer gave it is meant: then it is
 * `expired`.
 *
 * **Step 5, what may have been replaced.** A claim that stands, and that one of which a store has lost
 * the manifest, the content or who signed it would supersede if it were what it may be, is
 * `inconclusive`: whoever takes away the last word of an issuer does not bring back the one before.
 *
 * **The whole** of a claim is `effective` if one of its words is, and is then told as that of those
 * whose word is; else it is what comes first of `superseded`, `revoked` and `untrusted`. But where
 * a signature beside the good ones could not be judged, and would let it count, it is
 * `inconclusive` instead: whoever keeps us from judging a signature does not gain by that.
 *
 * **What follows**, and is tested as such: each claim has one status; a signature more, by one who
 * is listed for nothing, changes no word of others; nothing unverified is effective; adding a claim
 * that is not admitted changes no other; removing what superseded a claim reinstates it.
 */
import type { Digest } from "../../oci/digest";
import { admit } from "./admission";
import { doubtsAbout, judgeWhole } from "./judged-claim";
import type { EffectiveInput, JudgedClaim } from "./terms";
import { holdLapsed, lapsedClaims } from "./lapsed";
import { holdOvertaken } from "./overtaken";
import { applyRevocations } from "./revocation";
import { orderClaims } from "./supersession";
import { holdUnreadable, unreadableClaims } from "./unreadable";
import { vexView, type VexEntry } from "./vex";
import { identify, type Issuer } from "./issuer";
import type { AdmittedClaim } from "./claim-by-signer";

export interface EffectiveClaims {
  subject: Digest;
  /** Every claim that was given, once, sorted by digest. */
  claims: JudgedClaim[];
  /** What the effective OpenVEX documents say together. */
  vex: VexEntry[];
}

/** The algorithm at the head of this file. */
export function effectiveClaims(given: EffectiveInput): EffectiveClaims {
  const input = { ...given, identified: new Map<string, Issuer>() };
  const unreadable = unreadableClaims(input);
  const lapsed = lapsedClaims(input);
  const { admittedClaims, refused, doubts } = admit(
    input,
    (digest) => unreadable.has(digest) || lapsed.has(digest),
  );
  const revocations = applyRevocations(
    admittedClaims,
    [...unreadable.values(), ...lapsed.values()].flatMap(({ claimsBySigner }) => claimsBySigner),
    input,
  );
  const order = orderClaims(revocations, admittedClaims);
  const doubtsOn = (claim: AdmittedClaim) =>
    doubtsAbout(doubts.get(claim.digest) ?? [], claim, revocations, (signer) =>
      identify(signer, input),
    );
  const settled = [
    ...holdUnreadable(refused, unreadable, admittedClaims, revocations, input),
    ...judgeWhole(admittedClaims, revocations, order, doubtsOn),
  ];
  const standing = revocations.left.filter((claim) => order.superseder(claim) === undefined);
  const judged = holdOvertaken(
    holdLapsed(settled, lapsed, admittedClaims, revocations, input),
    unreadable,
    standing,
    input,
  );
  judged.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return {
    subject: input.subject,
    claims: judged,
    vex: vexView(standing, input.subject),
  };
}
