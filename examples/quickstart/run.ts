// SPDX-License-Identifier: Apache-2.0
// Tells the quickstart's story: preview, up, a second up, drift, repair. `npm start -- --registry
// HOST:PORT` uses a registry that is running.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Narrator } from "../../scripts/story/narrator";
import { throwawayKeys } from "../../scripts/story/throwaway-keys";
import { deleteClaim, showTree } from "../../scripts/story/registries";

const { values } = parseArgs({
  options: { registry: { type: "string" }, keep: { type: "boolean" } },
});

async function main(): Promise<void> {
  const folder = join(__dirname, ".run");
  if (values.keep !== true)
    for (const made of [folder, join(__dirname, "Pulumi.quickstart.yaml")])
      rmSync(made, { recursive: true, force: true });
  mkdirSync(join(folder, "backend"), { recursive: true });
  await throwawayKeys(join(folder, "keys"), "wabbit", "Wabbit Networks");
  await throwawayKeys(join(folder, "keys"), "acme", "ACME Rockets");
  const run = new Narrator(__dirname, "quickstart");
  await run.stack(values.registry === undefined ? {} : { registry: values.registry });

  run.heading("The first preview: nothing is pushed yet, and every digest is known");
  await run.pulumi("preview", "--diff");
  run.heading("pulumi up");
  await run.pulumi("up", "--yes", "--skip-preview");

  const internal =
    values.registry === undefined
      ? "oci:.run/registries/wabbit/internal/net-monitor"
      : `${values.registry}/wabbit/internal/net-monitor`;
  const acme = internal.replace("wabbit/internal", "acme");
  const roots = ["wabbit", "acme"].map((name) => join(folder, "keys", `${name}.root.pem`));
  run.heading("What is there now");
  await showTree(__dirname, `${internal}:v1`, "Wabbit Networks, internal", roots);
  await showTree(
    __dirname,
    `${internal.replace("internal", "public")}:v1`,
    "Wabbit Networks, public: no internal claim left the house",
    roots,
  );
  await showTree(
    __dirname,
    `${acme}:v1`,
    "ACME Rockets: what was published, and a claim of their own",
    roots,
  );

  run.heading("A second up changes nothing");
  await run.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");

  run.heading(
    "Somebody deletes the scan behind Pulumi's back: a refresh preview says exactly that",
  );
  await deleteClaim(__dirname, await run.output("scanClaim"));
  await run.pulumi("preview", "--refresh", "--diff");

  run.heading("pulumi up --refresh puts it back");
  await run.pulumi("up", "--yes", "--skip-preview", "--refresh");
  await showTree(__dirname, `${internal}:v1`, "Wabbit Networks, internal, repaired", roots);
  run.heading("Done");
  run.say(
    `Everything is in ${join("examples", "quickstart", ".run")}; delete the folder and it never happened.`,
  );
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
