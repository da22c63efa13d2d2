// SPDX-License-Identifier: Apache-2.0
import { isConsignError } from "../../errors";
import { MANIFEST_ACCEPT } from "../../oci/media-types";
import { scopes } from "../auth/auth";
import { parseChallenges } from "../auth/challenge";
import { Manifests } from "../manifests";
import type { Repository } from "../repository";
import { listTags } from "../tags";
import type { HeaderFields } from "../transport/arrival";
import type { Connection } from "../transport/connection";
import { MAX_ERROR_BODY } from "../transport/responses";
import { ask, no, unknown, yes, type Finding, type Told } from "./finding";

const NOTHING_HERE: Told = { answer: "unasked", evidence: "there is nothing here to ask about" };

const VERSION_HEADER = "docker-distribution-api-version";

/** What the registry as a whole shows: whether it is one, over what, and whom it lets in. */
export async function examineRegistry(connection: Connection): Promise<Finding[]> {
  let failure: unknown;
  const root = await base(connection, [200, 401, 403, 404]).catch((error: unknown) => {
    failure = error;
    return undefined;
  });
  const answered =
    (look: (found: NonNullable<typeof root>) => Told | Promise<Told>) => async () => {
      if (root === undefined) throw failure;
      return look(root);
    };
  const isTls = connection.origin.protocol === "https:";
  return [
    await ask(
      "reachable",
      answered(({ status, headers }) => reachable(status, headers)),
    ),
    await ask("tls", async () => {
      if (!isTls) return no("plain HTTP: whoever is on the way can read and change everything");
      if (isConsignError(failure, "TLS_FAILED"))
        return { ...no(failure.message), code: failure.code };
      return answered(() => yes("its certificate is accepted"))();
    }),
    await ask(
      "authorization",
      answered(({ status, headers }) => authorization(status, headers)),
    ),
    await ask(
      "credentials",
      answered(({ status }) =>
        status === 401
          ? credentials(connection)
          : { answer: "unasked", evidence: "the registry asks for none at /v2/" },
      ),
    ),
  ];
}

function base(connection: Connection, ok: readonly number[]) {
  return connection.call({
    method: "GET",
    url: "/v2/",
    scopes: [],
    ok,
    about: { kind: "tags", reference: connection.registry },
    maxBytes: MAX_ERROR_BODY,
  });
}

function reachable(status: number, headers: HeaderFields): Told {
  const isRegistry = headers.has(VERSION_HEADER) || status === 200 || status === 401;
  return isRegistry
    ? yes(`/v2/ is answered with ${status}`)
    : unknown(`/v2/ is answered with ${status}, as a registry does not`);
}

function authorization(status: number, headers: HeaderFields): Told {
  if (status !== 401) return no(`/v2/ is answered with ${status}, to anybody`);
  const challenges = parseChallenges(headers.get("www-authenticate") ?? "");
  const said = challenges.map(({ scheme, parameters }) => {
    const realm = parameters.get("realm");
    const host = realm !== undefined && URL.canParse(realm) ? new URL(realm).host : undefined;
    return host === undefined ? scheme : `${scheme}, tokens by ${host}`;
  });
  return said.length === 0
    ? unknown("it answers 401, and does not say what it wants")
    : yes(said.join("; "));
}

async function credentials(connection: Connection): Promise<Told> {
  try {
    await base(connection, [200]);
    return yes("they are accepted");
  } catch (error) {
    if (!isConsignError(error, "REGISTRY_UNAUTHORIZED", "REGISTRY_DENIED")) throw error;
    return { ...no(error.message), code: error.code };
  }
}

/** What one repository shows to those who only read. */
export async function examineRepository(repository: Repository): Promise<Finding[]> {
  const manifests = new Manifests(repository.connection, repository.repository);
  // Where the tags cannot be read, whatever needs one cannot be told for the same reason.
  let tagged: () => string | undefined = () => undefined;
  const found: Finding[] = [
    await ask("repository", async () => {
      const tags = await repository.tags().catch((error: unknown) => {
        tagged = () => {
          throw error;
        };
        throw error;
      });
      tagged = () => tags[0];
      return tags.length === 0
        ? unknown("it has no tags, if it exists")
        : yes(`it has ${tags.length} tags`);
    }),
  ];
  const lists = await ask("referrersApi", async () => {
    const tag = tagged();
    if (tag === undefined) return NOTHING_HERE;
    await repository.referrers((await repository.resolve(tag)).digest);
    return referrersApi(repository);
  });
  return [
    ...found,
    lists,
    await ask("fallbackTags", () => fallbackTags(manifests)),
    listsCanHide(lists),
    await ask("quota", async () => quota(manifests, tagged())),
  ];
}

/** What the same code found out by which everything here decides where lists are. */
export function referrersApi(repository: Repository): Told {
  const { support, evidence } = repository.referrersSupport;
  if (support === "supported") return yes(evidence);
  return support === "unsupported" ? no(evidence) : unknown(evidence);
}

async function fallbackTags({ connection, repository }: Manifests): Promise<Told> {
  const { tags: lists } = await listTags(connection, repository, { fallback: true });
  return lists.length === 0
    ? no("none is in the list of tags")
    : yes(`${lists.length} are in the list of tags`);
}

/** Whether whoever may push can leave out of a list what forbids an artifact's use. */
export function listsCanHide({ answer, evidence, code }: Finding): Finding {
  const check = "listsCanHide";
  if (answer === "yes")
    return { check, ...no("the registry itself keeps the lists of what refers to what") };
  if (answer === "no")
    return {
      check,
      ...yes(
        "lists are tags: whoever may push can leave a revocation out, and nobody can see that",
      ),
    };
  return { check, answer, evidence, ...(code === undefined ? {} : { code }) };
}

const QUOTA_HEADERS = ["ratelimit-", "x-ratelimit-"].flatMap((prefix) =>
  ["limit", "remaining", "reset", "used"].map((name) => prefix + name),
);

/** By HEAD, which costs nothing where GETs of manifests are counted. */
async function quota({ connection, repository }: Manifests, tag = ""): Promise<Told> {
  if (tag === "") return NOTHING_HERE;
  const { headers } = await connection.call({
    method: "HEAD",
    url: `/v2/${repository}/manifests/${tag}`,
    headers: { accept: MANIFEST_ACCEPT },
    scopes: [scopes.pull(repository)],
    ok: [200, 404],
    about: { kind: "manifest", reference: `${connection.registry}/${repository}:${tag}` },
  });
  const said = QUOTA_HEADERS.flatMap((name) => {
    const value = headers.get(name);
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  return said.length === 0 ? no("no header tells of one") : yes(said.join(", "));
}
