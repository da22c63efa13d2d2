// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";

/**
 * Runs an example's Pulumi commands one after the other, each under a heading that says what there
 * is to see.
 */
export class Narrator {
  private selected = false;

  constructor(
    private readonly folder: string,
    private readonly stackName: string,
  ) {}

  heading(text: string): void {
    process.stdout.write(
      `\n\u001b[1m── ${text} ${"─".repeat(Math.max(3, 90 - text.length))}\u001b[0m\n\n`,
    );
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** Selects the stack, made if need be, and sets its configuration. */
  async stack(config: Record<string, string>): Promise<void> {
    if (!this.selected) await this.capture("stack", "select", "--create", this.stackName);
    this.selected = true;
    const values = Object.entries(config).flatMap(([key, value]) => [
      "--plaintext",
      `${key}=${value}`,
    ]);
    if (values.length > 0)
      await this.capture("config", "set-all", "--stack", this.stackName, ...values);
  }

  /** Runs a command for people to see, and resolves to what it said. Fails if it fails. */
  async pulumi(...args: string[]): Promise<string> {
    const { code, text } = await this.show(args);
    if (code !== 0) throw new Error(`pulumi ${args[0]} ended with ${code}`);
    return text;
  }

  /** Runs a command for people to see that has to fail. Fails if it does not. */
  async refused(...args: string[]): Promise<{ code: number; text: string }> {
    const { code, text } = await this.show(args);
    if (code === 0) throw new Error(`pulumi ${args.join(" ")} should have failed, and did not`);
    this.say(`\u001b[2m(exit code ${code})\u001b[0m`);
    return { code, text };
  }

  /** An output of the stack. */
  async output(name: string): Promise<string> {
    return (await this.capture("stack", "output", "--stack", this.stackName, name)).trim();
  }

  private async show(args: string[]): Promise<{ code: number; text: string }> {
    this.say(`\u001b[2m$ pulumi ${args.join(" ")} --stack ${this.stackName}\u001b[0m`);
    const color = process.stdout.isTTY === true ? "always" : "never";
    const { code, text } = this.start(
      [...args, "--stack", this.stackName, "--color", color],
      (part) => void process.stdout.write(part),
    );
    return { code: (await code) ?? 128, text: text().replace(/\u001b\[[0-9;]*m/g, "") };
  }

  private async capture(...args: string[]): Promise<string> {
    const { code, text } = this.start(args);
    if ((await code) !== 0)
      throw new Error(`pulumi ${args.join(" ")} ended with ${await code}: ${text()}`);
    return text();
  }

  private start(
    args: string[],
    listen: (part: Buffer) => void = () => undefined,
  ): { code: Promise<number | null>; text: () => string } {
    const child = spawn("pulumi", [...args, "--non-interactive"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const parts: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (part: Buffer) => {
        parts.push(part);
        listen(part);
      });
    }
    const code = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { code, text: () => Buffer.concat(parts).toString("utf8") };
  }
}

/** Holds a story to what it says: fails where the text has no such words. */
export function shows(text: string, ...patterns: RegExp[]): void {
  for (const pattern of patterns)
    if (!pattern.test(text))
      throw new Error(`the story says that ${String(pattern)} is to be seen, and it is not`);
}
