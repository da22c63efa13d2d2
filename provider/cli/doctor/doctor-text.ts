// SPDX-License-Identifier: Apache-2.0
import { printable } from "../../printable";
import type { Check, Finding } from "../../registry/examination";
import { dress, words, type Mood } from "../../report/words";
import type { Diagnosis } from "./diagnosis";

/** What is asked, and what yes and no mean for whoever relies on the registry. */
const QUESTIONS: Readonly<Record<Check, { asks: string; yes: Mood; no: Mood }>> = {
  reachable: { asks: "a registry answers", yes: "good", no: "bad" },
  tls: { asks: "TLS", yes: "good", no: "bad" },
  authorization: { asks: "asks who you are", yes: "plain", no: "plain" },
  credentials: { asks: "takes the credentials", yes: "good", no: "bad" },
  repository: { asks: "the repository can be read", yes: "good", no: "bad" },
  referrersApi: { asks: "referrers API", yes: "good", no: "plain" },
  fallbackTags: { asks: "fallback tags in use", yes: "plain", no: "plain" },
  listsCanHide: { asks: "whoever pushes can hide what forbids", yes: "bad", no: "good" },
  quota: { asks: "tells its quota", yes: "plain", no: "plain" },
  conditionalRequests: { asks: "conditional requests", yes: "good", no: "plain" },
  tagImmutability: { asks: "tags are immutable", yes: "plain", no: "plain" },
  deletes: { asks: "deletes manifests", yes: "plain", no: "plain" },
  tagDeletes: { asks: "removes a tag alone", yes: "plain", no: "plain" },
  sparseIndexes: { asks: "takes sparse indexes", yes: "plain", no: "plain" },
  sha512: { asks: "takes sha512", yes: "plain", no: "plain" },
};

const WIDTH = Math.max(...Object.values(QUESTIONS).map(({ asks }) => asks.length));

export function moodOf({ check, answer }: Finding): Mood {
  if (answer === "unknown") return "unsure";
  return answer === "unasked" ? "quiet" : QUESTIONS[check][answer];
}

/** A diagnosis for people: a line for each question. */
export function doctorLines(diagnosis: Diagnosis, color: boolean): string[] {
  const style = dress(color);
  const { registry, repository, wroteTo, findings } = diagnosis;
  return [
    printable(repository === undefined ? registry : `${registry}/${repository}`),
    ...findings.map((finding) => {
      const mood = moodOf(finding);
      const { check, answer, evidence, code } = finding;
      return words(
        style.mark(mood),
        QUESTIONS[check].asks.padEnd(WIDTH),
        style.colored(mood, (answer === "unasked" ? "not asked" : answer).padEnd(9)),
        `${printable(evidence)}${code === undefined ? "" : ` [${code}]`}`,
      );
    }),
    ...(wroteTo === undefined
      ? []
      : [
          `wrote to ${printable(wroteTo)}; ${diagnosis.left.length === 0 ? "nothing stays there but what its garbage collection takes" : `${diagnosis.left.length} manifests stay there`}`,
        ]),
  ];
}
