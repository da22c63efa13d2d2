// SPDX-License-Identifier: Apache-2.0

/**
 * The parts of the Kubernetes API that manifests here are made of. `Image` is a string, but for the
 * components: they put an output there, so that a preview knows all the rest of a manifest before
 * it knows the image.
 * @see https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/
 */
export interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}

export interface Resources {
  requests: Record<string, string>;
  limits: Record<string, string>;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

export interface Volume {
  name: string;
  emptyDir?: { sizeLimit: string };
  secret?: { secretName: string; items: { key: string; path: string }[] };
  configMap?: { name: string; items: { key: string; path: string }[] };
}

export interface Probe {
  httpGet: { path: string; port: number };
}

export interface ContainerSecurity {
  allowPrivilegeEscalation: false;
  readOnlyRootFilesystem: boolean;
  runAsNonRoot: true;
  capabilities: { drop: string[] };
  seccompProfile: { type: string };
}

export interface Container<Image = string> {
  name: string;
  image: Image;
  imagePullPolicy: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: EnvironmentVariable[];
  ports?: { containerPort: number }[];
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  resources: Resources;
  securityContext: ContainerSecurity;
  volumeMounts?: VolumeMount[];
}

export interface PodSpec<Image = string> {
  serviceAccountName?: string;
  automountServiceAccountToken: boolean;
  imagePullSecrets?: { name: string }[];
  restartPolicy?: string;
  securityContext: {
    runAsNonRoot: true;
    runAsUser?: number;
    fsGroup?: number;
    seccompProfile: { type: string };
  };
  containers: Container<Image>[];
  volumes?: Volume[];
}

export interface PodTemplate<Image = string> {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec<Image>;
}

export interface DeploymentManifest<Image = string> extends Manifest {
  apiVersion: "apps/v1";
  kind: "Deployment";
  spec: {
    replicas: number;
    revisionHistoryLimit: number;
    selector: { matchLabels: Record<string, string> };
    template: PodTemplate<Image>;
  };
}

export interface CronJobManifest<Image = string> extends Manifest {
  apiVersion: "batch/v1";
  kind: "CronJob";
  spec: {
    schedule: string;
    timeZone: string;
    concurrencyPolicy: "Forbid";
    startingDeadlineSeconds: number;
    successfulJobsHistoryLimit: number;
    failedJobsHistoryLimit: number;
    suspend: boolean;
    jobTemplate: {
      metadata: { labels: Record<string, string> };
      spec: { backoffLimit: number; activeDeadlineSeconds: number; template: PodTemplate<Image> };
    };
  };
}
