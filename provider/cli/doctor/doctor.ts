// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { ConsignError } from "../../errors";
import { isHost, parseLocation } from "../../oci/reference";
import { jsonText, printable } from "../../printable";
import { RegistryClient } from "../../registry";
import {
  examineByWriting,
  examineRegistry,
  examineRepository,
  type Finding,
} from "../../registry/examination";
import type { Flags } from "../command-line";
import { environmentFrom, registriesFrom } from "../inspection";
import { worst, type ExitCode, type World } from "../world";
import { together, type Diagnosis } from "./diagnosis";
import { doctorLines, moodOf } from "./doctor-text";

/** The repository that is written to, in the one that was named or alone. */
const OWN = "consign-doctor";

/** `consign doctor`: what a registry can do, and what that means. Reads only, but for `--write`. */
export async function doctor(asked: string, flags: Flags, world: World): Promise<ExitCode> {
  const { registry, repository } = placeFrom(asked);
  const client = new RegistryClient({
    settings: await registriesFrom(flags, world),
    baseDir: world.cwd,
    env: environmentFrom(flags, world),
    limits: { tries: 3 },
  });
  try {
    const diagnosis = await diagnose(client, { registry, repository, write: flags.write });
    if (flags.json) world.print(jsonText(diagnosis));
    else for (const line of doctorLines(diagnosis, world.color)) world.print(line);
    for (const reference of diagnosis.left)
      world.tell(
        `consign: ${printable(reference)} could not be removed: remove it by the registry's own means`,
      );
    return worst(diagnosis.findings.map(exitCodeOf));
  } finally {
    await client.close();
  }
}

interface Examined {
  registry: string;
  repository?: string | undefined;
  write: boolean;
}

async function diagnose(
  client: RegistryClient,
  { registry, repository, write }: Examined,
): Promise<Diagnosis> {
  const own = repository === undefined ? OWN : `${repository}/${OWN}`;
  const looked = client.repository(registry, repository ?? OWN);
  const findings = await examineRegistry(looked.connection);
  const answers = findings.some(({ check, answer }) => check === "reachable" && answer === "yes");
  if (answers && repository !== undefined) findings.push(...(await examineRepository(looked)));
  const written =
    answers && write
      ? await examineByWriting(client.repository(registry, own), randomBytes(6).toString("hex"))
      : undefined;
  return {
    registry,
    ...(repository === undefined ? {} : { repository }),
    ...(written === undefined ? {} : { wroteTo: `${registry}/${own}` }),
    findings: together(findings, written?.findings ?? [], write && !answers),
    left: written?.left ?? [],
  };
}

function placeFrom(asked: string): { registry: string; repository?: string } {
  if (!asked.includes("/") && !asked.startsWith("oci:")) {
    if (isHost(asked)) return { registry: asked };
    throw new ConsignError("REFERENCE_INVALID", `"${asked}" is not a registry's host`);
  }
  const location = parseLocation(asked);
  if (location.kind === "registry") return location;
  throw new ConsignError(
    "INPUT_INVALID",
    "doctor examines registries; what a layout holds, consign ls and consign diff tell",
  );
}

function exitCodeOf(finding: Finding): ExitCode {
  if (finding.answer === "unknown") return 2;
  return moodOf(finding) === "bad" ? 1 : 0;
}
