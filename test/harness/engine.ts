// SPDX-License-Identifier: Apache-2.0
import {
  LocalWorkspace,
  PulumiCommand,
  type EngineEvent,
  type LocalWorkspaceOptions,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { keyService, type KeyService } from "./key-service";
import { tempDir } from "./temp";
import { QUICK_PROGRAMS, missing, repositoryRoot, toolEnvironment, toolPath } from "./toolchain";

/**
 * For a test's `skip` option: the engine alone runs inline programs; a program in a folder needs
 * the language host too.
 */
export function engineMissing(program: "inline" | "folder" = "inline"): string | false {
  if (!existsSync(join(repositoryRoot, "node_modules", "pulumi-consign")))
    return "node_modules/pulumi-consign is not linked: run `npm run build`";
  return program === "inline" ? missing("pulumi") : missing("pulumi", "pulumi-language-nodejs");
}

/** What the engine did, or would do, with one resource. */
export interface EngineStep {
  op: string;
  urn: string;
  /** Last part of the URN. */
  name: string;
  type: string;
  /** Top-level properties that differ. */
  diffs: readonly string[];
  /** Property path to kind of difference, where the engine says so. */
  detailedDiff: Readonly<Record<string, { kind: string; inputDiff: boolean }>>;
  oldInputs: Record<string, unknown> | undefined;
  newInputs: Record<string, unknown> | undefined;
  oldOutputs: Record<string, unknown> | undefined;
  newOutputs: Record<string, unknown> | undefined;
}

export interface EngineRun {
  /**
   * Resources by operation, as `{ create: 2, same: 1 }`; stack and provider resources are not
   * counted.
   */
  changes: Record<string, number>;
  /** In the engine's order, without the stack and provider resources. */
  steps: EngineStep[];
  /** `severity: message`, as the person at the terminal reads it. */
  diagnostics: string[];
  outputs: Record<string, unknown>;
  stdout: string;
  step(name: string): EngineStep | undefined;
}

/** An operation that the engine says failed; what it had done by then is in `run`. */
export class EngineFailure extends Error {
  constructor(
    message: string,
    readonly run: EngineRun,
  ) {
    super(message);
  }
}

export interface EngineOptions {
  /** An inline program, or {@link EngineOptions.folder}. */
  program?: PulumiFn;
  /** A program's folder with its Pulumi.yaml; it is copied, so nothing is written into it. */
  folder?: string;
  /** Where its packages are. @default those of the checkout, with this package as it is in dist/ */
  modules?: string;
  /** @default "test" */
  project?: string;
  /** @default "dev" */
  stack?: string;
  /**
   * Stack configuration: `consign:registries` and the like. Values that are no strings are written
   * as JSON.
   */
  config?: Record<string, unknown>;
  secrets?: Record<string, string>;
  env?: Record<string, string>;
  /**
   * For measurements: as users have it, with a passphrase, and nothing of Pulumi's left out or kept
   * compiled.
   */
  asUsed?: boolean;
}

export interface OperationOptions {
  /** Replaces the inline program from here on. */
  program?: PulumiFn;
  /** URNs to work on. */
  target?: string[];
  refresh?: boolean;
  /** Fails when anything would change. */
  expectNoChanges?: boolean;
  parallel?: number;
}

/** One stack on a backend of its own, driven by the real engine. */
export interface Engine {
  /** Folder of the project: what relative paths and `oci:` locations are relative to. */
  readonly folder: string;
  readonly stack: Stack;
  up(options?: OperationOptions): Promise<EngineRun>;
  preview(options?: OperationOptions): Promise<EngineRun>;
  /** What `pulumi preview --refresh` shows: drift, and what would mend it. Writes nothing. */
  previewRefresh(options?: OperationOptions): Promise<EngineRun>;
  refresh(options?: OperationOptions): Promise<EngineRun>;
  destroy(options?: OperationOptions): Promise<EngineRun>;
  /** The stack's state, with secrets encrypted. */
  state(): Promise<StateResource[]>;
  setConfig(key: string, value: unknown): Promise<void>;
}

export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  initErrors?: string[];
}

