// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { z } from "zod";
import { ConsignError } from "../../errors";
import { parseStrictJson } from "../../oci/strict-json";

export const CONTRACT_VERSION = "1.0";

/** Bytes that a plugin may write to each of its output streams. */
export const MAX_PLUGIN_OUTPUT = 1024 * 1024;
export const DEFAULT_PLUGIN_TIMEOUT_MS = 60_000;

export type PluginCommand =
  "get-plugin-metadata" | "describe-key" | "generate-signature" | "generate-envelope";

export interface PluginProcess {
  name: string;
  /** Absolute path of the executable. */
  executable: string;
  /** Milliseconds for one command. @default 60000 */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** @default process.env */
  env?: NodeJS.ProcessEnv | undefined;
  /** Values never to be repeated in a message: the plugin's configuration may hold secrets. */
  secrets?: readonly string[] | undefined;
}

const errorSchema = z.looseObject({
  errorCode: z.string().max(64),
  errorMessage: z.string().optional(),
});

const REASONS: Readonly<Record<string, string>> = {
  VALIDATION_ERROR:
    "it finds the request or its own configuration wrong; correct keyId and pluginConfig",
  UNSUPPORTED_CONTRACT_VERSION: `it does not speak version ${CONTRACT_VERSION} of the plugin protocol; install another version of the plugin`,
  ACCESS_DENIED: "it may not use the key; check the credentials the plugin works with",
  TIMEOUT: "its key service did not answer in time; run again",
  THROTTLED: "its key service refuses so many requests; run again later",
  ERROR: "it failed",
};

/**
 * Runs one command of a notation plugin: a JSON request on its standard input, a JSON answer on its
 * standard output. No shell takes part.
 * @throws ConsignError `PLUGIN_FAILED`
 * @see https://github.com/notaryproject/specifications/blob/v1.1.0/specs/plugin-extensibility.md
 */
export async function callPlugin<T>(
  plugin: PluginProcess,
  command: PluginCommand,
  request: object,
  answer: z.ZodType<T>,
): Promise<T> {
  const { code, stdout, stderr } = await run(plugin, command, JSON.stringify(request));
  if (code !== 0) throw failed(plugin, command, explain(stderr, code));
  let json: unknown;
  try {
    json = parseStrictJson(stdout);
  } catch (cause) {
    throw failed(plugin, command, `its answer is not JSON: ${(cause as Error).message}`);
  }
  const parsed = answer.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw failed(
    plugin,
    command,
    `its answer breaks the plugin protocol: ${issue?.path.join(".") || "(root)"}: ${issue?.message}`,
  );
}

function explain(stderr: Uint8Array, code: number | string): string {
  try {
    const { errorCode, errorMessage } = errorSchema.parse(parseStrictJson(stderr));
    const reason = REASONS[errorCode] ?? "it failed";
    return `${reason} (${errorCode}${errorMessage === undefined ? "" : `: ${errorMessage}`})`;
  } catch {
    const text = new TextDecoder().decode(stderr);
    return `it ended with ${code}${text.trim() === "" ? "" : ` and wrote: ${text}`}`;
  }
}

/**
 * The plugin's words are kept short, on one line, and without what was given to it as
 * configuration.
 */
export function failed(plugin: PluginProcess, command: PluginCommand, why: string): ConsignError {
  let text = why;
  for (const secret of plugin.secrets ?? []) {
    if (secret.length >= 4) text = text.replaceAll(secret, "…");
  }
  text = text.replace(/[\p{Cc}\s]+/gu, " ").trim();
  if (text.length > 600) text = `${text.slice(0, 600)}…`;
  return new ConsignError(
    "PLUGIN_FAILED",
    `notation plugin "${plugin.name}" did not do ${command}: ${text}`,
  );
}

interface Outcome {
  code: number | string;
  stdout: Uint8Array;
  stderr: Uint8Array;
}

function run(plugin: PluginProcess, command: PluginCommand, input: string): Promise<Outcome> {
  const timeoutMs = plugin.timeoutMs ?? DEFAULT_PLUGIN_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    if (plugin.signal?.aborted) return reject(failed(plugin, command, "it was cancelled"));
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(plugin.executable, [command], {
        shell: false,
        windowsHide: true,
        env: plugin.env ?? process.env,
      });
    } catch (cause) {
      return reject(failed(plugin, command, (cause as Error).message));
    }
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      plugin.signal?.removeEventListener("abort", onAbort);
      end();
    };
    // A plugin's own children may hold the pipes open after it is gone, so they are let go of
    // rather than waited for.
    const stop = (why: string): void => {
      child.kill("SIGKILL");
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      settle(() => reject(failed(plugin, command, why)));
    };
    const onAbort = (): void => stop("it was cancelled");
    const timer = setTimeout(() => stop(`it took longer than ${timeoutMs} ms`), timeoutMs);
    plugin.signal?.addEventListener("abort", onAbort, { once: true });

    const collect = (stream: NodeJS.ReadableStream, which: string): (() => Uint8Array) => {
      const chunks: Uint8Array[] = [];
      let size = 0;
      stream.on("data", (chunk: Uint8Array) => {
        size += chunk.byteLength;
        if (size > MAX_PLUGIN_OUTPUT)
          stop(`it wrote more than ${MAX_PLUGIN_OUTPUT} bytes to its standard ${which}`);
        else chunks.push(chunk);
      });
      return () => Buffer.concat(chunks);
    };
    const stdout = collect(child.stdout, "output");
    const stderr = collect(child.stderr, "error");
    child.on("error", (cause) =>
      settle(() => reject(failed(plugin, command, `it cannot be run: ${cause.message}`))),
    );
    child.on("close", (code, signal) =>
      settle(() =>
        resolve({ code: code ?? signal ?? "no status", stdout: stdout(), stderr: stderr() }),
      ),
    );
    // A plugin that does not read its request closes the pipe early; its exit status tells what it
    // thought of it.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
