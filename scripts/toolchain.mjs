// SPDX-License-Identifier: Apache-2.0
// The real programs that examples and tests run against, at exact versions, each built from source
// once and kept in the cache.
//   node scripts/toolchain.mjs [name ...]      makes sure of these, or of all
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir, say, step, withLock } from "./cache.mjs";
import { run } from "./process.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const GGCR_SOURCE = join(root, "test", "harness", "ggcr-registry", "main.go");
const PULUMI = "3.259.0";
const PULUMI_MINIMUM = [3, 250];
const PULUMI_NPM = "3.265.0";
const stamped = (variable) => `-X ${variable}=v${PULUMI}`;
const KUBERNETES = "1.34.4";
/**
 * Modules that live in Kubernetes's own tree, at v0.0.0, and are published under versions of their
 * own.
 */
const KUBERNETES_STAGING =
  "api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap code-generator component-base component-helpers controller-manager cri-api cri-client csi-translation-lib dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission sample-apiserver sample-cli-plugin sample-controller";

/**
 * One row a tool. `get` are Go modules at exact versions, `build` is the package of the main
 * program (`.` with `source`: a file of ours), `flags` go to the linker, `replace` into go.mod.
 * `first` is asked before building: it gives a path, null where nothing is needed, or undefined.
 */
const TOOLS = [
  {
    name: "pulumi",
    version: PULUMI,
    get: [
      `github.com/pulumi/pulumi/pkg/v3@v${PULUMI}`,
      `github.com/pulumi/pulumi/sdk/v3@v${PULUMI}`,
    ],
    build: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    flags: stamped("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"),
    first: installedPulumi,
    note: "about 6 minutes on 2 cores",
  },
  {
    name: "pulumi-language-nodejs",
    version: "3.68.0",
    get: ["github.com/pulumi/pulumi/sdk/v3@v3.68.0"],
    build: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    flags: stamped("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"),
    first: besidePulumi,
  },
  {
    name: "registry",
    version: "3.1.2",
    get: ["github.com/distribution/distribution/v3@v3.1.2"],
    build: "github.com/distribution/distribution/v3/cmd/registry",
  },
  {
    name: "olareg",
    version: "0.1.2",
    get: ["github.com/olareg/olareg@v0.1.2"],
    build: "github.com/olareg/olareg/cmd/olareg",
  },
  {
    name: "ggcr-registry",
    version: "0.22.1",
    get: ["github.com/google/go-containerregistry@v0.22.1"],
    build: ".",
    source: GGCR_SOURCE,
  },
  {
    name: "oras",
    version: "1.3.6",
    get: ["oras.land/oras@v1.3.6"],
    build: "oras.land/oras/cmd/oras",
  },
  {
    name: "notation",
    version: "1.3.2",
    get: ["github.com/notaryproject/notation@v1.3.2"],
    build: "github.com/notaryproject/notation/cmd/notation",
  },
  // Kubernetes without a cluster: it accepts or refuses manifests for real.
  {
    name: "etcd",
    version: "3.6.16",
    get: ["go.etcd.io/etcd/server/v3@v3.6.16"],
    build: "go.etcd.io/etcd/server/v3",
  },
  {
    name: "kube-apiserver",
    version: KUBERNETES,
    get: [`k8s.io/kubernetes@v${KUBERNETES}`],
    replace: KUBERNETES_STAGING.split(" ").map(
      (name) => `k8s.io/${name} => k8s.io/${name} v0.${KUBERNETES.slice(2)}`,
    ),
    build: "k8s.io/kubernetes/cmd/kube-apiserver",
    flags: `-X k8s.io/component-base/version.gitVersion=v${KUBERNETES}`,
    note: "about 6 minutes on 2 cores",
  },
  // What benchmarks compare with; nothing else needs these.
  {
    name: "regctl",
    version: "0.11.7",
    get: ["github.com/regclient/regclient@v0.11.7"],
    build: "github.com/regclient/regclient/cmd/regctl",
    optional: true,
  },
  {
    name: "regsync",
    version: "0.11.7",
    get: ["github.com/regclient/regclient@v0.11.7"],
    build: "github.com/regclient/regclient/cmd/regsync",
    optional: true,
  },
];

