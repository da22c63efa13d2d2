// SPDX-License-Identifier: Apache-2.0
import type { z } from "zod";
import { ConsignError, isErrorCode } from "../errors";

/** A function's arguments. @throws ConsignError `INPUT_INVALID`, or what the schema says */
export function readArguments<Schema extends z.ZodType>(
  schema: Schema,
  args: unknown,
): z.infer<Schema> {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  const code = issue?.code === "custom" ? issue.params?.["code"] : undefined;
  throw new ConsignError(
    isErrorCode(code) ? code : "INPUT_INVALID",
    `${path || "the argument"}: ${issue?.message}`,
    { path },
  );
}
