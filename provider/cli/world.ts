// SPDX-License-Identifier: Apache-2.0

/** What the command line may use of the world; only `main.ts` knows where it comes from. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  /** What relative paths are relative to. */
  readonly cwd: string;
  readonly now: Date;
  /** Whether to color what is printed. */
  readonly color: boolean;
  /** The result, on standard output. */
  print(line: string): void;
  /** What a person should know beside it, on standard error. */
  tell(line: string): void;
}

/** 0: verified. 1: not verified. 2: it could not be told, or the command line is wrong. */
export type ExitCode = 0 | 1 | 2;

/** Of several: what is surely not good comes before what could not be told. */
export function worst(exitCodes: readonly ExitCode[]): ExitCode {
  return exitCodes.includes(1) ? 1 : exitCodes.includes(2) ? 2 : 0;
}
