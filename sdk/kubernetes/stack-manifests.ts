// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../provider/errors";
import { environment, type SecretKey } from "./container";
import { checkedName, labelsOf } from "./labels";
import type { Manifest, Resources } from "./objects";
import { pinnedImage } from "./pinned-image";

/** Where the operator gets a program from. */
export type StackSource =
  | {
      repository: string;
      /** Exactly one of `commit` and `branch`. */ commit?: string;
      branch?: string;
      directory?: string;
    }
  /** A `Program` object in the same namespace. */
  | { program: string };

export interface StackSettings {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  /** `organization/stack`, or the stack's name on a backend of one's own. */
  stack: string;
  /** `s3://…`, `gs://…`, `azblob://…`, `file:///…` on a volume. @default Pulumi Cloud */
  backend?: string;
  /** `awskms://…`, `gcpkms://…`, `azurekeyvault://…`, `hashivault://…`, `passphrase`. */
  secretsProvider?: string;
  source: StackSource;
  /** Seconds between two looks at the world; at least 60. @default 300 */
  resyncSeconds?: number;
  /** Only previews, and fails on drift. @default "apply" */
  mode?: "apply" | "watch";
  /** Stacks that must have succeeded before; with `within`, as `"15m"`, so recently. */
  after?: { name: string; within?: string }[];
  config?: Record<string, unknown>;
  env?: Record<string, string>;
  secretEnv?: Record<string, SecretKey>;
  serviceAccountName?: string;
  resources?: Resources;
}

export interface StackObject<Image = string> extends Manifest {
  apiVersion: "pulumi.com/v1";
  kind: "Stack";
  spec: StackSpec<Image>;
}

export type EnvironmentReference =
  | { type: "Literal"; literal: { value: string } }
  | { type: "Secret"; secret: { name: string; key: string } };

/**
 * What is used of the operator's `Stack`. @see
 * https://github.com/pulumi/pulumi-kubernetes-operator/blob/v2.9.0/docs/stacks.md
 */
export interface StackSpec<Image = string> {
  stack: string;
  backend?: string;
  secretsProvider?: string;
  projectRepo?: string;
  commit?: string;
  branch?: string;
  repoDir?: string;
  programRef?: { name: string };
  config?: Record<string, unknown>;
  envRefs?: Record<string, EnvironmentReference>;
  serviceAccountName?: string;
  refresh: true;
  preview?: true;
  expectNoRefreshChanges?: true;
  continueResyncOnCommitMatch: true;
  resyncFrequencySeconds: number;
  retryMaxBackoffDurationSeconds: number;
  destroyOnFinalize: false;
  prerequisites?: { name: string; requirement?: { succeededWithinDuration: string } }[];
  workspaceTemplate: {
    spec: { image: Image; securityProfile: "restricted"; resources: Resources };
  };
}

const RESOURCES: Resources = {
  requests: { cpu: "250m", memory: "512Mi" },
  limits: { memory: "1Gi" },
};

/**
 * A `Stack` for the Pulumi Kubernetes Operator 2: it refreshes, then updates (or only previews),
 * again and again, as what it follows lies outside its own sources. Deleting the object never
 * destroys the stack.
 * @param image a verified reference to the workspace's image, with this package in it
 * @throws ConsignError `REFERENCE_INVALID`, `VERIFICATION_UNMET`, `INPUT_INVALID`
 */
export function stackObject(image: string | undefined, settings: StackSettings): StackObject {
  return stackOf(pinnedImage(image, `the workspace image of ${settings.name}`), settings);
}

