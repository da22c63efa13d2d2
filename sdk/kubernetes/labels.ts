// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../provider/errors";

const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** What tells the pods of one workload from others. */
export function selectorOf(name: string): Record<string, string> {
  return { "app.kubernetes.io/name": name };
}

export function labelsOf(
  name: string,
  labels: Record<string, string> = {},
): Record<string, string> {
  return { ...labels, ...selectorOf(name), "app.kubernetes.io/managed-by": "consign" };
}

/**
 * @throws ConsignError `INPUT_INVALID`, unless the name is a DNS label of at most `limit`
 * characters
 */
export function checkedName(name: string, limit = 63): string {
  if (name.length <= limit && NAME.test(name)) return name;
  throw new ConsignError(
    "INPUT_INVALID",
    `"${name}" is no name for this kind of object: up to ${limit} lower-case letters, digits and dashes`,
    { path: "name" },
  );
}