/**
 * Makes a stack. Everything it writes is under a temporary folder; the provider that runs is the
 * one in dist/.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const home = tempDir("engine");
  const folder = join(home, "project");
  if (options.folder === undefined) mkdirSync(folder);
  else
    cpSync(options.folder, folder, {
      recursive: true,
      filter: (path) => !/[\\/](?:node_modules|\.run|Pulumi\.[^\\/]+\.yaml)$/.test(path),
    });
  const { modules = join(repositoryRoot, "node_modules") } = options;
  symlinkSync(modules, join(folder, "node_modules"), "junction");
  mkdirSync(join(home, "backend"));
  toolPath("pulumi");
  const stack = await createStack(
    options,
    workspaceOptions(
      options,
      home,
      folder,
      options.asUsed === true ? PASSPHRASE : await keyService(),
    ),
  );
  // After each operation Automation runs `pulumi` three times more, for what the state file says as
  // well.
  Object.assign(stack, { outputs: async () => ({}), info: async () => undefined });
  const state = (): StateResource[] => readState(join(home, "backend"), stack.name);
  const engine = {
    folder,
    stack,
    setConfig: (key: string, value: unknown) => setConfig(stack, key, value),
  };
  for (const [key, value] of Object.entries(options.config ?? {}))
    await engine.setConfig(key, value);
  for (const [key, value] of Object.entries(options.secrets ?? {}))
    await stack.setConfig(key, { value, secret: true });
  let program = options.program;

  type Run = (common: {
    onEvent: (event: EngineEvent) => void;
    onOutput: (text: string) => void;
  }) => Promise<unknown>;
  async function observe(operation: OperationOptions | undefined, run: Run): Promise<EngineRun> {
    program = operation?.program ?? program;
    const events: EngineEvent[] = [];
    let stdout = "";
    try {
      await run({ onEvent: (event) => events.push(event), onOutput: (text) => (stdout += text) });
      return summarize(
        events,
        stdout,
        state().find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {},
      );
    } catch (error) {
      const failed = summarize(events, stdout, {});
      const told = failed.diagnostics.filter((line) => /^(?:error|info#err)/.test(line)).join("\n");
      throw new EngineFailure(told === "" ? (error as Error).message : told, failed);
    }
  }
  const withProgram = (): { program?: PulumiFn } => (program === undefined ? {} : { program });

  return {
    ...engine,
    up: (operation) =>
      observe(operation, async (common) =>
        stack.up({ ...common, ...rest(operation), ...withProgram() }),
      ),
    preview: (operation) =>
      observe(operation, async (common) =>
        stack.preview({ ...common, ...rest(operation), ...withProgram() }),
      ),
    previewRefresh: (operation) =>
      observe(operation, async (common) =>
        stack.preview({ ...common, ...rest(operation), refresh: true, ...withProgram() }),
      ),
    refresh: (operation) =>
      observe(operation, async (common) => stack.refresh({ ...common, ...rest(operation) })),
    destroy: (operation) =>
      observe(operation, async (common) => stack.destroy({ ...common, ...rest(operation) })),
    state: async () => state(),
  };
}

/** As the file backend keeps it, with secrets encrypted. */
function readState(backend: string, stackName: string): StateResource[] {
  const folder = join(backend, ".pulumi", "stacks");
  const path = readdirSync(folder, { recursive: true, encoding: "utf8" }).find(
    (name) => basename(name) === `${stackName}.json`,
  );
  if (path === undefined) return [];
  const { checkpoint } = JSON.parse(readFileSync(join(folder, path), "utf8")) as {
    checkpoint: { latest?: { resources?: StateResource[] } };
  };
  return checkpoint.latest?.resources ?? [];
}

function rest(operation: OperationOptions = {}): Omit<OperationOptions, "program"> {
  const { program: _, ...others } = operation;
  return others;
}

const PASSPHRASE: KeyService = {
  secretsProvider: "passphrase",
  env: { PULUMI_CONFIG_PASSPHRASE: "test" },
};

