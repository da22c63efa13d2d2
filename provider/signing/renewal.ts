// SPDX-License-Identifier: Apache-2.0
import { parseDuration } from "../claims/index";
import type { ResourceContext } from "../world/context";
import type { OwnSignature } from "./own-signatures";
import type { SigningArguments } from "./arguments";

/** What a plan says while no signature is about to end. */
export const NOT_DUE = "none";

type Renewal = Pick<SigningArguments, "renewBefore" | "validFor" | "timestamp">;

interface End {
  at: number;
  text: string;
}

/**
 * When a signature is of no more use: its own expiry, or its certificates' unless a trusted
 * authority says that it is older.
 */
function endOf({ expiresAt, certificateExpiresAt, timestamp }: OwnSignature): End {
  const own = expiresAt === undefined ? Infinity : Date.parse(expiresAt);
  const certificate =
    certificateExpiresAt === undefined || timestamp === "trusted"
      ? Infinity
      : Date.parse(certificateExpiresAt);
  return own <= certificate
    ? { at: own, text: `expires ${expiresAt}` }
    : { at: certificate, text: `certificate expires ${certificateExpiresAt}` };
}

/** The signatures that do not end within `renewBefore`. */
export function lasting(
  signatures: readonly OwnSignature[],
  { renewBefore }: Renewal,
  now: Date,
): OwnSignature[] {
  if (renewBefore === undefined) return [...signatures];
  return signatures.filter(
    (signature) => endOf(signature).at > now.getTime() + parseDuration(renewBefore),
  );
}

/**
 * `none`, or `due: …` if all valid signatures end within `renewBefore` and signing again helps: not
 * where the certificate's end is the limit and no trusted timestamp goes with the new signature.
 * Then there is a warning, as only another certificate helps.
 */
export function renewalOf(
  valid: readonly OwnSignature[],
  args: Renewal,
  what: string,
  context: ResourceContext,
): string {
  const now = context.now();
  const [last] = [...valid].sort((a, b) => endOf(b).at - endOf(a).at);
  if (last === undefined || args.renewBefore === undefined || lasting(valid, args, now).length > 0)
    return NOT_DUE;
  const certificate =
    args.timestamp?.roots === undefined ? Date.parse(last.certificateExpiresAt ?? "") : Infinity;
  const anew = Math.min(
    args.validFor === undefined ? Infinity : now.getTime() + parseDuration(args.validFor),
    certificate,
  );
  const end = endOf(last);
  if (anew > end.at) return `due: ${end.text}`;
  context.warn(
    `the signature on ${what} ends soon (${end.text}), and signing again does not help: give timestamp with roots, or sign with another certificate`,
  );
  return NOT_DUE;
}
