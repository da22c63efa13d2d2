// SPDX-License-Identifier: Apache-2.0
// What can go wrong with one request, each as one fault.
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Fault, FaultRule } from "../harness/faults";
import { labelled, type Labels } from "./labels";

/** One request of an operation, found again in another run of it. */
export interface Asked {
  method: string;
  /** As {@link labelled}. */
  path: string;
  /** Which of those that are alike, from 1. */
  occurrence: number;
  /** What was answered where nothing was wrong. */
  status: number;
}

export interface FaultKind {
  name: string;
  /**
   * `always`: this request and all that are like it from then on. A lie that nothing shows is told
   * once: what is asked twice is answered well then.
   */
  often: "once" | "always";
  /** @returns undefined where it makes no sense for that request */
  of(asked: Asked, foreign: Descriptor | undefined): Fault | undefined;
}

const isList = ({ method, path }: Asked): boolean =>
  method === "GET" && /\/referrers\/|\/manifests\/list\(|\/tags\/list/.test(path);
/** What no digest tells from another answer. */
const isUnchecked = (asked: Asked): boolean => isList(asked) && !asked.path.includes("/list(");
const isRead = ({ method }: Asked): boolean => method === "GET" || method === "HEAD";
const listed = (asked: Asked): boolean => isList(asked) && asked.status === 200;

const status = (code: number, body?: string, type = "application/json"): Fault => ({
  kind: "status",
  status: code,
  headers: { "content-type": type },
  ...(body === undefined ? {} : { body }),
});
const errors = (code: string): string => JSON.stringify({ errors: [{ code, message: "unknown" }] });
const unknownOf = ({ path }: Asked): string =>
  path.includes("/blobs/uploads/")
    ? "BLOB_UPLOAD_UNKNOWN"
    : path.includes("/blobs/")
      ? "BLOB_UNKNOWN"
      : path.includes("/tags/")
        ? "NAME_UNKNOWN"
        : "MANIFEST_UNKNOWN";

type Listing = { manifests?: unknown[]; tags?: string[] } & Record<string, unknown>;

/** Another list in place of the real one; what is no list stays as it is. */
function edited(edit: (entries: unknown[], asked: Asked) => unknown[]): FaultKind["of"] {
  return (asked) =>
    listed(asked)
      ? {
          kind: "rewrite",
          body: (original) => {
            const list = JSON.parse(original.toString("utf8")) as Listing;
            if (Array.isArray(list.manifests)) list.manifests = edit(list.manifests, asked);
            else list.tags = edit(list.tags ?? [], asked) as string[];
            return Buffer.from(JSON.stringify(list));
          },
        }
      : undefined;
}

const ghost = (asked: Asked, foreign: Descriptor | undefined): unknown =>
  asked.path.includes("/tags/") ? "ghost" : foreign;

export const FAULT_KINDS: readonly FaultKind[] = [
  {
    name: "404 JSON",
    often: "once",
    of: (asked) => status(404, errors(unknownOf(asked))),
  },
  {
    name: "404 HTML",
    often: "once",
    of: () => status(404, "<html><body>404 Not Found</body></html>", "text/html"),
  },
  {
    name: "404 empty",
    often: "once",
    of: () => status(404, "", "text/plain"),
  },
  {
    name: "405",
    often: "once",
    of: (asked) => (isRead(asked) ? undefined : status(405, errors("UNSUPPORTED"))),
  },
  { name: "401", often: "always", of: () => status(401, errors("UNAUTHORIZED")) },
  { name: "403", often: "always", of: () => status(403, errors("DENIED")) },
  { name: "500", often: "always", of: () => status(500) },
  { name: "reset", often: "always", of: () => ({ kind: "reset", when: "before" }) },
  {
    name: "done, answer lost",
    often: "once",
    of: (asked) => (isRead(asked) ? undefined : { kind: "reset", when: "before", forwarded: true }),
  },
  {
    name: "corrupt",
    often: "always",
    of: (asked) =>
      asked.method === "GET" && asked.status === 200 ? { kind: "corrupt" } : undefined,
  },
  {
    name: "short",
    often: "always",
    of: (asked) =>
      asked.method === "GET" && asked.status === 200
        ? { kind: "shortBody", honest: true, drop: 7 }
        : undefined,
  },
  {
    name: "200 HTML",
    often: "once",
    of: (asked) =>
      asked.method === "GET" ? status(200, "<html>Log in</html>", "text/html") : undefined,
  },
  {
    name: "lying digest",
    often: "once",
    of: (asked) =>
      asked.status === 200 && asked.path.includes("/manifests/")
        ? {
            kind: "setHeaders",
            headers: { "docker-content-digest": `sha256:${"0".repeat(64)}` },
          }
        : undefined,
  },
  {
    name: "no content type",
    often: "once",
    of: (asked) =>
      isRead(asked) && asked.status === 200
        ? { kind: "dropHeaders", names: ["content-type"] }
        : undefined,
  },
  { name: "stale list", often: "once", of: edited(() => []) },
  { name: "entry missing", often: "once", of: edited((entries) => entries.slice(1)) },
  { name: "last entry missing", often: "once", of: edited((entries) => entries.slice(0, -1)) },
  {
    name: "foreign entry",
    often: "once",
    of: (asked, foreign) =>
      foreign === undefined
        ? undefined
        : edited((entries) => [...entries, ghost(asked, foreign)])(asked, foreign),
  },
  {
    name: "dropped",
    often: "always",
    of: (asked) => {
      const done = asked.method === "DELETE" ? 202 : 201;
      return isRead(asked) || asked.status !== done ? undefined : { kind: "status", status: done };
    },
  },
];

/** Faults in which a list is well formed and says less, or more, than there is. */
export const LIST_FAULTS: ReadonlySet<string> = new Set([
  "stale list",
  "entry missing",
  "last entry missing",
  "foreign entry",
]);

export function ruleFor(asked: Asked, kind: FaultKind, fault: Fault, labels: Labels): FaultRule {
  return {
    method: asked.method,
    where: (_method, path) => labelled(path, labels) === asked.path,
    ...(kind.often === "once" || isUnchecked(asked)
      ? { nth: asked.occurrence }
      : { from: asked.occurrence }),
    fault,
  };
}

/** The requests of a run, with those that are alike counted. */
export function askedIn(
  requests: readonly { method: string; path: string; status: number }[],
  labels: Labels,
): Asked[] {
  const counts = new Map<string, number>();
  return requests.map(({ method, path, status }) => {
    const key = labelled(path, labels);
    const occurrence = (counts.get(`${method} ${key}`) ?? 0) + 1;
    counts.set(`${method} ${key}`, occurrence);
    return { method, path: key, occurrence, status };
  });
}
