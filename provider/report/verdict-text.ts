// SPDX-License-Identifier: Apache-2.0
import type { VerificationReport } from "./verification";
import { printable } from "../printable";
import type { Dress } from "./words";

const ANSWERS = {
  yes: ["good", "verified"],
  no: ["bad", "not verified"],
  unknown: ["unsure", "could not tell"],
} as const;

/**
 * The verdict for people: the pinned reference, the answer, and a line for each thing that it rests
 * on.
 */
export function verdictLines(verification: VerificationReport, style: Dress): string[] {
  const {
    reference,
    followed = [],
    verified,
    policy,
    signature,
    requirements,
    warnings,
  } = verification;
  const [mood, word] = ANSWERS[verified];
  const { outcome, code, reason, signer, signedAt } = signature;
  const by = signer === undefined ? "" : ` by ${printable(signer.subject)}`;
  const when = signedAt === undefined ? "" : ` at ${signedAt}`;
  const said =
    outcome === "verified"
      ? `verified${by}${when}${reason === undefined ? "" : `: ${printable(reason)}`}`
      : `${outcome}${by}: ${printable(reason ?? "")} [${code ?? "SIGNATURE_INVALID"}]`;
  const signatureMood =
    outcome === "verified"
      ? signer === undefined
        ? "unsure"
        : "good"
      : outcome === "inconclusive"
        ? "unsure"
        : "bad";
  return [
    printable(reference),
    ...followed
      .slice(0, -1)
      .map((stop) => `  ${style.mark("quiet")} redirected from ${printable(stop)}`),
    `${style.mark(mood)} ${style.colored(mood, word)} under trust policy "${printable(policy)}"`,
    `  ${style.mark(signatureMood)} signature ${said}`,
    ...requirements.map(
      ({ met, requirement, reason: why }) =>
        `  ${style.mark(met ? "good" : "bad")} ${printable(requirement)}: ${printable(why)}${met ? "" : " [VERIFICATION_UNMET]"}`,
    ),
    ...warnings.map((warning) => `  ${style.mark("unsure")} ${printable(warning)}`),
  ];
}
