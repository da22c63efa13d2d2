// SPDX-License-Identifier: Apache-2.0
import { createRequire } from "node:module";
import type { EngineClient as EngineClientType } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { redact } from "../errors";
import { forEngine, oneLine } from "../printable";

type Severity = "info" | "warning";

let client: EngineClientType | undefined;
const repeated = new Set<string>();

/**
 * Shows a line in the CLI. Pulumi's dynamic provider host gives its providers no log, but it is
 * started with the engine's address, and the engine takes log lines from anyone who knows it. Best
 * effort: without an engine the line goes to standard error, and a failure to log fails nothing. A
 * line is shown once per process, as check runs for each step. It is one of the two exits, so
 * secrets and what a reader cannot see go.
 */
export function engineLog(severity: Severity, text: string): void {
  const message = forEngine(oneLine(redact(text)));
  if (repeated.has(message)) return;
  repeated.add(message);
  try {
    sendToEngine(severity, message);
  } catch {
    process.stderr.write(`${severity}: ${message}\n`);
  }
}

function sendToEngine(severity: Severity, message: string): void {
  const address = process.argv[2];
  if (address === undefined || !/^[\w.-]+:\d+$/.test(address)) throw new Error("no engine");
  // Loaded here, as only a provider process needs it; gRPC is Pulumi's own copy, since the client
  // was made for that one.
  const ofPulumi = createRequire(require.resolve("@pulumi/pulumi/package.json"));
  const { EngineClient } =
    require("@pulumi/pulumi/proto/engine_grpc_pb") as typeof import("@pulumi/pulumi/proto/engine_grpc_pb");
  const { LogRequest, LogSeverity } =
    require("@pulumi/pulumi/proto/engine_pb") as typeof import("@pulumi/pulumi/proto/engine_pb");
  const grpc = ofPulumi("@grpc/grpc-js") as typeof import("@grpc/grpc-js");
  client ??= new EngineClient(address, grpc.credentials.createInsecure());
  const request = new LogRequest();
  request.setSeverity(severity === "warning" ? LogSeverity.WARNING : LogSeverity.INFO);
  request.setMessage(message);
  client.log(request, () => undefined);
}