export const ALL_TOOLS = TOOLS.filter(({ optional }) => optional !== true).map(({ name }) => name);
/** For `npm run bench`. */
export const BENCH_TOOLS = ["ggcr-registry", "olareg", "oras", "regctl", "regsync"];
/** What a program needs to be run by Pulumi; the rest is for tests. */
export const ENGINE_TOOLS = ["pulumi", "pulumi-language-nodejs"];

/** A file name that changes with whatever the binary is made of. */
function fileName({ name, version, source }) {
  const own =
    source === undefined
      ? ""
      : `-${createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 8)}`;
  return `${name}-${version}${own}`;
}

/**
 * The folder of plain names (`pulumi`, `registry`, …) that belongs to this checkout's versions;
 * other checkouts have others.
 */
export function toolsPath() {
  return cacheDir(
    "tools",
    createHash("sha256").update(TOOLS.map(fileName).join("\n")).digest("hex").slice(0, 12),
  );
}

/**
 * Puts `target` at a plain name, at once: what we built by a hard link, so that Pulumi finds its
 * host beside itself, the rest by a symbolic one.
 */
function link(target, at, hard) {
  mkdirSync(dirname(at), { recursive: true });
  if (
    statSync(at, { throwIfNoEntry: false })?.ino === statSync(target).ino &&
    lstatSync(at).isSymbolicLink() === !hard
  )
    return;
  const fresh = `${at}.${process.pid}`;
  rmSync(fresh, { force: true });
  if (hard) linkSync(target, fresh);
  else symlinkSync(target, fresh);
  renameSync(fresh, at);
}

