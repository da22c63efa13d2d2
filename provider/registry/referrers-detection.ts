// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "../content/storage";
import type { RouteOptions } from "./referrers-route";
import type { Descriptor } from "../oci/descriptor";
import type { Digest } from "../oci/digest";
import type { ReferrersCapability } from "./capabilities";
import { Refusal, type ReferrersRoute } from "./referrers-route";
import { repositoryIsListed } from "./tags";

/** A digest of nothing that anybody has: who asks for it asks about the route alone. */
const NOBODYS: Digest = `sha256:${"0".repeat(64)}`;

/**
 * Where a subject's list is: here it is; under the fallback tag, as the registry has no referrers
 * API; or nowhere, as the repository does not exist.
 */
export type Whereabouts = Descriptor[] | "tag" | "nowhere";

/**
 * Finds out whether a registry has a referrers API. That it has none is believed only of its own
 * 404, 405 or 501, given twice and also for another digest, and never where it has answered with an
 * index: then a refusal says nothing of what there is.
 */
export class ReferrersDetection {
  constructor(
    readonly route: ReferrersRoute,
    readonly capability: ReferrersCapability,
  ) {}

  /** @throws ConsignError `REFERRERS_UNKNOWN` */
  async list(subject: Digest, options: RouteOptions): Promise<Whereabouts> {
    const settled = this.#settled();
    if (settled !== undefined) return settled;
    const first = await this.#ask(subject, options);
    return first instanceof Refusal ? this.#decide(subject, first, options) : first;
  }

  /** One decision at a time for a registry: those that wait learn from it. */
  async #decide(subject: Digest, first: Refusal, options: RouteOptions): Promise<Whereabouts> {
    const { registry } = this.capability;
    for (;;) {
      const settled = this.#settled() ?? this.#likeElsewhere(first);
      if (settled !== undefined) return settled;
      if (registry.deciding === undefined) break;
      await registry.deciding;
    }
    const decision = this.#look(subject, first, options);
    const deciding = decision.then(
      () => undefined,
      () => undefined,
    );
    registry.deciding = deciding;
    try {
      return await decision;
    } finally {
      if (registry.deciding === deciding) registry.deciding = undefined;
    }
  }

  #settled(): Whereabouts | undefined {
    if (this.capability.nowhere) return "nowhere";
    return this.capability.support === "unsupported" ? "tag" : undefined;
  }

  /** Where the registry is known to have none, one refusal a repository is enough. */
  #likeElsewhere({ status }: Refusal): "tag" | undefined {
    if (!this.capability.registry.none || this.capability.support === "supported") return undefined;
    this.capability.refused(status, true);
    return "tag";
  }

  async #look(subject: Digest, first: Refusal, options: RouteOptions): Promise<Whereabouts> {
    const again = await this.#ask(subject, options);
    if (!(again instanceof Refusal)) return again;
    const { capability } = this;
    const { isProven } = capability;
    const isNamed = !(first.nameUnknown && again.nameUnknown);
    if (!isProven && isNamed) {
      const other = await this.#ask(NOBODYS, options);
      if (other instanceof Refusal) {
        capability.refused(first.status, await this.#exists(subject, options));
        return "tag";
      }
    } else if (await this.#isNowhere(subject, options)) {
      capability.absent();
      return "nowhere";
    } else if (!isProven) {
      // It knows the repository, so it is the route that it does not know.
      const other = await this.#ask(NOBODYS, options);
      if (other instanceof Refusal) {
        capability.refused(first.status, true);
        return "tag";
      }
    }
    throw this.route.unknown(
      subject,
      `the referrers API is there, and was answered with ${first.status} twice`,
    );
  }

  async #ask(subject: Digest, options: RouteOptions): Promise<Descriptor[] | Refusal> {
    const answer = await this.route.list(subject, options);
    if (!(answer instanceof Refusal)) this.capability.answered();
    return answer;
  }

  async #exists(subject: Digest, options: CallOptions): Promise<boolean> {
    if (this.capability.exists) return true;
    const there = (await this.route.manifests.head(subject, options)) !== undefined;
    if (there) this.capability.found();
    return there;
  }

  /** Neither the subject is there, nor any list of tags. */
  async #isNowhere(subject: Digest, options: CallOptions): Promise<boolean> {
    const { manifests } = this.route;
    if ((await manifests.head(subject, options)) !== undefined) {
      this.capability.found();
      return false;
    }
    return !(await repositoryIsListed(manifests.connection, manifests.repository, options));
  }
}
