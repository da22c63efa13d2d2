// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../provider/errors";
import type { Container, EnvironmentVariable, PodSpec, Resources } from "./objects";

/** What may be said of a container; all of it is optional. */
export interface ContainerSettings {
  command?: string[];
  args?: string[];
  /** Plain values. A name that looks like a secret's is refused: use `secretEnv`. */
  env?: Record<string, string>;
  /** Variable to key of a `Secret`. Values of secrets never pass through here. */
  secretEnv?: Record<string, SecretKey>;
  /** TCP ports. */
  ports?: number[];
  /** HTTP path that answers when the container is ready; on the first of `ports`. */
  readyPath?: string;
  /** HTTP path that answers while the container lives; on the first of `ports`. */
  livePath?: string;
  /** @default requests 100m CPU and 128Mi, limit 256Mi */
  resources?: Resources;
  /** @default false: the container cannot write to its own image */
  writableRoot?: boolean;
}

export interface SecretKey {
  /** Name of the `Secret`. */
  name: string;
  key: string;
}

const RESOURCES: Resources = {
  requests: { cpu: "100m", memory: "128Mi" },
  limits: { memory: "256Mi" },
};
const SECRET = /PASS(?:WORD|PHRASE)|TOKEN|SECRET|CREDENTIAL|(?:PRIVATE|ACCESS|API)_?KEY/i;

/**
 * A container that the `restricted` Pod Security Standard admits. @throws ConsignError
 * `INPUT_INVALID`
 */
export function container<Image>(
  name: string,
  image: Image,
  settings: ContainerSettings = {},
): Container<Image> {
  const {
    command,
    args,
    ports = [],
    readyPath,
    livePath,
    resources = RESOURCES,
    writableRoot = false,
  } = settings;
  const env = environment(settings);
  const [port] = ports;
  if (port === undefined && (readyPath ?? livePath) !== undefined)
    throw new ConsignError("INPUT_INVALID", `${name}: a probe needs a port; give ports`, {
      path: "ports",
    });
  const probe = (path: string | undefined) =>
    path === undefined || port === undefined ? undefined : { httpGet: { path, port } };
  const readinessProbe = probe(readyPath);
  const livenessProbe = probe(livePath);
  return {
    name,
    image,
    imagePullPolicy: "IfNotPresent",
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
    ...(env.length === 0 ? {} : { env }),
    ...(ports.length === 0 ? {} : { ports: ports.map((containerPort) => ({ containerPort })) }),
    ...(readinessProbe === undefined ? {} : { readinessProbe }),
    ...(livenessProbe === undefined ? {} : { livenessProbe }),
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: !writableRoot,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/**
 * Sorted by name, so that the order of arguments is no change. @throws ConsignError `INPUT_INVALID`
 */
export function environment({
  env = {},
  secretEnv = {},
}: Pick<ContainerSettings, "env" | "secretEnv">): EnvironmentVariable[] {
  for (const name of Object.keys(env)) {
    if (SECRET.test(name))
      throw new ConsignError(
        "INPUT_INVALID",
        `${name} looks like a secret; name the Secret that holds it, in secretEnv`,
        { path: `env.${name}` },
      );
    if (name in secretEnv)
      throw new ConsignError("INPUT_INVALID", `${name} is in env and in secretEnv`, {
        path: `env.${name}`,
      });
  }
  const plain = Object.entries(env).map(([name, value]): EnvironmentVariable => ({ name, value }));
  const secret = Object.entries(secretEnv).map(([name, from]): EnvironmentVariable => ({
    name,
    valueFrom: { secretKeyRef: { name: from.name, key: from.key } },
  }));
  return [...plain, ...secret].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What may be said of a pod, whatever runs in it. */
export interface PodSettings {
  /** @default the namespace's default account, whose token is not mounted */
  serviceAccountName?: string;
  /** Names of `Secret`s of the type kubernetes.io/dockerconfigjson. */
  imagePullSecrets?: string[];
  /** Numeric user, where the image names none or names it by word. */
  runAsUser?: number;
}

/**
 * A pod that the `restricted` Pod Security Standard admits. @see
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export function pod<Image>(
  containers: Container<Image>[],
  settings: PodSettings & { mountToken?: boolean; group?: number },
): PodSpec<Image> {
  const {
    serviceAccountName,
    imagePullSecrets = [],
    runAsUser,
    mountToken = false,
    group,
  } = settings;
  return {
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    automountServiceAccountToken: mountToken,
    ...(imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    securityContext: {
      runAsNonRoot: true,
      ...(runAsUser === undefined ? {} : { runAsUser }),
      ...(group === undefined ? {} : { fsGroup: group }),
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers,
  };
}