function onPath(name) {
  const own = cacheDir();
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter(
      (folder) =>
        folder !== "" && !resolve(folder).startsWith(own) && !folder.includes("node_modules"),
    )
    .map((folder) => join(folder, name))
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

async function versionOf(pulumi) {
  const { code, stdout } = await run(pulumi, ["version"], {
    capture: true,
    timeoutMs: 20_000,
    env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  return code === 0 ? /v?(\d+)\.(\d+)\.\d+/.exec(stdout) : null;
}

/**
 * A `pulumi` on PATH that is new enough, else one from npm's package, which downloads it; undefined
 * where neither works.
 */
async function installedPulumi({ built }) {
  const path = onPath("pulumi");
  const version = path === undefined ? null : await versionOf(path).catch(() => null);
  if (version !== null) {
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major > PULUMI_MINIMUM[0] || (major === PULUMI_MINIMUM[0] && minor >= PULUMI_MINIMUM[1]))
      return path;
    say(
      `pulumi on PATH is ${version[0]}; ${PULUMI_MINIMUM.join(".")} or newer is needed, so another is used`,
    );
  }
  if (existsSync(built)) return undefined;
  return pulumiFromNpm();
}

/**
 * npm's package `pulumi` fetches the program from Pulumi's own site; where that cannot be reached
 * this gives up within 20 seconds.
 */
async function pulumiFromNpm() {
  const home = cacheDir("npm-pulumi");
  const binary = join(home, "versions", PULUMI_NPM, "bin", "pulumi");
  if (existsSync(binary)) return binary;
  mkdirSync(home, { recursive: true });
  const log = join(home, "install.log");
  const npm = await run(
    "npm",
    ["install", "--prefix", home, "--no-save", "--no-audit", "--no-fund", `pulumi@${PULUMI_NPM}`],
    { log, timeoutMs: 120_000 },
  );
  if (npm.code !== 0) {
    say(`pulumi: npm's package did not install (log: ${log})`);
    return undefined;
  }
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const got = await run(
    process.execPath,
    [join(home, "node_modules", "pulumi", "run.js"), "version"],
    { env, log, silenceMs: 20_000, timeoutMs: 300_000 },
  );
  if (got.code === 0 && existsSync(binary)) return binary;
  say(
    `pulumi: npm's package could not download the program here (${got.ended ?? "no way to its site"}); it will be built from source`,
  );
  rmSync(join(home, "versions"), { recursive: true, force: true });
  return undefined;
}

/**
 * The folder of a Pulumi that was installed whole, with its hosts for languages beside it;
 * undefined for one that we built.
 */
export function installedFolder() {
  const pulumi = join(toolsPath(), "pulumi");
  return lstatSync(pulumi, { throwIfNoEntry: false })?.isSymbolicLink() && existsSync(pulumi)
    ? dirname(realpathSync(pulumi))
    : undefined;
}

/** null, for "nothing to do", where Pulumi brought its own host, which fits it best. */
async function besidePulumi() {
  const folder = installedFolder();
  return folder !== undefined && existsSync(join(folder, "pulumi-language-nodejs"))
    ? null
    : undefined;
}

/**
 * Pulumi's npm package has the script that starts providers in Node; beside a Pulumi that we built
 * it is found without a warning.
 */
function placeProviderHost() {
  const name = "pulumi-resource-pulumi-nodejs";
  const script = join(root, "node_modules", "@pulumi", "pulumi", name);
  const at = join(toolsPath(), name);
  if (installedFolder() !== undefined) rmSync(at, { force: true });
  else if (existsSync(script) && !existsSync(at)) {
    cpSync(script, `${at}.${process.pid}`);
    renameSync(`${at}.${process.pid}`, at);
  }
}

async function build(tool, target) {
  const work = cacheDir("work", tool.name);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const log = join(work, "build.log");
  const replaced = (tool.replace ?? []).map((line) => `replace ${line}\n`).join("");
  writeFileSync(join(work, "go.mod"), `module consign.test/${tool.name}\n${replaced}`);
  if (tool.source !== undefined) cpSync(tool.source, join(work, "main.go"));
  const output = join(work, fileName(tool));
  const env = { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off" };
  const steps = [
    ["get", ...tool.get],
    [
      "build",
      "-buildvcs=false",
      "-ldflags",
      `-s -w ${tool.flags ?? ""}`.trim(),
      "-o",
      output,
      tool.build,
    ],
  ];
  for (const args of steps) {
    const { code } = await run("go", args, { cwd: work, env, log });
    if (code !== 0) throw new Error(`go ${args[0]} failed; the end of ${log}:\n${tail(log)}`);
  }
  if ((statSync(output).mode & 0o100) === 0) throw new Error(`${tool.build} is not a main package`);
  mkdirSync(dirname(target), { recursive: true });
  renameSync(output, target);
}

function tail(log) {
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-12).join("\n");
}

async function ensure(tool) {
  const built = cacheDir("bin", fileName(tool));
  const first = await tool.first?.({ built });
  if (first === null) return rmSync(join(toolsPath(), tool.name), { force: true });
  const found = first ?? built;
  if (found === built && !existsSync(built)) {
    await withLock(`build-${fileName(tool)}`, async () => {
      if (existsSync(built)) return;
      const note = tool.note === undefined ? "" : ` (${tool.note})`;
      await step(`building ${tool.name} ${tool.version} from source${note}`, () =>
        build(tool, built),
      );
    });
  }
  link(found, join(toolsPath(), tool.name), found === built);
  link(found, cacheDir("bin", tool.name), false);
  if (tool.name === "pulumi") placeProviderHost();
}

/**
 * Makes sure of tools by name, one after another, as each build uses every core. What cannot be had
 * is told and left out. Resolves to the names that are missing.
 */
export async function ensureTools(names = ALL_TOOLS) {
  const missing = [];
  for (const tool of TOOLS.filter(({ name }) => names.includes(name))) {
    try {
      await ensure(tool);
    } catch (error) {
      const reason =
        error.code === "ENOENT" && error.path === "go"
          ? "it has to be built, and Go is not installed (go 1.26 or newer on PATH)"
          : error.message;
      say(`no ${tool.name} ${tool.version}: ${reason}`);
      missing.push(tool.name);
    }
  }
  return missing;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const known = TOOLS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`no such tool: ${unknown.join(", ")}; there are ${known.join(", ")}`);
  const missing = await ensureTools(names.length === 0 ? ALL_TOOLS : names);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
