// SPDX-License-Identifier: Apache-2.0
import type * as dynamic from "@pulumi/pulumi/dynamic";
import { check, type Asked, type Context } from "../protocol/check";
import { compare } from "../protocol/diff";
import { create, remove, update } from "../protocol/ensure";
import { asHostFailure } from "../protocol/failures";
import { visible } from "../protocol/form";
import { read } from "../protocol/read";
import type { Properties, Reconciler } from "../world/reconciler";
import { configureHost, hostContext } from "./host";

/**
 * Speaks Pulumi's dynamic provider protocol for a reconciler: only the shapes of its methods, as
 * what they do is the same for any of Pulumi's protocols.
 * @param kind called when the reconciler is needed, and not before
 */
export function dynamicProvider(
  kind: () => Reconciler,
  context: Context = hostContext,
): dynamic.ResourceProvider {
  const asked = (): Asked => ({ kind: kind(), context });
  return {
    // Synchronous up to its end: the host starts other calls while it awaits this one.
    configure: async (request) => configureHost(request.config),
    check: async (olds: Properties, news: Properties) => {
      const { inputs, failures } = await check(asked(), olds, visible(news));
      return failures === undefined
        ? { inputs }
        : { inputs, failures: failures.map(asHostFailure) };
    },
    diff: async (id: string, olds: Properties, news: Properties) =>
      compare(asked(), id, olds, visible(news)),
    create: async (inputs: Properties) => create(asked(), inputs),
    update: async (id: string, olds: Properties, news: Properties) =>
      update(asked(), id, olds, news),
    read: async (id: string, props?: Properties) => read(asked(), id, props ?? {}),
    delete: async (id: string, state: Properties) => remove(asked(), id, state),
  };
}