/** As {@link stackObject}, of an image that was checked, or will be. */
export function stackOf<Image>(image: Image, settings: StackSettings): StackObject<Image> {
  const {
    namespace,
    labels,
    resyncSeconds = 300,
    mode = "apply",
    after = [],
    config,
    serviceAccountName,
    resources = RESOURCES,
  } = settings;
  const name = checkedName(settings.name);
  if (!Number.isInteger(resyncSeconds) || resyncSeconds < 60)
    throw new ConsignError(
      "INPUT_INVALID",
      `${name}: resyncSeconds must be a whole number, 60 or more`,
      { path: "resyncSeconds" },
    );
  for (const variable of Object.keys(config ?? {})) {
    if (/pass(?:word|phrase)|token|secret/i.test(variable))
      throw new ConsignError(
        "INPUT_INVALID",
        `${name}: ${variable} looks like a secret; keep it in the stack's encrypted configuration, or in secretEnv`,
        { path: `config.${variable}` },
      );
  }
  return {
    apiVersion: "pulumi.com/v1",
    kind: "Stack",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(name, labels),
    },
    spec: {
      stack: settings.stack,
      ...(settings.backend === undefined ? {} : { backend: settings.backend }),
      ...(settings.secretsProvider === undefined
        ? {}
        : { secretsProvider: settings.secretsProvider }),
      ...sourceOf(settings),
      ...(config === undefined ? {} : { config }),
      ...environmentOf(settings),
      ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
      refresh: true,
      ...(mode === "watch"
        ? { preview: true as const, expectNoRefreshChanges: true as const }
        : {}),
      continueResyncOnCommitMatch: true,
      resyncFrequencySeconds: resyncSeconds,
      retryMaxBackoffDurationSeconds: 3600,
      destroyOnFinalize: false,
      ...(after.length === 0 ? {} : { prerequisites: after.map(prerequisite) }),
      workspaceTemplate: { spec: { image, securityProfile: "restricted", resources } },
    },
  };
}

function sourceOf({
  source,
  name,
}: StackSettings): Pick<StackSpec, "programRef" | "projectRepo" | "commit" | "branch" | "repoDir"> {
  if ("program" in source) return { programRef: { name: source.program } };
  const { repository, commit, branch, directory } = source;
  if ((commit === undefined) === (branch === undefined))
    throw new ConsignError("INPUT_INVALID", `${name}: say either commit or branch`, {
      path: "source",
    });
  return {
    projectRepo: repository,
    ...(commit === undefined ? {} : { commit }),
    ...(branch === undefined ? {} : { branch }),
    ...(directory === undefined ? {} : { repoDir: directory }),
  };
}

function environmentOf(settings: StackSettings): Pick<StackSpec, "envRefs"> {
  const variables = environment(settings).map(
    ({ name, value, valueFrom }): [string, EnvironmentReference] => [
      name,
      valueFrom === undefined
        ? { type: "Literal", literal: { value: value ?? "" } }
        : { type: "Secret", secret: valueFrom.secretKeyRef },
    ],
  );
  return variables.length === 0 ? {} : { envRefs: Object.fromEntries(variables) };
}

function prerequisite({ name, within }: { name: string; within?: string }): {
  name: string;
  requirement?: { succeededWithinDuration: string };
} {
  if (within === undefined) return { name };
  if (!/^(?:[0-9]+(?:h|m|s))+$/.test(within))
    throw new ConsignError("INPUT_INVALID", `"${within}" is no duration, as "15m" or "1h30m"`, {
      path: "after",
    });
  return { name, requirement: { succeededWithinDuration: within } };
}

/** One step of a chain of stacks: mirror, then verify, then promote. */
export type StackStep = Pick<StackSettings, "name" | "stack" | "source"> & Partial<StackSettings>;

export interface StackChainSettings extends Omit<
  StackSettings,
  "name" | "stack" | "source" | "after" | "mode"
> {
  /**
   * In their order: each waits until the one before it has succeeded. What a step says of itself
   * goes before what is said for all.
   */
  steps: StackStep[];
  /** How recently the step before must have succeeded, as `"15m"`. @default ever */
  within?: string;
  /**
   * Beside each stack, one that only previews: it is ready while the world is as the stack says.
   * @default "none"
   */
  watch?: "none" | "beside";
}

/** Stacks that are reconciled one after the other. @throws ConsignError as {@link stackObject} */
export function stackChain(image: string | undefined, settings: StackChainSettings): StackObject[] {
  return chainOf(pinnedImage(image, "the workspace image"), settings);
}

/** As {@link stackChain}, of an image that was checked, or will be. */
export function chainOf<Image>(image: Image, settings: StackChainSettings): StackObject<Image>[] {
  const { steps, within, watch = "none", ...common } = settings;
  return steps.flatMap((step, index) => {
    const before = steps[index - 1];
    const after = [
      ...(before === undefined
        ? []
        : [{ name: before.name, ...(within === undefined ? {} : { within }) }]),
      ...(step.after ?? []),
    ];
    const own = { ...common, ...step };
    const object = stackOf(image, { ...own, after });
    return watch === "none"
      ? [object]
      : [
          object,
          stackOf(image, {
            ...own,
            name: `${step.name}-watch`,
            mode: "watch",
            after: [{ name: step.name }],
          }),
        ];
  });
}
