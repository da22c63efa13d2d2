// SPDX-License-Identifier: Apache-2.0
import type {
  DeploymentSettings,
  DriftCronJobSettings,
  StackChainSettings,
  SubscriptionCronJobSettings,
} from "../../../sdk/kubernetes/manifests";

export const digest = `sha256:${"5a".repeat(32)}`;
export const IMAGE = `registry.acme.example/net-monitor@${digest}`;
export const RUNNER = `registry.acme.example:5000/platform/consign-runner@sha256:${"7b".repeat(32)}`;

export const deployment: DeploymentSettings = {
  name: "net-monitor",
  namespace: "monitoring",
  replicas: 2,
  labels: { team: "platform" },
  serviceAccountName: "net-monitor",
  imagePullSecrets: ["acme-registry"],
  runAsUser: 10001,
  container: {
    args: ["--listen", ":8080"],
    env: { LOG_LEVEL: "info" },
    secretEnv: { DATABASE_PASSWORD: { name: "net-monitor-db", key: "password" } },
    ports: [8080],
    readyPath: "/ready",
    livePath: "/live",
  },
};

const program = {
  stack: "acme/supply-chain/prod",
  backend: "s3://acme-pulumi-state?region=eu-west-1",
};
const secretEnv = { PULUMI_CONFIG_PASSPHRASE: { name: "pulumi", key: "passphrase" } };

export const drift: DriftCronJobSettings = {
  name: "drift",
  namespace: "consign",
  schedule: "*/30 * * * *",
  program,
  secretEnv,
  serviceAccountName: "consign-runner",
  registryCredentials: "acme-registry",
};

export const verification: DriftCronJobSettings = {
  name: "verify-net-monitor",
  namespace: "consign",
  schedule: "@hourly",
  verify: {
    reference: IMAGE,
    policy: { configMap: "trust", key: "policy.json" },
    require: ["sbom/spdx", "vsa"],
  },
};

export const subscription: SubscriptionCronJobSettings = {
  name: "subscription",
  namespace: "consign",
  schedule: "5 * * * 1-5",
  timeZone: "Europe/Berlin",
  program,
  secretEnv,
  onNews: "apply",
};

const repository = "https://git.acme.example/platform/supply-chain";

export const chain: StackChainSettings = {
  namespace: "consign",
  backend: program.backend,
  secretsProvider: "awskms://alias/pulumi?region=eu-west-1",
  secretEnv: { AWS_SECRET_ACCESS_KEY: { name: "state-bucket", key: "secret" } },
  env: { AWS_REGION: "eu-west-1" },
  serviceAccountName: "consign-runner",
  within: "1h30m",
  watch: "beside",
  steps: ["mirror", "verify", "promote"].map((name) => ({
    name,
    stack: `acme/${name}`,
    source: { repository, commit: "0123456789abcdef0123456789abcdef01234567", directory: name },
  })),
};