function workspaceOptions(
  { project = "test", env = {}, asUsed = false }: EngineOptions,
  home: string,
  folder: string,
  keys: KeyService,
): LocalWorkspaceOptions {
  const backend = `file://${join(home, "backend")}`;
  return {
    workDir: folder,
    pulumiHome: join(home, "home"),
    secretsProvider: keys.secretsProvider,
    envVars: {
      PATH: toolEnvironment().PATH ?? "",
      PULUMI_BACKEND_URL: backend,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
      ...keys.env,
      ...(asUsed ? {} : QUICK_PROGRAMS),
      ...env,
    },
    projectSettings: { name: project, runtime: "nodejs", backend: { url: backend } },
  };
}

let command: Promise<PulumiCommand> | undefined;

/**
 * The backend is new, so there is nothing to select. Automation finds `pulumi` on this process's
 * PATH, and asks it for its version, once.
 */
async function createStack(
  { stack: stackName = "dev", project: projectName = "test", program }: EngineOptions,
  workspace: LocalWorkspaceOptions,
): Promise<Stack> {
  process.env.PATH = workspace.envVars?.PATH;
  const pulumiCommand = await (command ??= PulumiCommand.get());
  if (program !== undefined)
    return LocalWorkspace.createStack(
      { stackName, projectName, program },
      { ...workspace, pulumiCommand },
    );
  const { projectSettings: _, ...ownProject } = workspace;
  return LocalWorkspace.createStack(
    { stackName, workDir: workspace.workDir ?? "" },
    { ...ownProject, pulumiCommand },
  );
}

function setConfig(stack: Stack, key: string, value: unknown): Promise<void> {
  return stack.setConfig(key, { value: typeof value === "string" ? value : JSON.stringify(value) });
}

const isOwn = ({ type }: { type: string }): boolean =>
  type !== "pulumi:pulumi:Stack" && !type.startsWith("pulumi:providers:");

function summarize(
  events: readonly EngineEvent[],
  stdout: string,
  outputs: Record<string, unknown>,
): EngineRun {
  const done = new Map(
    events.flatMap(({ resOutputsEvent }) =>
      resOutputsEvent === undefined
        ? []
        : [[key(resOutputsEvent.metadata), resOutputsEvent.metadata] as const],
    ),
  );
  const planned = events.flatMap(({ resourcePreEvent }) =>
    resourcePreEvent === undefined ? [] : [resourcePreEvent.metadata],
  );
  // A refresh tells what it found only when it is done, an update what it will do before it begins.
  const steps = planned
    .filter(isOwn)
    .map((before) => toStep(before, done.get(key(before)) ?? before));
  const changes: Record<string, number> = {};
  for (const { op } of steps) changes[op] = (changes[op] ?? 0) + 1;
  const diagnostics = events.flatMap(({ diagnosticEvent }) => {
    if (diagnosticEvent === undefined || diagnosticEvent.ephemeral === true) return [];
    return [`${diagnosticEvent.severity}: ${plain(diagnosticEvent.message)}`];
  });
  return {
    changes,
    steps,
    diagnostics,
    outputs,
    stdout,
    step: (name) => steps.find((step) => step.name === name),
  };
}

type Metadata = NonNullable<EngineEvent["resourcePreEvent"]>["metadata"];

const key = ({ op, urn }: Metadata): string => `${op} ${urn}`;

/** Engine messages carry colour marks such as `<{%reset%}>`. */
const plain = (text: string): string => text.replace(/<\{%[^%]*%\}>/g, "").trim();

function toStep(before: Metadata, after: Metadata): EngineStep {
  const detailed = Object.entries(after.detailedDiff ?? before.detailedDiff ?? {});
  return {
    op: after.op,
    urn: after.urn,
    name: after.urn.slice(after.urn.lastIndexOf("::") + 2),
    type: after.type,
    diffs: after.diffs ?? before.diffs ?? [],
    detailedDiff: Object.fromEntries(
      detailed.map(([path, { diffKind, inputDiff }]) => [path, { kind: diffKind, inputDiff }]),
    ),
    oldInputs: after.old?.inputs,
    newInputs: after.new?.inputs,
    oldOutputs: after.old?.outputs,
    newOutputs: after.new?.outputs,
  };
}
