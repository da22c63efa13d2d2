// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../provider/errors";
import { container, pod, type PodSettings, type SecretKey } from "./container";
import { checkedName, labelsOf } from "./labels";
import type { CronJobManifest, Resources, Volume, VolumeMount } from "./objects";

/** What all scheduled runs have in common. */
export interface ScheduleSettings extends PodSettings {
  /** At most 52 characters, as Kubernetes makes job names of it. */
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  /** Cron: minute, hour, day of month, month, day of week; or `@hourly` and the like. */
  schedule: string;
  /** @default "Etc/UTC" */
  timeZone?: string;
  /** Seconds until a run is ended. @default 1800 */
  deadlineSeconds?: number;
  /** @default false */
  suspend?: boolean;
  env?: Record<string, string>;
  secretEnv?: Record<string, SecretKey>;
  /** @default requests 250m CPU and 512Mi, limit 1Gi: Pulumi and one provider */
  resources?: Resources;
  /**
   * `Secret` of the type kubernetes.io/dockerconfigjson with the credentials for registries that
   * the run itself talks to.
   */
  registryCredentials?: string;
}

const SCRATCH = "/var/run/consign";
const RESOURCES: Resources = {
  requests: { cpu: "250m", memory: "512Mi" },
  limits: { memory: "1Gi" },
};
/** Docker's own name for the file, and the key under which Kubernetes keeps it. */
const DOCKER_CONFIG = { key: ".dockerconfigjson", path: "config.json" };
const SCHEDULE =
  /^(?:@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*,/?-]+(?: [0-9A-Za-z*,/?-]+){4})$/;

export interface Run {
  command: string[];
  workingDir?: string;
  env?: Record<string, string>;
  volumes?: Volume[];
  mounts?: VolumeMount[];
}

/**
 * A CronJob that runs one program, never twice at a time, as nobody in particular, on a read-only
 * file system with one scratch folder. A run that fails is not tried again: it failed because there
 * is something to look at.
 * @throws ConsignError `INPUT_INVALID`
 */
export function scheduledRun<Image>(
  image: Image,
  settings: ScheduleSettings,
  run: Run,
): CronJobManifest<Image> {
  const {
    namespace,
    labels,
    schedule,
    timeZone = "Etc/UTC",
    deadlineSeconds = 1800,
    suspend = false,
    resources = RESOURCES,
    registryCredentials,
  } = settings;
  const name = checkedName(settings.name, 52);
  if (!SCHEDULE.test(schedule))
    throw new ConsignError(
      "INPUT_INVALID",
      `${name}: "${schedule}" is no cron schedule of five fields`,
      { path: "schedule" },
    );
  if (!Number.isInteger(deadlineSeconds) || deadlineSeconds < 1)
    throw new ConsignError(
      "INPUT_INVALID",
      `${name}: deadlineSeconds must be a whole number above 0`,
      { path: "deadlineSeconds" },
    );
  const home = {
    HOME: SCRATCH,
    TMPDIR: SCRATCH,
    ...(registryCredentials === undefined ? {} : { DOCKER_CONFIG: "/etc/consign/docker" }),
  };
  const env = { ...home, ...run.env, ...settings.env };
  const inside = container(name, image, {
    command: run.command,
    env,
    resources,
    ...(settings.secretEnv === undefined ? {} : { secretEnv: settings.secretEnv }),
  });
  const mounts: VolumeMount[] = [{ name: "scratch", mountPath: SCRATCH }, ...(run.mounts ?? [])];
  const volumes: Volume[] = [
    { name: "scratch", emptyDir: { sizeLimit: "2Gi" } },
    ...(run.volumes ?? []),
  ];
  if (registryCredentials !== undefined) {
    mounts.push({ name: "registry-credentials", mountPath: "/etc/consign/docker", readOnly: true });
    volumes.push({
      name: "registry-credentials",
      secret: { secretName: registryCredentials, items: [DOCKER_CONFIG] },
    });
  }
  const own = labelsOf(name, labels);
  const spec = pod(
    [
      {
        ...inside,
        ...(run.workingDir === undefined ? {} : { workingDir: run.workingDir }),
        volumeMounts: mounts,
      },
    ],
    { ...settings, mountToken: settings.serviceAccountName !== undefined, group: 65532 },
  );
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: own },
    spec: {
      schedule,
      timeZone,
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 300,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 3,
      suspend,
      jobTemplate: {
        metadata: { labels: own },
        spec: {
          backoffLimit: 0,
          activeDeadlineSeconds: deadlineSeconds,
          template: {
            metadata: { labels: own },
            spec: { ...spec, restartPolicy: "Never", volumes },
          },
        },
      },
    },
  };
}
