// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { z } from "zod";
import { ConsignError } from "../../errors";
import type { Credentials } from "./credential";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 256 * 1024;

/** @see https://github.com/docker/docker-credential-helpers#development */
const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

/**
 * Asks `docker-credential-<name> get` about a server. Its output is never quoted in an error.
 * @returns undefined if the helper knows no such server
 * @throws ConsignError `CREDENTIAL_HELPER_FAILED`, `CREDENTIALS_INVALID`
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  env: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  if (!NAME.test(name))
    throw new ConsignError(
      "CREDENTIALS_INVALID",
      "Docker's config.json names a credential helper that is not a plain name",
    );
  const program = `docker-credential-${name}`;
  const { code, output } = await run(program, server, env);
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw failed(
      program,
      `ended with ${code ?? "a signal"} for ${server}; run it by hand to see why`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw failed(program, `did not answer with JSON for ${server}`);
  }
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) throw failed(program, `answered without Username and Secret for ${server}`);
  const { Username: username, Secret: secret } = parsed.data;
  if (username === "" && secret === "") return undefined;
  if (username === "<token>") return { kind: "identityToken", username: "", token: secret };
  return { kind: "password", username, password: secret };
}

function failed(program: string, what: string): ConsignError {
  return new ConsignError("CREDENTIAL_HELPER_FAILED", `${program} ${what}`);
}

async function run(
  program: string,
  input: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], {
      env,
      stdio: ["pipe", "pipe", "ignore"],
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (what: string): void => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      // A program that the helper started may hold the pipe open.
      child.stdout.destroy();
      child.unref();
      reject(failed(program, what));
    };
    const timer = setTimeout(
      () => stop(`did not answer within ${TIMEOUT_MS / 1000} s`),
      TIMEOUT_MS,
    );
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > MAX_OUTPUT) stop(`answered with more than ${MAX_OUTPUT} bytes`);
      else chunks.push(chunk);
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      const missing = "code" in error && error.code === "ENOENT";
      reject(
        failed(
          program,
          missing
            ? "is not on PATH; install it, or remove it from Docker's config.json"
            : "cannot be started",
        ),
      );
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output: Buffer.concat(chunks).toString("utf8") });
    });
    // A helper may end without reading its input.
    child.stdin.on("error", () => {});
    child.stdin.end(`${input}\n`);
  });
}
