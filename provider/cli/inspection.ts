// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { ConsignError } from "../errors";
import { formatLocation, parseReference, type Location } from "../oci/reference";
import { parseRegistriesSettings, type RegistriesSettings } from "../registry";
import { verifyFollowing, type Verified } from "../report/following";
import { Inspector } from "../report/inspector";
import type { ObservedArtifact, ObserveOptions } from "../report/observation";
import { faultsOf, verificationOf, type VerificationReport } from "../report/verification";
import type { Flags } from "./command-line";
import type { CommandName } from "./commands";
import { readJsonFile } from "./json-file";
import { trustFrom } from "./trust";
import type { ExitCode, World } from "./world";

export interface Inspection {
  observed: ObservedArtifact;
  /** Absent where no trust policy was asked for. */
  verification?: VerificationReport;
  exitCode: ExitCode;
}

/** What all commands do: find the trust policy, look at the artifact, decide. */
export async function inspect(
  command: CommandName,
  reference: string,
  flags: Flags,
  extent: ObserveOptions["extent"],
  world: World,
): Promise<Inspection> {
  const { location: asked } = parseReference(reference);
  const inspector = new Inspector({
    registries: await registriesFrom(flags, world),
    baseDir: world.cwd,
    env: environmentFrom(flags, world),
  });
  const policies = new Map<string, ReturnType<typeof trustFrom>>();
  const trustAt = (scope: string) => {
    const trust = trustFrom(command, flags, scope, world);
    policies.set(scope, trust);
    return trust;
  };
  const look = async (at: string, location: Location): Promise<Omit<Inspection, "exitCode">> => {
    const place = formatLocation(location);
    const scope = place === formatLocation(asked) ? (flags.scope ?? place) : place;
    const trust = await (policies.get(scope) ?? trustAt(scope));
    if (trust === undefined && flags.require.length > 0) {
      throw new ConsignError(
        "INPUT_INVALID",
        "--require asks whether claims count, so say whom to trust: --policy, --root or --config-dir",
      );
    }
    const observed = await inspector.observe(at, { trust, now: world.now, scope, extent });
    const verification = verificationOf(
      observed,
      { require: flags.require.map((type) => ({ type })) },
      world.now,
    );
    return { observed, ...(verification === undefined ? {} : { verification }) };
  };
  try {
    const { observed, verification } = flags.followRedirects
      ? await verifyFollowing(inspector, reference, verifying(look))
      : await look(reference, asked);
    if (verification === undefined)
      return { observed, exitCode: faultsOf(observed).length === 0 ? 0 : 1 };
    return { observed, verification, exitCode: EXIT_CODES[verification.verified] };
  } finally {
    await inspector.close();
  }
}

function verifying(
  look: (at: string, location: Location) => Promise<Omit<Inspection, "exitCode">>,
): (at: string, location: Location) => Promise<Verified> {
  return async (at, location) => {
    const { observed, verification } = await look(at, location);
    if (verification === undefined)
      throw new ConsignError("INTERNAL", "verified without a trust policy");
    return { observed, verification };
  };
}

export const EXIT_CODES: Readonly<Record<VerificationReport["verified"], ExitCode>> = {
  yes: 0,
  no: 1,
  unknown: 2,
};

/** The environment, with Docker's configuration where the flags say it is. */
export function environmentFrom({ dockerConfig }: Flags, { env, cwd }: World): NodeJS.ProcessEnv {
  return dockerConfig === undefined ? env : { ...env, DOCKER_CONFIG: resolve(cwd, dockerConfig) };
}

export async function registriesFrom(
  { registries }: Flags,
  { cwd }: World,
): Promise<RegistriesSettings> {
  if (registries === undefined) return {};
  const value = await readJsonFile(cwd, registries, "CREDENTIALS_INVALID");
  return parseRegistriesSettings(value, registries);
}
