// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";

/**
 * Runs a program to its end. With `log`, its output goes there instead of the terminal; with
 * `capture`, its stdout only comes back. `silenceMs` ends it when it has printed nothing on stdout
 * for that long after its start, `timeoutMs` in any case. Resolves to `{ code, stdout, ended }`;
 * never rejects for an exit code.
 */
export function run(
  program,
  args,
  { cwd, env = process.env, log, capture = false, timeoutMs, silenceMs } = {},
) {
  return new Promise((resolve, reject) => {
    const streams =
      log !== undefined
        ? ["ignore", "pipe", "pipe"]
        : ["ignore", capture ? "pipe" : "inherit", "inherit"];
    const child = spawn(program, args, { cwd, env, stdio: streams });
    const sink = log === undefined ? undefined : createWriteStream(log, { flags: "a" });
    let stdout = "";
    let ended;
    const end = (why) => {
      ended = why;
      child.kill("SIGKILL");
    };
    const timers = [];
    if (timeoutMs !== undefined)
      timers.push(setTimeout(end, timeoutMs, `took longer than ${timeoutMs / 1000} s`));
    if (silenceMs !== undefined)
      timers.push(
        setTimeout(() => stdout === "" && end(`said nothing for ${silenceMs / 1000} s`), silenceMs),
      );
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
      sink?.write(chunk);
    });
    child.stderr?.on("data", (chunk) => sink?.write(chunk));
    const settle = () => {
      timers.forEach(clearTimeout);
      sink?.end();
    };
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("close", (code, signal) => {
      settle();
      resolve({ code: code ?? (signal === null ? 1 : 128), stdout, ended });
    });
  });
}

/** Passes a terminal's signals on to a child and ends with the child's own code. */
export async function become(program, args, options = {}) {
  const child = spawn(program, args, { stdio: "inherit", ...options });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve(status ?? (signal === null ? 1 : 128)));
  });
  process.exitCode = code;
  return code;
}
