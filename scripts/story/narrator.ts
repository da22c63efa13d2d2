// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";

/** Runs an example's Pulumi commands one after the other, each under a heading that says what there is to see. */
export class Narrator {
  constructor(
    private readonly folder: string,
    private readonly stackName: string,
  ) {}

  heading(text: string): void {
    process.stdout.write(`\n\u001b[1m── ${text} ${"─".repeat(Math.max(3, 90 - text.length))}\u001b[0m\n\n`);
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** Selects the stack, made if need be, and sets its configuration. */
  async stack(config: Record<string, string>): Promise<void> {
    await this.capture("stack", "select", "--create", this.stackName);
    for (const [key, value] of Object.entries(config)) await this.capture("config", "set", key, value);
  }

  /** Runs a command for people to see. Fails if it fails. */
  async pulumi(...args: string[]): Promise<void> {
    this.say(`\u001b[2m$ pulumi ${args.join(" ")}\u001b[0m`);
    const code = await this.start(args, "inherit").code;
    if (code !== 0) throw new Error(`pulumi ${args[0]} ended with ${code}`);
  }

  /** An output of the stack. */
  async output(name: string): Promise<string> {
    return (await this.capture("stack", "output", name)).trim();
  }

  private async capture(...args: string[]): Promise<string> {
    const { code, text } = this.start(args, "pipe");
    if ((await code) !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${await code}: ${text()}`);
    return text();
  }

  private start(args: string[], output: "inherit" | "pipe"): { code: Promise<number | null>; text: () => string } {
    const child = spawn("pulumi", [...args, "--non-interactive"], { cwd: this.folder, stdio: ["ignore", output, output === "pipe" ? "pipe" : "inherit"] });
    const parts: Buffer[] = [];
    child.stdout?.on("data", (part: Buffer) => parts.push(part));
    child.stderr?.on("data", (part: Buffer) => parts.push(part));
    const code = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { code, text: () => Buffer.concat(parts).toString("utf8") };
  }
}
